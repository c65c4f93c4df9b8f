//! `/preferences`: what the user lets the guarantee do by itself.

use api::Preferences;
use axum::Json;
use axum::extract::State;

use super::auth::LoggedIn;
use super::body::JsonBody;
use super::openapi::{Always, Changes, NeedsLogin, ReadsJson};
use super::{App, Failure};

/// The account's preferences.
#[utoipa::path(
    get, path = "/preferences", tag = "guarantee", operation_id = "preferences",
    responses((status = 200, description = "As they stand.", body = Preferences), NeedsLogin, Always),
)]
pub(super) async fn preferences(
    State(app): State<App>,
    user: LoggedIn,
) -> Result<Json<Preferences>, Failure> {
    Ok(Json(app.store.preferences(&user.account).await?))
}

/// Set the account's preferences, for every message accepted after the answer.
#[utoipa::path(
    put, path = "/preferences", tag = "guarantee", operation_id = "set_preferences", request_body = Preferences,
    security(("bearer" = []), ("cookie" = [], "csrf" = [])),
    responses((status = 200, description = "As they stand now.", body = Preferences), ReadsJson, Changes, NeedsLogin, Always),
)]
pub(super) async fn set_preferences(
    State(app): State<App>,
    user: LoggedIn,
    JsonBody(wanted): JsonBody<Preferences>,
) -> Result<Json<Preferences>, Failure> {
    app.store.set_preferences(&user.account, wanted).await?;
    Ok(Json(wanted))
}
