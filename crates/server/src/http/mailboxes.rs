//! `/mailboxes/{name}/messages`: the embedded mailboxes.

use api::{Flags, ListedMessage, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use serde::Deserialize;
use store::Mailbox;
use utoipa::IntoParams;

use super::auth::LoggedIn;
use super::body::{JsonBody, PathOf, QueryOf};
use super::openapi::{Always, Changes, NeedsLogin, ReadsJson, ReadsLimit};
use super::{App, Failure};

/// How many rows of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Limit {
    /// At most so many rows, from the newest; all without it.
    #[param(value_type = Option<u32>, minimum = 1)]
    limit: Option<String>,
}

impl Limit {
    /// The number, if one was given.
    pub(super) fn rows(&self) -> Result<Option<u32>, Failure> {
        let Some(limit) = &self.limit else { return Ok(None) };
        match limit.parse() {
            Ok(0) | Err(_) => Err(Failure::invalid("limit", "`limit` must be a whole number from 1 up.")),
            Ok(rows) => Ok(Some(rows)),
        }
    }

    /// So many rows of a whole list.
    pub(super) fn of<T>(&self, mut list: Vec<T>) -> Result<Vec<T>, Failure> {
        if let Some(rows) = self.rows()? {
            list.truncate(usize::try_from(rows).unwrap_or(usize::MAX));
        }
        Ok(list)
    }
}

/// What lies in a mailbox, newest received first.
#[utoipa::path(
    get, path = "/mailboxes/{name}/messages", tag = "mailboxes", operation_id = "mailbox",
    params(("name" = String, Path, description = "`INBOX` or `Sent`."), Limit),
    responses(
        (status = 200, description = "Newest received first.", body = Vec<ListedMessage>),
        (status = 404, description = "There is no such mailbox.", body = Problem, content_type = "application/problem+json"),
        ReadsLimit, NeedsLogin, Always,
    ),
)]
pub(super) async fn mailbox(
    State(app): State<App>,
    user: LoggedIn,
    PathOf(name): PathOf<String>,
    QueryOf(limit): QueryOf<Limit>,
) -> Result<Json<Vec<ListedMessage>>, Failure> {
    Ok(Json(app.store.mailbox(&user.account, named(&name)?, limit.rows()?).await?))
}

/// One message, byte for byte.
#[utoipa::path(
    get, path = "/mailboxes/{name}/messages/{id}/raw", tag = "mailboxes", operation_id = "raw_message",
    params(("name" = String, Path, description = "`INBOX` or `Sent`."), ("id" = i64, Path, description = "From the list.")),
    responses(
        (status = 200, description = "The message.", body = String, content_type = "message/rfc822"),
        (status = 404, description = "There is no such message.", body = Problem, content_type = "application/problem+json"),
        NeedsLogin, Always,
    ),
)]
pub(super) async fn raw_message(
    State(app): State<App>,
    user: LoggedIn,
    PathOf((name, id)): PathOf<(String, String)>,
) -> Result<impl IntoResponse, Failure> {
    let id = numbered(&id)?;
    let raw = app.store.mailbox_raw(&user.account, named(&name)?, id).await?.ok_or_else(no_message)?;
    // Whoever opens it as a page of its own gets a file, and nothing in it runs.
    let headers = [
        (CONTENT_TYPE, "message/rfc822".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"message-{id}.eml\"")),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'; frame-ancestors 'none'".to_owned()),
    ];
    Ok((headers, raw))
}

/// Mark a message read or unread.
#[utoipa::path(
    patch, path = "/mailboxes/{name}/messages/{id}", tag = "mailboxes", operation_id = "set_flags", request_body = Flags,
    params(("name" = String, Path, description = "`INBOX` or `Sent`."), ("id" = i64, Path, description = "From the list.")),
    security(("bearer" = []), ("cookie" = [], "csrf" = [])),
    responses(
        (status = 204, description = "Marked."),
        (status = 404, description = "There is no such message.", body = Problem, content_type = "application/problem+json"),
        ReadsJson, Changes, NeedsLogin, Always,
    ),
)]
pub(super) async fn set_flags(
    State(app): State<App>,
    user: LoggedIn,
    PathOf((name, id)): PathOf<(String, String)>,
    JsonBody(flags): JsonBody<Flags>,
) -> Result<StatusCode, Failure> {
    app.store.set_seen(&user.account, named(&name)?, numbered(&id)?, flags.seen).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn named(name: &str) -> Result<Mailbox, Failure> {
    Mailbox::from_name(name)
        .ok_or_else(|| Failure::not_found("No such mailbox", "The mailboxes are INBOX and Sent."))
}

fn numbered(id: &str) -> Result<i64, Failure> {
    id.parse().map_err(|_| no_message())
}

fn no_message() -> Failure {
    Failure::not_found("No such message", "The ids are in the list of the mailbox's messages.")
}
