//! `/exceptions`: to whom the user's mail leaves even without TLS.

use api::{Exception, NewException, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use store::{AddedException, MAX_EXCEPTIONS, NewExceptionRow, Pattern, StoreError};

use super::auth::LoggedIn;
use super::body::{JsonBody, PathOf, QueryOf};
use super::guarantee;
use super::mailboxes::Limit;
use super::openapi::{Always, Changes, NeedsLogin, ReadsJson, ReadsLimit};
use super::{App, Failure};

/// Characters of a note.
const NOTE: usize = 200;

/// The account's exceptions, newest first.
#[utoipa::path(
    get, path = "/exceptions", tag = "guarantee", operation_id = "exceptions", params(Limit),
    responses((status = 200, description = "Newest first.", body = Vec<Exception>), ReadsLimit, NeedsLogin, Always),
)]
pub(super) async fn exceptions(
    State(app): State<App>,
    user: LoggedIn,
    QueryOf(limit): QueryOf<Limit>,
) -> Result<Json<Vec<Exception>>, Failure> {
    Ok(Json(limit.of(app.store.exceptions(&user.account).await?)?))
}

/// Let mail to an address, or to all addresses of a domain, leave even without TLS.
///
/// It holds for every message accepted after the answer, until it is revoked. DANE and MTA-STS still bind, and so does what
/// a message asks for itself.
#[utoipa::path(
    post, path = "/exceptions", tag = "guarantee", operation_id = "add_exception", request_body = NewException,
    security(("bearer" = []), ("cookie" = [], "csrf" = [])),
    responses(
        (status = 201, description = "It holds from now on.", body = Exception),
        (status = 200, description = "It was there already, and is left as it was.", body = Exception),
        (status = 409, description = "The account has as many as it may: revoke one.", body = Problem, content_type = "application/problem+json"),
        ReadsJson, Changes, NeedsLogin, Always,
    ),
)]
pub(super) async fn add_exception(
    State(app): State<App>,
    user: LoggedIn,
    JsonBody(wanted): JsonBody<NewException>,
) -> Result<(StatusCode, Json<Exception>), Failure> {
    let pattern = Pattern::parse(&wanted.pattern).ok_or_else(|| {
        Failure::invalid(
            "/pattern",
            "This is neither an address, like name@plain.example, nor a domain, like plain.example.",
        )
    })?;
    let note = wanted.note.trim().to_owned();
    if note.chars().count() > NOTE {
        return Err(Failure::invalid("/note", format!("A note has at most {NOTE} characters.")));
    }
    let new = NewExceptionRow { account: user.account.clone(), pattern, note, created_at: app.clock.now() };
    match app.store.add_exception(new).await? {
        AddedException::Added(exception) => {
            guarantee::tell(&app, &user.account).await?;
            Ok((StatusCode::CREATED, Json(exception)))
        }
        AddedException::WasThere(exception) => Ok((StatusCode::OK, Json(exception))),
        AddedException::TooMany => {
            Err(Failure::new(StatusCode::CONFLICT, "too_many_exceptions", "Too many exceptions").detail(
                format!("An account has at most {MAX_EXCEPTIONS}: revoke one that you no longer need."),
            ))
        }
    }
}

/// Revoke an exception: what is accepted from now on is under the guarantee again.
#[utoipa::path(
    delete, path = "/exceptions/{id}", tag = "guarantee", operation_id = "remove_exception",
    params(("id" = i64, Path, description = "From the list.")),
    security(("bearer" = []), ("cookie" = [], "csrf" = [])),
    responses(
        (status = 204, description = "Revoked."),
        (status = 404, description = "No exception of this account has this id.", body = Problem, content_type = "application/problem+json"),
        Changes, NeedsLogin, Always,
    ),
)]
pub(super) async fn remove_exception(
    State(app): State<App>,
    user: LoggedIn,
    PathOf(id): PathOf<String>,
) -> Result<StatusCode, Failure> {
    let none = || Failure::not_found("No such exception", "It may have been revoked already.");
    let id = id.parse().map_err(|_| none())?;
    match app.store.remove_exception(&user.account, id).await {
        Ok(()) => {
            guarantee::tell(&app, &user.account).await?;
            Ok(StatusCode::NO_CONTENT)
        }
        Err(StoreError::NotFound(_)) => Err(none()),
        Err(error) => Err(error.into()),
    }
}
