//! Reads the bounce of any system, and writes this project's own.

mod address;
mod claim;
mod decode;
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
pub use read::read;
pub use reading::{Action, Diagnostic, Kind, Reading, Recipient};
pub use reason::Reason;
pub use tls::TlsCause;
pub use write::{Cause, Notice, Report, Reported, Returns, Texts, Words, write};
