//! The OpenAPI document, made of the same items as the routes: what is not described is not served.

use std::sync::LazyLock;

use api::{CSRF_HEADER, Problem};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoResponses, Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::COOKIE_NAME;
use super::{
    App, checks, demands, events, exceptions, forwardings, guarantee, history, mailboxes, messages,
    overrides, preferences, session, stops,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "TLS sending guarantee",
        description = "Times are RFC 3339 UTC. A Message-ID is accepted with or without `<>` and answered without. Errors are `application/problem+json` (RFC 9457).",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        contact(),
    ),
    servers((url = "/api/v1")),
    security(("bearer" = []), ("cookie" = [])),
    modifiers(&SecuritySchemes),
    tags(
        (name = "session", description = "Log in and out."),
        (name = "guarantee", description = "The switch, what it would do, and exceptions from it."),
        (name = "messages", description = "Send, and see what became of it."),
        (name = "mailboxes", description = "The embedded mailboxes."),
        (name = "events", description = "What happens, as it happens."),
        (name = "openapi", description = "This document."),
    ),
)]
struct Description;

struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let cookie =
            ApiKeyValue::with_description(COOKIE_NAME, "The token as a cookie, for the server's own page.");
        let csrf = ApiKeyValue::with_description(
            CSRF_HEADER,
            "Any value: with the cookie, and any method but GET and HEAD, its presence shows that no other site's page is asking.",
        );
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
            "The token that POST /session gives, or one that the webmail's plugin signs: a JWT by HS256 with `kid`, `sub` (the account's address), `aud` (this server's name), `iat` and `exp`, for 10 minutes at most.",
        ));
        let schemes = [
            ("bearer", SecurityScheme::Http(bearer.build())),
            ("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie))),
            ("csrf", SecurityScheme::ApiKey(ApiKey::Header(csrf))),
        ];
        for (name, scheme) in schemes {
            components.add_security_scheme(name, scheme);
        }
    }
}

/// The routes below `/api/v1` with their description.
pub(super) fn routes() -> (Router<App>, Document) {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(session::log_in, session::session, session::log_out))
        .routes(routes!(guarantee::guarantee, guarantee::set_guarantee))
        .routes(routes!(checks::check))
        .routes(routes!(overrides::record_override, history::overrides))
        .routes(routes!(demands::record_demand))
        .routes(routes!(exceptions::exceptions, exceptions::add_exception))
        .routes(routes!(exceptions::remove_exception))
        .routes(routes!(preferences::preferences, preferences::set_preferences))
        .routes(routes!(history::memory))
        .routes(routes!(history::weeks))
        .routes(routes!(forwardings::forwardings, forwardings::watch_forwarding))
        .routes(routes!(forwardings::remove_forwarding))
        .routes(routes!(messages::submit, messages::messages))
        .routes(routes!(messages::message))
        .routes(routes!(stops::stops))
        .routes(routes!(stops::announce_replacement))
        .routes(routes!(mailboxes::mailbox))
        .routes(routes!(mailboxes::raw_message))
        .routes(routes!(mailboxes::set_flags))
        .routes(routes!(events::events))
        .routes(routes!(openapi))
        .split_for_parts()
}

/// The document as JSON for people, with a final newline.
pub(super) fn document() -> &'static str {
    static JSON: LazyLock<String> = LazyLock::new(|| {
        let json = routes().1.to_pretty_json();
        json.map_or_else(|error| error.to_string(), |json| json + "\n")
    });
    &JSON
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "openapi", operation_id = "openapi", security(()),
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value)),
)]
async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], document())
}

/// What every endpoint may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described")]
pub(super) enum Always {
    /// Not at the moment, the database or all places are taken: `Retry-After` says for how many seconds to wait. Nothing was changed.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// What every endpoint with a log-in may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described")]
pub(super) enum NeedsLogin {
    /// Not logged in, or not any more. With a webmail's token, the type `urn:tls-guarantee:problem:token-expired` asks for a fresh one, and `urn:tls-guarantee:problem:clock` says that the clocks differ.
    #[response(status = 401, content_type = "application/problem+json", headers(("www-authenticate" = String, description = "`Bearer`")))]
    Unauthenticated(Problem),
}

/// What every endpoint that changes something may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described")]
pub(super) enum Changes {
    /// With the cookie, the header of the CSRF check is missing.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
}

/// What every endpoint may answer that one account can only use so often at a time.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described")]
pub(super) enum Counted {
    /// Too many at a time: `Retry-After` says for how many seconds to wait.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(Problem),
}

/// What every endpoint that reads JSON may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described")]
pub(super) enum ReadsJson {
    /// The body is not JSON.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(Problem),
    /// The body stopped coming.
    #[response(status = 408, content_type = "application/problem+json")]
    TooSlow(Problem),
    /// The body is larger than any honest one.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body is not announced as `application/json`.
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(Problem),
    /// A field is wrong: `field` names it.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
}

/// What every endpoint with `?limit=` may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described")]
pub(super) enum ReadsLimit {
    /// The query has something else than `limit`.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(Problem),
    /// `limit` is no whole number from 1 up.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
}
