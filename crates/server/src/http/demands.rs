//! `/demands`: this message to servers alone that prove who they are.

use api::{DemandRecorded, DemandRequest};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::SignedDuration;
use store::DemandRow;

use super::auth::LoggedIn;
use super::body::{self, JsonBody};
use super::openapi::{Always, Changes, NeedsLogin, ReadsJson};
use super::{App, Failure};

/// How long a demand waits for its message.
const LASTS: SignedDuration = SignedDuration::from_mins(10);

/// Record that a message is to go only to servers that prove who they are.
///
/// It holds once, for ten minutes, whichever way the message is submitted and whether the guarantee is on or not, for all its
/// recipients; no exception and no override lifts it. A server that offers REQUIRETLS is asked to demand the same of the way
/// that follows (RFC 8689).
#[utoipa::path(
    post, path = "/demands", tag = "guarantee", operation_id = "record_demand", request_body = DemandRequest,
    security(("bearer" = []), ("cookie" = [], "csrf" = [])),
    responses((status = 201, description = "Recorded.", body = DemandRecorded), ReadsJson, Changes, NeedsLogin, Always),
)]
pub(super) async fn record_demand(
    State(app): State<App>,
    user: LoggedIn,
    JsonBody(asked): JsonBody<DemandRequest>,
) -> Result<(StatusCode, Json<DemandRecorded>), Failure> {
    let message_id = body::message_id("/message_id", &asked.message_id)?;
    let expires_at = app.clock.now() + LASTS;
    let demand = DemandRow { account: user.account, message_id, expires_at };
    app.store.record_demand(&demand).await?;
    let recorded = DemandRecorded { message_id: demand.message_id, expires_at };
    Ok((StatusCode::CREATED, Json(recorded)))
}
