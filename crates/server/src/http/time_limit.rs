//! How long an answer may take.

use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Failure;

/// For everything; streams begin at once and are not bound by it.
const LIMIT: Duration = Duration::from_secs(60);
/// For a message, which may be large and its sender's line slow.
const MESSAGE_LIMIT: Duration = Duration::from_secs(600);

pub(super) async fn time_limit(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let message =
        request.method() == Method::POST && route.is_some_and(|route| route.as_str().ends_with("/messages"));
    let limit = if message { MESSAGE_LIMIT } else { LIMIT };
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = "The request took too long; nothing was accepted. Try again.";
            Failure::unavailable(detail, Duration::from_secs(60)).into_response()
        }
    }
}
