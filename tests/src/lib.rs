//! The harness of the tests from outside: it knows the binary, its ports and the contract, none of our code.
//!
//! [`Demo`] runs `tls-guarantee demo` on addresses of its own, [`User`] speaks HTTP as a logged-in user, [`Smtp`]
//! speaks SMTP byte by byte, [`Report`] reads bounces. What a test waits for it waits for by event, with a generous
//! limit; where something has no event it is looked for again and again until the limit.

mod browser;
mod demo;
mod events;
mod http;
mod imap;
mod mail;
mod postfix;
mod process;
mod provider;
mod report;
mod serve;
mod smtp;
mod token;
mod user;
mod world;

use std::time::Duration;

pub use browser::{Browser, Element, Name, Node, Role, Screen, Setting, Shade, Tab};
pub use demo::{Demo, PASSWORD};
pub use events::{Event, Events};
pub use http::{Answer, Http};
pub use imap::Imap;
pub use mail::Mail;
pub use postfix::{Instance, Postfix, PostfixTls};
pub use process::{Process, binary, run};
pub use provider::{Block, Guide, PostfixWay, Provider, Task};
pub use report::{Report, ReportedRecipient};
pub use serve::Server;
pub use smtp::{Reply, Smtp};
pub use thirtyfour::Key;
pub use token::Key as WebmailKey;
pub use user::{ListedMessage, MessageStatus, Recipient, Stop, StoppedRecipient, User};
pub use world::{Delivery, World};

/// How long anything may take that ought to happen soon. Generous: the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Looks again and again until `look` finds something; for what has no event.
///
/// # Panics
/// When it has not happened within [`PATIENCE`].
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(std::time::Instant::now() < deadline, "{what}: not within {} s", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(20));
    }
}
