//! A hostile network between the courier and its hosts: whatever it does, nothing that is to be protected leaves in clear,
//! or reaches a host that the receiving domain excludes.

mod case;
mod memory;
mod rules;
mod sockets;
mod strategy;
mod tally;
mod versions;

/// Attacks over streams in memory.
const IN_MEMORY: u32 = 100_000;

/// Attacks over sockets, with real DNS and real policy hosts.
const OVER_SOCKETS: u32 = 1_000;
