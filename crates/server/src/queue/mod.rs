//! The queue at work: claims what is due, delivers it, records what became of it, reports it.

mod compose;
mod lmtp;
mod local;
mod remote;
mod report;
mod runner;
mod watch;

pub use report::{Reporter, report_message};
pub use runner::{Runner, RunnerParts};
pub use watch::{Reporting, Ruling, Watch};
