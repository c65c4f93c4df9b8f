//! Reads the bounce of any system, and writes this project's own.

mod address;
mod decode;
mod fields;
mod mime;
mod prose;
mod read;
mod reading;
mod returned;
mod signs;
mod status;
mod tls;

pub use read::read;
pub use reading::{Action, Diagnostic, Kind, Reading, Recipient};
pub use tls::TlsCause;
