//! Server-sent events, read as they come.

use std::io::{BufRead, BufReader};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use reqwest::blocking::Client;
use serde_json::Value;

use crate::{Http, PATIENCE};

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its `event` field.
    pub name: String,
    /// Its `data` field.
    pub data: Value,
}

/// An open stream: what happened since it was opened is never missed.
pub struct Events {
    receiver: Receiver<Event>,
}

impl Events {
    /// Opens `GET /api/v1/events`; events from now on are seen.
    ///
    /// # Panics
    /// When the server refuses.
    pub(crate) fn open(http: &Http) -> Self {
        let client = Client::builder().timeout(None).build().expect("an HTTP client");
        let response = client
            .get(http.url("/api/v1/events"))
            .bearer_auth(http.token().unwrap_or_default())
            .send()
            .expect("the event stream");
        assert_eq!(response.status(), 200, "the event stream");
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        assert!(content_type.is_some_and(|t| t.starts_with("text/event-stream")), "{content_type:?}");
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut event = Event { name: "message".to_owned(), data: Value::Null };
            for line in BufReader::new(response).lines().map_while(Result::ok) {
                match line.split_once(':') {
                    Some(("event", name)) => event.name = name.trim().to_owned(),
                    Some(("data", data)) => event.data = serde_json::from_str(data).unwrap_or(Value::Null),
                    None if line.is_empty() && !event.data.is_null() => {
                        let next = Event { name: "message".to_owned(), data: Value::Null };
                        if sender.send(std::mem::replace(&mut event, next)).is_err() {
                            break;
                        }
                    }
                    // Comments keep the connection alive.
                    _ => {}
                }
            }
        });
        Self { receiver }
    }

    /// The next event, if one comes before the deadline.
    pub fn next_before(&self, deadline: Instant) -> Option<Event> {
        self.receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
    }

    /// Waits for the event that `pick` finds something in.
    ///
    /// # Panics
    /// When none comes within [`PATIENCE`].
    pub fn wait_for<T>(&self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        while let Some(event) = self.next_before(deadline) {
            if let Some(found) = pick(&event) {
                return found;
            }
        }
        panic!("{what}: no such event within {} s", PATIENCE.as_secs());
    }
}
