//! Reports as others see them. After a wanted change `UPDATE_GOLDEN=1 cargo test -p tlsrpt` writes the golden files
//! anew; look at the difference.

#![expect(clippy::unwrap_used, reason = "a test's helper fails the test")]

mod common;
mod dkim;
mod example;
mod mail;
mod record;
mod report;
