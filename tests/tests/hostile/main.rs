//! Bad input: each gets a clear answer, nothing crashes, nothing is lost, nothing is accepted and dropped.

mod api;
mod dialogues;
mod messages;
mod network;
mod reports;
#[expect(unreachable_pub, reason = "written as another test's module")]
#[path = "../../../crates/smtp/tests/support/script.rs"]
mod script;
