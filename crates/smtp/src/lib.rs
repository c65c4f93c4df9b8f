//! SMTP, both roles, without I/O.

pub mod envelope;
