//! SMTP (RFC 5321), both roles, without I/O: bytes in, bytes and events out.
//!
//! [`server::Session`] is what a listener speaks (submission, incoming mail, the trusted entries);
//! [`client::Dialogue`] is what delivery speaks to a next hop. Neither knows sockets, TLS, clocks or disks: a
//! driver moves the bytes, does the handshake when asked to, and keeps the time.

pub mod address;
pub mod client;
pub mod content;
pub mod envelope;
pub mod limits;
pub mod reply;
pub mod server;

mod command;
mod xtext;
