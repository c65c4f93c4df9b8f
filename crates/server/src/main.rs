//! `tls-guarantee`: a mail submission server whose users can demand that mail leaves encrypted or not at all.

#![expect(unreachable_pub, reason = "in a binary, `pub` says what the other rooms may use")]

mod acceptance;
mod accounts;
mod assets;
mod check;
mod claim;
mod clock;
mod config;
mod demo;
mod end_to_end;
mod events;
mod forwardings;
mod headers;
mod http;
mod listener;
mod listing;
mod lmtp;
mod local;
mod message_id;
mod node;
mod operate;
mod owner;
mod pauses;
mod policies;
mod queue;
mod senders;
mod serve;
mod socketmap;
mod srs;
mod stream;
mod submission;
mod tls_reports;

use std::process::ExitCode;

fn main() -> ExitCode {
    operate::main()
}
