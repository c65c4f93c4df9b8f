//! A small internet on loopback addresses, for the demo and for tests: real DNS with DNSSEC, SMTP, TLS and HTTPS hosts,
//! among them all that misbehave in the ways a sender has to cope with.
//!
//! It shares no code with the server it is a peer of: a peer that shares our code proves nothing.
//!
//! ```no_run
//! # async fn demo() -> anyhow::Result<()> {
//! use small_internet::{Behaviour, Domain, Rule, Stage, World, WorldConfig};
//! let grey = Behaviour::tls().rule(Rule::reply(Stage::Rcpt, "450 4.7.1 Later").times(1));
//! let world = World::start(WorldConfig {
//!     extra: vec![Domain::new("grey.example", grey)],
//!     ..WorldConfig::new("/tmp/data")
//! })
//! .await?;
//! // … resolve with `world.dns_addr()`, trust `world.trust_anchor()` and `world.ca_pem()`, connect to port
//! // `world.smtp_port()` …
//! let delivery = world.wait_for(|all| all.iter().find(|d| d.domain == "grey.example").cloned()).await;
//! assert_eq!(delivery.tls.as_deref(), Some("TLSv1.3"));
//! world.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod attacker;
mod block;
mod ca;
mod conduct;
mod deliveries;
mod dns;
mod domain;
mod envelope;
mod host;
mod https;
mod legacy;
mod listener;
mod log;
mod path;
mod plan;
mod policy;
mod smtp;
mod tls;
mod tlsa;
mod wire;
mod world;

pub use attacker::{
    Attack, Cut, Direction, End, Impostor, Mangle, Octets, OnTls, Proxy, Scene, Seen, Strip, Tamper,
    Tampering, Witness,
};
pub use block::Coordinates;
pub use deliveries::{Delivery, Transaction};
pub use dns::DnsFault;
pub use domain::{Domain, Flaw, MxHost, Records, Signing, Site, table};
pub use host::{
    Action, Behaviour, Certificate, DEFAULT_SIZE_LIMIT, Dated, Extension, Handshake, Presence, Rule, Stage,
    StartTls, Versions,
};
pub use log::{Channel, Command, Event};
pub use policy::{Page, Policy, PolicyAnswer};
pub use tlsa::{Of, Tlsa, TlsaPorts, TlsaSet};
pub use world::{World, WorldConfig};
