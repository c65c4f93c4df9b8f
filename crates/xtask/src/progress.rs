//! What the commands say while they work, and how they call other programs.

use std::ffi::OsStr;
use std::io;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

/// The clock of one command.
pub(crate) struct Progress {
    started: Instant,
}

impl Progress {
    /// Starts the clock.
    pub(crate) fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// Announces the next step, on standard error: standard output belongs to the program that is started.
    pub(crate) fn say(&self, what: &str) {
        eprintln!("==> [{:>6.1} s] {what}", self.started.elapsed().as_secs_f64());
    }
}

/// Cargo, the one that started us.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a program without input; all that it prints goes to standard error.
///
/// # Errors
/// When it cannot be started or fails, with the command line.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let line = line_of(command);
    let status = command
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .status()
        .with_context(|| format!("`{line}` could not be started"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// The command as one would type it.
pub(crate) fn line_of(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
