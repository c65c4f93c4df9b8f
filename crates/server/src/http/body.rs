//! Reading what a client sends: bounded in size and time, and with errors that name the field.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use super::{App, Failure};
use crate::message_id;

/// Octets of a JSON request, but for a draft.
const JSON_OCTETS: usize = 256 << 10;
/// How long the next piece of a body may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A JSON body.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _app: &App) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        if media_type(&parts.headers) != "application/json" {
            return Err(Failure::unsupported_media_type("application/json"));
        }
        parse(&read(&parts.headers, body, JSON_OCTETS).await?).map(Self)
    }
}

/// The body's type in lower case, without parameters; empty if there is none.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// So many octets too many are read and thrown away: a client that is still sending when the connection closes gets a
/// reset, and never reads that its request was too large (RFC 9112 §9.6).
const DISCARDED_OCTETS: usize = 256 << 20;

/// Reads a whole body of at most `limit` octets.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Failure> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let mut pieces = body.into_data_stream();
    if announced.is_some_and(|length: u64| length > limit as u64) {
        return Err(too_large(&mut pieces, limit).await);
    }
    let mut whole = BytesMut::new();
    loop {
        let piece = tokio::time::timeout(PATIENCE, pieces.next()).await.map_err(|_| too_slow())?;
        match piece {
            None => return Ok(whole.freeze()),
            Some(Ok(piece)) if whole.len() + piece.len() > limit => {
                return Err(too_large(&mut pieces, limit).await);
            }
            Some(Ok(piece)) => whole.extend_from_slice(&piece),
            Some(Err(_)) => return Err(Failure::malformed("The body ended before it was complete.")),
        }
    }
}

/// The failure, after the rest of the body has been thrown away.
async fn too_large(pieces: &mut BodyDataStream, limit: usize) -> Failure {
    let mut discarded = 0;
    while let Ok(Some(Ok(piece))) = tokio::time::timeout(PATIENCE, pieces.next()).await
        && discarded < DISCARDED_OCTETS
    {
        discarded += piece.len();
    }
    Failure::too_large(limit)
}

fn too_slow() -> Failure {
    Failure::new(StatusCode::REQUEST_TIMEOUT, "timeout", "The request came too slowly")
        .detail("The body stopped coming; nothing was accepted. Try again.")
}

/// Reads JSON; the error names the field as a JSON pointer (RFC 6901).
pub(super) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, Failure> {
    // serde would take a list for an object, field by field.
    if json.trim_ascii_start().starts_with(b"[") {
        return Err(Failure::invalid("", "Send a JSON object, not a list."));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer(error.path());
        unreadable(error.inner(), pointer)
    })?;
    deserializer.end().map_err(|error| unreadable(&error, String::new()))?;
    Ok(value)
}

fn unreadable(error: &serde_json::Error, mut pointer: String) -> Failure {
    let text = error.to_string();
    if !error.is_data() {
        return Failure::malformed(format!("The body is not JSON: {text}."));
    }
    // serde names a missing or unknown field in the text only, and the object in the path.
    let named = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| text.strip_prefix(start));
    let name = named.and_then(|rest| rest.split('`').next()).map(|name| format!("/{name}"));
    if let Some(name) = name.filter(|name| !pointer.ends_with(name)) {
        pointer.push_str(&name);
    }
    Failure::invalid(pointer, format!("{text}."))
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}

/// A Message-ID without `<>`; the error names the field.
pub(super) fn message_id(field: &str, text: &str) -> Result<String, Failure> {
    message_id::parse(text).map(str::to_owned).ok_or_else(|| {
        Failure::invalid(field, "This is no Message-ID; one looks like <something@home.example>.")
    })
}

/// The parts of the path.
pub(super) struct PathOf<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for PathOf<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        match Path::from_request_parts(parts, app).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(Failure::not_found("No such path", format!("{}.", rejection.body_text()))),
        }
    }
}

/// The query.
pub(super) struct QueryOf<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for QueryOf<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Failure> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Failure::malformed(format!("{}.", rejection.body_text()))),
        }
    }
}
