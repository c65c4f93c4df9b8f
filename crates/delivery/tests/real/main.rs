//! Real name servers, resolvers and mail servers, all made at the time of the test, in a network of its own.

#![expect(clippy::unwrap_used, reason = "a test's helper fails the test")]

mod agree;
mod dane;
mod front;
mod mail_servers;
mod namespace;
mod oracle;
mod pki;
mod receivers;
mod refusing;
mod servers;
mod setups;
mod tree;
mod zones;
