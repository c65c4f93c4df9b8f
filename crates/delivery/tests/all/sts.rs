//! MTA-STS (RFC 8461): the policy in force, from the TXT record, the policy host, and what is kept.

mod discovery;
mod fetching;
mod fixture;
mod mail;
mod refreshing;
