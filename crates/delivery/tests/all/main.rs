//! Deliveries into a small internet: real DNS, SMTP and TLS, no mock on either side.

#![expect(clippy::unwrap_used, reason = "a test's helper fails the test")]

mod addresses;
mod answers;
mod attacks;
mod contract;
mod dnssec;
mod envelope;
mod facts;
mod fixture;
mod hosts;
mod identity;
mod kept;
mod next_hops;
mod odd_peers;
mod peer;
mod probes;
mod stages;
mod starttls;
mod sts;
mod tls;
