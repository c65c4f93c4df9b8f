//! What happens to an account, told to whoever listens on its behalf.

use api::Event;
use tokio::sync::broadcast;

/// Events kept for a slow listener before it is told that it missed some.
const BUFFER: usize = 1024;

/// The server's event bus. Losing an event costs a listener nothing but a refresh: the store has the truth.
#[derive(Clone, Debug)]
pub struct Events {
    sender: broadcast::Sender<AccountEvent>,
}

/// One event of one account.
#[derive(Clone, Debug)]
pub struct AccountEvent {
    /// Whose, as the account is spelt.
    pub account: String,
    /// What.
    pub event: Event,
}

impl Events {
    /// A bus nobody listens on yet.
    pub fn new() -> Self {
        Self { sender: broadcast::channel(BUFFER).0 }
    }

    /// Tells everybody who listens; nobody need.
    pub fn publish(&self, account: &str, event: Event) {
        let _nobody_listens = self.sender.send(AccountEvent { account: account.to_owned(), event });
    }

    /// All events from now on, of every account: the listener picks its own.
    pub fn subscribe(&self) -> broadcast::Receiver<AccountEvent> {
        self.sender.subscribe()
    }
}
