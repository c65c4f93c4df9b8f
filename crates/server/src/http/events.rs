//! `/events`: what happens to the account, as it happens.

use std::convert::Infallible;
use std::time::Duration;

use api::Event as Told;
use axum::extract::State;
use axum::http::HeaderName;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Interval, interval};

use super::auth::{By, LoggedIn};
use super::openapi::{Always, Counted, NeedsLogin};
use super::slots::Slot;
use super::{App, Failure};
use crate::acceptance::same_address;
use crate::events::AccountEvent;

/// Seconds between comments that keep proxies from closing the stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often it is asked whether the session still lasts.
const SESSION_CHECK: Duration = Duration::from_secs(60);

/// What happens to the account, as server-sent events.
///
/// The event's name is `stop`, `delivery`, `guarantee`, `check` or `mailbox`, its data the matching schema as JSON.
/// Nothing is repeated: after connecting, and on the event `resync`, fetch anew what you show.
#[utoipa::path(
    get, path = "/events", tag = "events", operation_id = "events",
    responses((status = 200, description = "A stream that lasts as long as the session, or the webmail's token.", body = Told, content_type = "text/event-stream"), Counted, NeedsLogin, Always),
)]
pub(super) async fn events(State(app): State<App>, user: LoggedIn) -> Result<impl IntoResponse, Failure> {
    let slot = app.0.streams.take(&user.account)?;
    let stopping = app.shutdown.clone().cancelled_owned();
    let receiver = app.events.subscribe();
    let lasting = user.expires_at.duration_since(app.clock.now()).try_into().unwrap_or_default();
    let listener = Listener { receiver, app, user, session_check: interval(SESSION_CHECK), _slot: slot };
    let ended = async move {
        tokio::select! {
            () = stopping => {}
            () = tokio::time::sleep(lasting) => {}
        }
    };
    // Over HTTP/2, nginx hands on the head of an answer only with something of its body: a listener would know of its
    // connection, and so of what it missed before, no earlier than the first event.
    let first = stream::iter([Ok::<_, Infallible>(Event::default().comment(""))]);
    let events = first.chain(stream::unfold(listener, Listener::next).map(Ok)).take_until(ended);
    // nginx would hold events back until its buffer is full.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((unbuffered, Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))))
}

struct Listener {
    receiver: Receiver<AccountEvent>,
    app: App,
    user: LoggedIn,
    session_check: Interval,
    _slot: Slot,
}

impl Listener {
    /// The next event of this account; the end when the session has ended.
    async fn next(mut self) -> Option<(Event, Self)> {
        loop {
            let event = tokio::select! {
                received = self.receiver.recv() => match received {
                    Ok(event) if same_address(&event.account, &self.user.account) => sse(&event.event),
                    Ok(_) => continue,
                    Err(RecvError::Lagged(_)) => Event::default().event(api::RESYNC).data("{}"),
                    Err(RecvError::Closed) => return None,
                },
                _ = self.session_check.tick() => {
                    if self.session_lasts().await { continue } else { return None }
                }
            };
            return if self.session_lasts().await { Some((event, self)) } else { None };
        }
    }

    async fn session_lasts(&self) -> bool {
        let now = self.app.clock.now();
        match &self.user.by {
            By::Session(token_hash) => {
                matches!(self.app.store.session(token_hash, now).await, Ok(Some(_)))
            }
            By::Webmail => now < self.user.expires_at,
        }
    }
}

fn sse(told: &Told) -> Event {
    let event = Event::default().event(told.name());
    match told {
        Told::Stop(stop) => with_data(event, stop),
        Told::Delivery(status) => with_data(event, status),
        Told::Guarantee(guarantee) => with_data(event, guarantee),
        Told::Check(check) => with_data(event, check),
        Told::Mailbox { name } => with_data(event, &json!({ "name": name })),
    }
}

fn with_data(event: Event, data: &impl Serialize) -> Event {
    // Plain structs always serialise; should one ever not, the listener is sent to fetch anew.
    let json = serde_json::to_string(data);
    json.map_or_else(|_| Event::default().event(api::RESYNC).data("{}"), |json| event.data(json))
}
