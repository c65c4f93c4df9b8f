//! `/demands`: this message to servers alone that prove who they are.

use api::{DemandRecorded, DemandRequest, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::SignedDuration;
use store::{DemandRow, MAX_DEMANDS, RecordedDemand};

use super::auth::LoggedIn;
use super::body::{self, JsonBody};
use super::openapi::{Always, Changes, NeedsLogin, ReadsJson};
use super::{App, Failure};

/// How long a demand holds: longer than the mail server between a client and this one queues and tries again, four to
/// five days (RFC 5321 §4.5.4.1).
const LASTS: SignedDuration = SignedDuration::from_hours(6 * 24);

/// Record that a message is to go only to servers that prove who they are.
///
/// It holds for six days and for every submission of this message, in parts or again, whichever way and whether the
/// guarantee is on or not, for all its recipients; no exception and no override lifts it. A server that offers REQUIRETLS is asked to demand the same of the way
/// that follows (RFC 8689).
#[utoipa::path(
    post, path = "/demands", tag = "guarantee", operation_id = "record_demand", request_body = DemandRequest,
    security(("bearer" = []), ("cookie" = [], "csrf" = [])),
    responses((status = 201, description = "Recorded.", body = DemandRecorded),
        (status = 409, description = "The account has as many as it may at a time.", body = Problem, content_type = "application/problem+json"),
        ReadsJson, Changes, NeedsLogin, Always),
)]
pub(super) async fn record_demand(
    State(app): State<App>,
    user: LoggedIn,
    JsonBody(asked): JsonBody<DemandRequest>,
) -> Result<(StatusCode, Json<DemandRecorded>), Failure> {
    let message_id = body::message_id("/message_id", &asked.message_id)?;
    let expires_at = app.clock.now() + LASTS;
    let demand = DemandRow { account: user.account, message_id, expires_at };
    match app.store.record_demand(&demand).await? {
        RecordedDemand::Recorded => {}
        RecordedDemand::TooMany => {
            return Err(Failure::new(StatusCode::CONFLICT, "too_many_demands", "Too many demands").detail(
                format!(
                    "An account has at most {MAX_DEMANDS} within six days. Wait, or demand verified servers for all mail."
                ),
            ));
        }
    }
    let recorded = DemandRecorded { message_id: demand.message_id, expires_at };
    Ok((StatusCode::CREATED, Json(recorded)))
}
