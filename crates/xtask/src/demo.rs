//! `cargo xtask demo`: from a bare machine to the running demo.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::anyhow;

use crate::browser;
use crate::progress::{self, Progress, cargo};
use crate::setup;

/// Where a debug build leaves the server.
pub(crate) const SERVER: &str = "target/debug/tls-guarantee";

/// Sets up, builds the browser module and the server, and becomes `tls-guarantee demo OPTIONS`: signals and
/// the exit code are the server's from then on.
///
/// # Errors
/// When a part of the set-up or a build fails.
pub(crate) fn run(progress: &Progress, options: &[String]) -> anyhow::Result<ExitCode> {
    setup::packages(progress, setup::BUILD)?;
    browser::build(progress)?;
    build_server(progress)?;
    progress.say("starting tls-guarantee demo");
    let error = Command::new(SERVER).arg("demo").args(options).exec();
    Err(anyhow!("{SERVER} could not be started: {error}"))
}

/// Builds the server's binary.
///
/// # Errors
/// When cargo fails.
pub(crate) fn build_server(progress: &Progress) -> anyhow::Result<()> {
    progress.say("building the server");
    progress::run(cargo().args(["build", "--bin", "tls-guarantee"]))
}
