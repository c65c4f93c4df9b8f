//! Real name servers, resolvers and mail servers, all made at the time of the test, in a network of its own.

#![expect(clippy::unwrap_used, reason = "a test's helper fails the test")]

mod agree;
mod namespace;
mod oracle;
mod refusing;
mod servers;
mod tree;
mod zones;
