//! `/stops`: what the guarantee stopped.

use api::Stop;
use axum::Json;
use axum::extract::State;

use super::auth::LoggedIn;
use super::body::QueryOf;
use super::mailboxes::Limit;
use super::openapi::{Always, NeedsLogin, ReadsLimit};
use super::{App, Failure};

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
