//! What every store must do. Each database's test binary says in `crate::fresh` how to make an empty one.

mod accept;
mod accounts;
mod claims;
mod concurrency;
mod decisions;
mod forwardings;
mod history;
mod mailboxes;
mod memory;
mod operator;
mod outcomes;
mod overrides;
mod policies;
mod replacements;
mod reports;
mod tls_results;
pub(crate) mod world;
