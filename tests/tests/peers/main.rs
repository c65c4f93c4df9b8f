//! Real mail programs at both ends: swaks, Python's smtplib and curl submit, Debian's Postfix receives, Python's
//! `email` reads the bounces.

mod receivers;
mod senders;
