//! Reads the bounce of any system, and writes this project's own.
//!
//! Pure: bytes in, plain data out; no clock, no randomness, nothing is looked up. The browser and the server use the
//! same code, so a banner and the command line never disagree about a message.
//!
//! - [`read()`] takes any message apart: report parts (RFC 3464, RFC 6533) first, then what the text says.
//! - [`claim()`] tells what the message *claims* to be: a stop by this server, another bounce, or none. Whether a claimed
//!   stop is genuine only the server's record can tell.
//! - [`Reason::of`] sorts a failure into a class that a page has words for.
//! - [`write()`] makes the report that goes to the sender after a stop, a failure or a delay.
//!
//! Whatever stands in a message was written by a stranger: reading is linear in its length, bounded in memory and depth
//! and never fails; diagnostics and addresses come out as text on one line, to be shown as text only.

mod address;
mod claim;
mod decode;
mod entity;
mod fields;
mod mime;
mod prose;
mod read;
mod reading;
mod reason;
mod returned;
mod shown;
mod signs;
mod status;
mod tls;
mod write;

pub use claim::{Claim, Failure, OWN_DIAGNOSTIC, claim};
pub use decode::plain_text;
pub use mime::is_simple;
pub use read::read;
pub use reading::{Action, Diagnostic, Kind, Reading, Recipient};
pub use reason::Reason;
pub use tls::TlsCause;
pub use write::{Cause, Ground, Grounds, Notice, Report, Reported, Returns, Texts, write};
