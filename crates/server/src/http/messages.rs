//! `/messages`: submit one, and see what became of it.

use api::{Draft, MessageStatus, Problem, Submitted};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use bytes::Bytes;
use serde::Deserialize;
use utoipa::IntoParams;

use super::auth::LoggedIn;
use super::body::{PathOf, QueryOf, media_type, message_id, parse, read};
use super::openapi::{Always, Changes, Counted, NeedsLogin};
use super::{App, Failure};
use crate::acceptance::{Refused, Submission};

mod draft;
mod envelope;

/// Octets of a message, as at the SMTP door.
const MESSAGE_OCTETS: usize = 50 << 20;
/// Octets of a draft: its attachments are in base64.
const DRAFT_OCTETS: usize = MESSAGE_OCTETS / 3 * 4 + (1 << 20);

/// After which as whom a user may send can be looked up again.
const SENDERS_RETRY: std::time::Duration = std::time::Duration::from_secs(60);

/// What a new message is for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Purpose {
    /// The id of the stop whose message this one is sent in the stead of.
    replaces: Option<String>,
}

/// Submit a message.
///
/// As `message/rfc822` it goes to the addresses in To, Cc and Bcc; Bcc never leaves. A copy is filed in Sent. When the
/// answer comes, the message is on disk.
#[utoipa::path(
    post, path = "/messages", tag = "messages", operation_id = "submit", params(Purpose),
    security(("bearer" = []), ("cookie" = [], "csrf" = [])),
    request_body(content((String = "message/rfc822"), (Draft = "application/json")), description = "The message whole, or what the server is to make it of."),
    responses(
        Changes, Counted, NeedsLogin, Always,
        (status = 202, description = "Accepted. `Location` is where to see what becomes of it.", body = Submitted,
         headers(("location" = String, description = "`/api/v1/messages/{id}`"))),
        (status = 400, description = "The body cannot be read.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The sender is not this account, or the header of the CSRF check is missing.", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body stopped coming.", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large.", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Neither `message/rfc822` nor `application/json`.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A field of the message is wrong: `field` names it.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn submit(
    State(app): State<App>,
    user: LoggedIn,
    QueryOf(purpose): QueryOf<Purpose>,
    request: Request,
) -> Result<impl IntoResponse, Failure> {
    let _slot = app.0.uploads.take(&user.account)?;
    let content = content(&app, &user.account, request).await?;
    let envelope = envelope::read(&content, &user.account)?;
    let submission = Submission {
        account: user.account,
        mail_from: envelope.mail_from,
        recipients: envelope.recipients,
        content,
        file_sent_copy: true,
        replaces: purpose.replaces,
        with: "HTTP",
    };
    let submitted = app.acceptance.submit(submission).await.map_err(refused)?;
    let location = format!("{}/messages/{}", api::BASE, submitted.id);
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(submitted)))
}

/// The message, its lines ending in CRLF.
async fn content(app: &App, account: &str, request: Request) -> Result<Bytes, Failure> {
    let (parts, body) = request.into_parts();
    let message = match media_type(&parts.headers).as_str() {
        // RFC 6532 §3.7: the same with UTF-8 in its header.
        "message/rfc822" | "message/global" => read(&parts.headers, body, MESSAGE_OCTETS).await?,
        "application/json" => {
            let json = read(&parts.headers, body, DRAFT_OCTETS).await?;
            let draft: Draft = parse(&json)?;
            drop(json);
            draft::message(draft, account, &app.server_name, app.clock.now())?.into()
        }
        _ => return Err(Failure::unsupported_media_type("message/rfc822 or application/json")),
    };
    let message = envelope::with_crlf(message);
    if message.len() > MESSAGE_OCTETS { Err(Failure::too_large(MESSAGE_OCTETS)) } else { Ok(message) }
}

fn refused(refused: Refused) -> Failure {
    match refused {
        Refused::Store(error) => error.into(),
        error @ Refused::Unchecked(_) => Failure::unavailable(&format!("{error}."), SENDERS_RETRY),
        Refused::Bad { code, status, field, text } => {
            let failure = match (code, status) {
                (552, _) | (_, "5.3.4") => Failure::too_large(MESSAGE_OCTETS).detail(format!("{text}.")),
                // RFC 3463 §3.8: not authorised, here to send as somebody else.
                (_, "5.7.1") => Failure::forbidden(format!("{text}.")),
                _ => Failure::invalid("", format!("{text}.")),
            };
            match field {
                Some(field) => failure.field(field),
                None => failure,
            }
        }
    }
}

/// Which messages.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Those with this Message-ID, with or without `<>`.
    message_id: String,
}

/// What became of messages of one's own, by their Message-ID: the last accepted first.
///
/// For pages that know a message from its folder only. The list is empty if none has this Message-ID, or it was long ago.
#[utoipa::path(
    get, path = "/messages", tag = "messages", operation_id = "messages", params(Which),
    responses(
        (status = 200, description = "The last accepted first, at most 20.", body = Vec<MessageStatus>),
        (status = 400, description = "`message_id` is missing.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`message_id` is no Message-ID.", body = Problem, content_type = "application/problem+json"),
        NeedsLogin, Always,
    ),
)]
pub(super) async fn messages(
    State(app): State<App>,
    user: LoggedIn,
    QueryOf(which): QueryOf<Which>,
) -> Result<Json<Vec<MessageStatus>>, Failure> {
    let message_id = message_id("message_id", &which.message_id)?;
    Ok(Json(app.store.messages_with(&user.account, &message_id).await?))
}

/// What became of a message of one's own.
#[utoipa::path(
    get, path = "/messages/{id}", tag = "messages", operation_id = "message",
    params(("id" = String, Path, description = "The queue id.")),
    responses(
        (status = 200, description = "Recipient by recipient.", body = MessageStatus),
        (status = 404, description = "No message of this account has this id, or it was long ago.", body = Problem, content_type = "application/problem+json"),
        NeedsLogin, Always,
    ),
)]
pub(super) async fn message(
    State(app): State<App>,
    user: LoggedIn,
    PathOf(id): PathOf<String>,
) -> Result<Json<MessageStatus>, Failure> {
    let status = app.store.message_status(&user.account, &id).await?;
    let unknown =
        || Failure::not_found("No such message", "No message of yours has this id, or it was long ago.");
    status.map(Json).ok_or_else(unknown)
}
