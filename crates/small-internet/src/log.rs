//! What happens at the hosts, as events and as a list of the commands seen.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use tokio::sync::broadcast;

use crate::deliveries::Delivery;

/// So many commands are remembered; the oldest are forgotten first.
const REMEMBERED: usize = 20_000;

/// So many events a receiver may lag behind.
const EVENTS: usize = 4096;

/// Something that happened at a host of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A client's connection was accepted.
    Connected {
        /// The host's name.
        host: String,
    },
    /// A command came.
    Command(Command),
    /// The handshake after STARTTLS ended.
    Handshake {
        /// The host's name.
        host: String,
        /// The version, such as `TLSv1.3`, or why it failed.
        outcome: Result<String, String>,
    },
    /// A message was kept; its `250` follows.
    Delivered(Delivery),
}

/// A command line that came to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The host's name.
    pub host: String,
    /// Whether it came through TLS or in the clear.
    pub channel: Channel,
    /// The line without CRLF; what is not UTF-8 in it is replaced.
    pub line: String,
}

/// How a command came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// In the clear.
    Clear,
    /// Through TLS, of whatever version.
    Tls,
}

#[derive(Debug)]
pub(crate) struct Log {
    commands: Mutex<VecDeque<Command>>,
    events: broadcast::Sender<Event>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { commands: Mutex::default(), events: broadcast::Sender::new(EVENTS) }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    pub(crate) fn commands(&self, host: &str) -> Vec<Command> {
        let commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        commands.iter().filter(|command| command.host == host).cloned().collect()
    }

    pub(crate) fn add(&self, event: Event) {
        tracing::debug!(?event, "small internet");
        if let Event::Command(command) = &event {
            let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
            if commands.len() == REMEMBERED {
                commands.pop_front();
            }
            commands.push_back(command.clone());
        }
        // Without a receiver there is nobody to tell.
        let _ = self.events.send(event);
    }
}
