//! `/overrides`, `/memory`, `/weeks`: what the account has decided, what its mail has met, and what became of it.

use api::{HostMemory, PastOverride, Week};
use axum::Json;
use axum::extract::State;
use jiff::SignedDuration;

use super::auth::LoggedIn;
use super::body::QueryOf;
use super::mailboxes::Limit;
use super::openapi::{Always, NeedsLogin, ReadsLimit};
use super::{App, Failure};

/// For how long decisions are shown.
const SHOWN_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The account's decisions of the last 30 days to send a message without the guarantee, newest first.
#[utoipa::path(
    get, path = "/overrides", tag = "guarantee", operation_id = "overrides", params(Limit),
    responses((status = 200, description = "Newest first.", body = Vec<PastOverride>), ReadsLimit, NeedsLogin, Always),
)]
pub(super) async fn overrides(
    State(app): State<App>,
    user: LoggedIn,
    QueryOf(limit): QueryOf<Limit>,
) -> Result<Json<Vec<PastOverride>>, Failure> {
    let overrides = app.store.overrides(&user.account, app.clock.now() - SHOWN_FOR).await?;
    Ok(Json(limit.of(overrides)?))
}

/// What the account's own mail has met at MX hosts, the last met first. Nobody is told what others' mail has met.
#[utoipa::path(
    get, path = "/memory", tag = "guarantee", operation_id = "memory", params(Limit),
    responses((status = 200, description = "The last met first.", body = Vec<HostMemory>), ReadsLimit, NeedsLogin, Always),
)]
pub(super) async fn memory(
    State(app): State<App>,
    user: LoggedIn,
    QueryOf(limit): QueryOf<Limit>,
) -> Result<Json<Vec<HostMemory>>, Failure> {
    Ok(Json(limit.of(app.store.own_memory(&user.account).await?)?))
}

/// What became of the account's mail in the last twelve weeks, counted by recipients: newest first, none left out.
///
/// A recipient counts in the week (Monday to Sunday, in UTC) in which its copy was delivered or stopped. What lies in a
/// mailbox of this server was protected.
#[utoipa::path(
    get, path = "/weeks", tag = "messages", operation_id = "weeks", params(Limit),
    responses((status = 200, description = "Newest first.", body = Vec<Week>), ReadsLimit, NeedsLogin, Always),
)]
pub(super) async fn weeks(
    State(app): State<App>,
    user: LoggedIn,
    QueryOf(limit): QueryOf<Limit>,
) -> Result<Json<Vec<Week>>, Failure> {
    Ok(Json(limit.of(app.store.weeks(&user.account, app.clock.now()).await?)?))
}
