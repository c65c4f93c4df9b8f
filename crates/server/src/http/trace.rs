//! One line a request: the method, the route's template and the status. Never a header, a path with ids, or a body.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

pub(super) async fn trace(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let begun = Instant::now();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("(page)", MatchedPath::as_str);
    let status = response.status().as_u16();
    let ms = begun.elapsed().as_millis();
    tracing::debug!(target: "tls_guarantee::http", %method, route, status, ms, "answered");
    response
}
