//! The HTTP API under `/api/v1` and the page: one endpoint one file.

mod auth;
mod body;
mod checks;
mod demands;
mod events;
mod exceptions;
mod failure;
mod forwardings;
mod guarantee;
mod headers;
mod history;
mod mailboxes;
mod messages;
mod openapi;
mod overrides;
mod preferences;
mod serve;
mod session;
mod slots;
mod stops;
mod time_limit;
mod trace;
mod webmail;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use ::guarantee::Protection;
use api::Check;
use async_trait::async_trait;
use axum::Router;
use axum::middleware::{from_fn, map_response};
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::acceptance::Acceptance;
use crate::accounts::Accounts;
use crate::assets;
use crate::clock::Clock;
use crate::events::Events;
use crate::pauses::Pauses;

pub use serve::serve;
pub use webmail::WebmailKeys;

pub(crate) use failure::Failure;
use slots::Slots;

/// Finds out what would protect mail to recipients.
#[async_trait]
pub trait Checker: Send + Sync + 'static {
    /// Counts the looks that a check of these recipients, addresses all, will take, before any is begun.
    ///
    /// # Errors
    /// The account has looked at too much: after how long it may.
    async fn admit(&self, account: &str, recipients: &[String]) -> Result<(), Duration>;

    /// Looks at the hosts of these recipients, who are all of one domain, on behalf of `account`, or gives what it was
    /// told some minutes ago. The answer is what an attempt with the guarantee on would come to; it takes some minutes at most.
    async fn check(&self, account: &str, recipients: Vec<String>) -> Vec<Check>;

    /// What would protect mail to this address that is forwarded for `account`, and so exempt from the guarantee; none if
    /// that can't be said.
    async fn way(&self, account: &str, address: &str) -> Option<Protection>;
}

/// How users reach the server's page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// In clear, on loopback: cookies can't be marked `Secure`, unless a proxy says that it spoke TLS.
    #[default]
    Http,
    /// Through a proxy that speaks TLS.
    Https,
}

/// What the endpoints need.
#[derive(Clone)]
pub struct HttpState {
    /// Accounts, switches, mailboxes, stops.
    pub store: Arc<dyn Store>,
    /// Passwords.
    pub accounts: Accounts,
    /// The way into the queue.
    pub acceptance: Acceptance,
    /// What happens, for `GET /events`.
    pub events: Events,
    /// What `POST /checks` asks.
    pub checker: Arc<dyn Checker>,
    /// Ends pauses at their moment.
    pub pauses: Pauses,
    /// What the webmail's plugin signs its tokens with.
    pub webmail: Arc<WebmailKeys>,
    /// This server's name as its reports have it.
    pub server_name: String,
    /// The time.
    pub clock: Clock,
    /// Decides whether cookies are `Secure`.
    pub scheme: Scheme,
    /// Ends the event streams, which would otherwise keep the server from stopping.
    pub shutdown: CancellationToken,
}

/// The state with what is counted over all requests.
#[derive(Clone)]
struct App(Arc<Shared>);

struct Shared {
    state: HttpState,
    uploads: Slots,
    streams: Slots,
    checks: Slots,
}

impl Deref for App {
    type Target = HttpState;

    fn deref(&self) -> &HttpState {
        &self.0.state
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("App")
    }
}

/// The API, and the page for everything else. Further routes can be merged in.
pub fn router(state: HttpState) -> Router {
    let shared = Shared {
        state,
        uploads: Slots::new(16, 4),
        streams: Slots::new(2000, 20),
        checks: Slots::new(64, 8),
    };
    let api = openapi::routes()
        .0
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .layer(from_fn(time_limit::time_limit))
        .layer(map_response(headers::api_headers))
        .with_state(App(Arc::new(shared)));
    Router::new().nest(api::BASE, api).fallback(assets::serve).layer(from_fn(trace::trace))
}

async fn unknown_path() -> Failure {
    Failure::not_found("No such path", "The paths are listed in /api/v1/openapi.json.")
}

async fn unknown_method() -> Failure {
    Failure::unknown_method()
}

#[cfg(test)]
mod tests;
