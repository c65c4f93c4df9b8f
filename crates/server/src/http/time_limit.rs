//! How long an answer may take.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Failure;

/// For everything, the reading of a large message included; streams begin at once and are not bound by it.
const LIMIT: Duration = Duration::from_secs(600);

pub(super) async fn time_limit(request: Request, next: Next) -> Response {
    match tokio::time::timeout(LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = "The request took too long; nothing was accepted. Try again.";
            Failure::unavailable(detail, Duration::from_secs(60)).into_response()
        }
    }
}
