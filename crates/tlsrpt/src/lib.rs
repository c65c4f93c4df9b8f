//! The sender's side of SMTP TLS Reporting (RFC 8460): where a domain wants its reports, what stands in one, and the
//! forms in which it travels. Composing and parsing only: no sockets; clock and chance come from the caller.
//!
//! 1. [`destinations`] reads the TXT records of `_smtp._tls.<domain>`.
//! 2. [`Draft::compose`] makes a [`Report`] of a domain's [`ResultRow`]s of one day.
//! 3. [`Report::gzip`] with [`MEDIA_TYPE`] is what HTTPS takes; [`Report::mail`] is the mail.
//! 4. [`Signer`] signs the mail, as it can any other (RFC 6376).

mod address;
mod clean;
pub mod dkim;
mod mail;
mod record;
mod report;
mod rows;
mod schema;

pub use address::Address;
pub use dkim::Signer;
pub use record::{MAX_DESTINATIONS, Rua, destinations};
pub use report::{Draft, Error, MEDIA_TYPE, Report, ReportId, Reporter};
pub use rows::{Failure, Outcome, ResultRow};
