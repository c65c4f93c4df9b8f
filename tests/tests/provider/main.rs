//! A provider's machine as `docs/roundcube.md` has an admin set it up: its files are valid, and what they set up works.

mod exemptions;
mod guide;
mod hands;
mod local;
mod machine;
mod postfix;
mod programs;
mod senders;
mod tokens;
mod ways;
