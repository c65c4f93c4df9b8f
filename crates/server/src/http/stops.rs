//! `/stops`: what the guarantee stopped.

use api::{Problem, Replacement, Stop};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::SignedDuration;
use store::{ReplacementRow, StoreError};

use super::auth::LoggedIn;
use super::body::{self, JsonBody, PathOf, QueryOf};
use super::mailboxes::Limit;
use super::openapi::{Always, Changes, NeedsLogin, ReadsJson, ReadsLimit};
use super::{App, Failure};

/// How long an announcement waits for its message.
const LASTS: SignedDuration = SignedDuration::from_mins(10);

/// The stops recorded for this account, newest first.
#[utoipa::path(
    get, path = "/stops", tag = "messages", operation_id = "stops", params(Limit),
    responses((status = 200, description = "Newest first.", body = Vec<Stop>), ReadsLimit, NeedsLogin, Always),
)]
pub(super) async fn stops(
    State(app): State<App>,
    user: LoggedIn,
    QueryOf(limit): QueryOf<Limit>,
) -> Result<Json<Vec<Stop>>, Failure> {
    Ok(Json(app.store.stops(&user.account, limit.rows()?).await?))
}

/// Say which message is sent in the stead of a stopped one.
///
/// For pages whose webmail submits over SMTP; with `POST /messages` there is `replaces`. Once this account's message with
/// that Message-ID is accepted, within ten minutes, or if it has been already, the stop's `replaced_by` names it.
#[utoipa::path(
    post, path = "/stops/{id}/replacements", tag = "messages", operation_id = "announce_replacement",
    params(("id" = String, Path, description = "The stop's id.")), request_body = Replacement,
    security(("bearer" = []), ("cookie" = [], "csrf" = [])),
    responses(
        (status = 204, description = "Noted."),
        (status = 404, description = "No stop of this account has this id.", body = Problem, content_type = "application/problem+json"),
        ReadsJson, Changes, NeedsLogin, Always,
    ),
)]
pub(super) async fn announce_replacement(
    State(app): State<App>,
    user: LoggedIn,
    PathOf(stop): PathOf<String>,
    JsonBody(asked): JsonBody<Replacement>,
) -> Result<StatusCode, Failure> {
    let message_id = body::message_id("/message_id", &asked.message_id)?;
    let expires_at = app.clock.now() + LASTS;
    let row = ReplacementRow { account: user.account, stop, message_id, expires_at };
    match app.store.announce_replacement(&row).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(StoreError::NotFound(_)) => {
            Err(Failure::not_found("No such stop", "No stop of yours has this id, or it was long ago."))
        }
        Err(error) => Err(error.into()),
    }
}
