//! Everything towards MX hosts: look-ups, connections, TLS, transactions.
//!
//! What may be sent is decided in [`guarantee`] alone; what is said is spoken by [`smtp::client`],
//! which demands a [`guarantee::Clearance`]. Here live the sockets and the clock between them.

mod attempt;
mod connection;
mod courier;
mod dial;
mod dns;
mod fate;
mod gather;
mod https;
mod identity;
mod log;
mod patience;
mod pool;
mod post;
mod probe;
mod round;
mod sessions;
mod seven_bit;
mod signature;
mod silent;
mod sts;
mod verify;

#[doc(hidden)]
pub use attempt::Told;
pub use attempt::{Attempt, AttemptRecipient};
pub use courier::{Courier, Route, Settings};
#[doc(hidden)]
pub use dial::{Dial, Stream};
#[doc(hidden)]
pub use dns::{Alias, Answer, Dns, Found};
pub use dns::{DnsServers, Dnssec, ROOT_ANCHOR};
pub use fate::{Attempted, DsnOffer, Fate};
pub use gather::Ownership;
#[doc(hidden)]
pub use identity::Identifier;
#[doc(hidden)]
pub use patience::Patience;
pub use probe::{Extent, HostProbe, Probe};
pub use sts::{KeptPolicy, MemoryPolicies, PolicyStore};
