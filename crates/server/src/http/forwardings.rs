//! `/forwardings`: targets of permanent forwardings whose way is watched.

use std::time::Duration;

use api::{Forwarding, NewForwarding, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use smtp::address::Mailbox;
use store::{AddedForwarding, MAX_FORWARDINGS, NewForwardingRow, StoreError};
use tokio::time::timeout;

use super::auth::LoggedIn;
use super::body::{JsonBody, PathOf, QueryOf};
use super::checks::too_many;
use super::mailboxes::Limit;
use super::openapi::{Always, Changes, Counted, NeedsLogin, ReadsJson, ReadsLimit};
use super::{App, Failure};
use crate::forwardings::next_look;

/// When the answer leaves, whatever has been found until then.
const ANSWER_AFTER: Duration = Duration::from_millis(2700);

/// The account's watched forwardings, newest first.
#[utoipa::path(
    get, path = "/forwardings", tag = "guarantee", operation_id = "forwardings", params(Limit),
    responses((status = 200, description = "Newest first.", body = Vec<Forwarding>), ReadsLimit, NeedsLogin, Always),
)]
pub(super) async fn forwardings(
    State(app): State<App>,
    user: LoggedIn,
    QueryOf(limit): QueryOf<Limit>,
) -> Result<Json<Vec<Forwarding>>, Failure> {
    Ok(Json(limit.of(app.store.forwardings(&user.account).await?)?))
}

/// Watch over the way to a permanent forwarding's target.
///
/// It is looked at at once, and then about once a day: each time its way has less protection than was last known, the
/// account gets a mail. The answer comes within 3 seconds; what is not known by then is `unknown`, and found out later.
/// Forwarded mail is exempt from the guarantee: it goes there with what protection there is.
#[utoipa::path(
    post, path = "/forwardings", tag = "guarantee", operation_id = "watch_forwarding", request_body = NewForwarding,
    security(("bearer" = []), ("cookie" = [], "csrf" = [])),
    responses(
        (status = 201, description = "It is watched from now on.", body = Forwarding),
        (status = 409, description = "It is watched already.", body = Problem, content_type = "application/problem+json"),
        Counted, ReadsJson, Changes, NeedsLogin, Always,
    ),
)]
pub(super) async fn watch_forwarding(
    State(app): State<App>,
    user: LoggedIn,
    JsonBody(wanted): JsonBody<NewForwarding>,
) -> Result<(StatusCode, Json<Forwarding>), Failure> {
    let address = Mailbox::parse(wanted.address.trim())
        .map_err(|error| Failure::invalid("/address", format!("This is not an address: {error}.")))?
        .to_string();
    let _slot = app.0.checks.take(&user.account)?;
    app.checker.admit(&user.account, std::slice::from_ref(&address)).await.map_err(too_many)?;
    let way = timeout(ANSWER_AFTER, app.checker.way(&user.account, &address)).await;
    let protection = way.ok().flatten();
    let created_at = app.clock.now();
    let next_look_at = next_look(protection, created_at);
    let new = NewForwardingRow { account: user.account, address, protection, created_at, next_look_at };
    match app.store.add_forwarding(new).await? {
        AddedForwarding::Added(forwarding) => Ok((StatusCode::CREATED, Json(forwarding))),
        AddedForwarding::WasThere(_) => {
            Err(Failure::new(StatusCode::CONFLICT, "watched_already", "It is watched already")
                .detail("This target is in the list already.")
                .field("/address"))
        }
        AddedForwarding::TooMany => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Err(Failure::new(status, "too_many_forwardings", "Too many forwardings").detail(format!(
                "At most {MAX_FORWARDINGS} are watched for one account: remove one that you no longer need."
            )))
        }
    }
}

/// Watch over it no longer.
#[utoipa::path(
    delete, path = "/forwardings/{id}", tag = "guarantee", operation_id = "remove_forwarding",
    params(("id" = i64, Path, description = "From the list.")),
    security(("bearer" = []), ("cookie" = [], "csrf" = [])),
    responses(
        (status = 204, description = "Removed."),
        (status = 404, description = "No forwarding of this account has this id.", body = Problem, content_type = "application/problem+json"),
        Changes, NeedsLogin, Always,
    ),
)]
pub(super) async fn remove_forwarding(
    State(app): State<App>,
    user: LoggedIn,
    PathOf(id): PathOf<String>,
) -> Result<StatusCode, Failure> {
    let none = || Failure::not_found("No such forwarding", "It may have been removed already.");
    let id = id.parse().map_err(|_| none())?;
    match app.store.remove_forwarding(&user.account, id).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(StoreError::NotFound(_)) => Err(none()),
        Err(error) => Err(error.into()),
    }
}
