//! Everything towards MX hosts.
pub mod dns;
pub mod gather;
