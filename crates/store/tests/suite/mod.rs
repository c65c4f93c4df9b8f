//! What every store must do. Each database's test binary says in `crate::fresh` how to make an empty one.

mod accept;
mod accounts;
mod claims;
mod concurrency;
mod mailboxes;
mod operator;
mod outcomes;
mod overrides;
mod reports;
pub(crate) mod world;
