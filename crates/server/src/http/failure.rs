//! Errors on the wire: always `application/problem+json` (RFC 9457), with the remedy.

use std::time::Duration;

use api::{PROBLEM_JSON, Problem};
use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use store::StoreError;

/// Seconds after which a database that failed may be tried again.
const DATABASE_RETRY: Duration = Duration::from_secs(5);

/// A request that came to nothing.
#[derive(Debug)]
pub(crate) struct Failure(Box<Parts>);

#[derive(Debug)]
struct Parts {
    problem: Problem,
    headers: HeaderMap,
}

impl Failure {
    /// A problem: `word` is its name for programs, `title` says in a few words what went wrong.
    pub(crate) fn new(status: StatusCode, word: &str, title: &str) -> Self {
        let kind = format!("about:blank#{word}");
        let problem =
            Problem { kind, title: title.to_owned(), status: status.as_u16(), detail: None, field: None };
        Self(Box::new(Parts { problem, headers: HeaderMap::new() }))
    }

    /// With another type than `about:blank#word`.
    pub(crate) fn kind(mut self, kind: &str) -> Self {
        kind.clone_into(&mut self.0.problem.kind);
        self
    }

    /// With what is wrong with this request, and the remedy.
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.problem.detail = Some(detail.into());
        self
    }

    /// With the field that is wrong.
    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        self.0.problem.field = Some(field.into());
        self
    }

    /// With a header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// With the time after which it may be tried again.
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        self.header(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)))
    }

    /// 400: the request can't be read.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read").detail(detail)
    }

    /// 422: it can be read, and a field of it is wrong.
    pub(crate) fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "A field of the request is wrong")
            .field(field)
            .detail(detail)
    }

    /// 401: nobody is logged in.
    pub(crate) fn unauthenticated(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Not logged in")
            .detail(detail)
            .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 403: not this user, or not this way.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed").detail(detail)
    }

    /// 404.
    pub(crate) fn not_found(title: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", title).detail(detail)
    }

    /// 405; the router adds `Allow`.
    pub(crate) fn unknown_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Not with this method")
            .detail("The header Allow lists the methods of this path.")
    }

    /// 413.
    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The request is too large")
            .detail(format!("At most {limit} octets are accepted here."))
    }

    /// 415.
    pub(crate) fn unsupported_media_type(accepted: &str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Not in this format")
            .detail(format!("Send it with the header Content-Type: {accepted}."))
    }

    /// 429.
    pub(crate) fn too_many(detail: impl Into<String>, wait: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", "Too many requests")
            .detail(detail)
            .retry_after(wait)
    }

    /// 503: nothing has happened.
    pub(crate) fn unavailable(detail: &str, wait: Duration) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not at the moment")
            .detail(detail)
            .retry_after(wait)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(_) => Self::not_found("Not there", "It may have been removed."),
            StoreError::Exists(_) | StoreError::Database(_) | StoreError::Closed => {
                tracing::error!(%error, "the store failed a request");
                Self::unavailable(
                    "The server cannot reach its database; nothing was changed. Try again.",
                    DATABASE_RETRY,
                )
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Parts { problem, headers } = *self.0;
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, headers, Json(problem)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response
    }
}

#[cfg(test)]
impl Failure {
    /// The field that is wrong, for tests.
    pub(crate) fn field_name(&self) -> Option<&str> {
        self.0.problem.field.as_deref()
    }
}
