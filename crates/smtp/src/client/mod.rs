//! The client side of SMTP, what delivery speaks to a next hop; and of LMTP, what it speaks to the mailboxes' server.
//!
//! A driver owns the socket and does what the dialogue says:
//!
//! ```text
//! let mut dialogue = Dialogue::new(hello, TlsWish::IfOffered);
//! loop {
//!     match dialogue.next_action() {
//!         Action::Send { octets, stage } => write(octets),         // within stage.timeout()
//!         Action::Receive(stage) => dialogue.feed(&read()),        // within stage.timeout(), else lost(…)
//!         Action::Handshake => { tls(); dialogue.tls_established() }
//!         Action::Content => dialogue.content(&piece),             // or end_content()
//!         Action::Report(report) => …,                             // judge, then begin(transaction) or quit()
//!         Action::Idle => break,
//!     }
//! }
//! ```
//!
//! Envelope and message leave only in a [`Transaction`], and that can't be made without the
//! [`Clearance`](guarantee::Clearance) that only `guarantee::judge` gives; or, to the mailboxes, in an
//! [`LmtpTransaction`], which only an [`LmtpDialogue`] takes.

mod capabilities;
mod dialogue;
mod dots;
mod lmtp;
mod prepare;
mod reply;
mod stage;
mod transaction;

pub use capabilities::{Capabilities, Extension};
pub use dialogue::{Action, Dialogue, Failure, NotBegun, Report, TlsWish, WithoutTls};
pub use dots::DotWriter;
pub use lmtp::{LmtpDialogue, LmtpTransaction};
pub use prepare::{Flag, MailParameters, Message, Obstacle, prepare};
pub use reply::{BadReply, ReplyReader};
pub use stage::{CONNECT_TIMEOUT, HANDSHAKE_TIMEOUT, Stage};
pub use transaction::{Connection, Disposition, Loss, Outcome, RECIPIENTS, RecipientOutcome, Transaction};
