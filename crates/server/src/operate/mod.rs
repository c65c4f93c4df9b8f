//! The command line: one command one file.

mod bounce;
mod check;
mod memory;
mod options;
mod place;
mod print;
mod queue;
mod sendmail;
mod user;

use std::ffi::OsStr;
use std::future::Future;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use tracing_subscriber::EnvFilter;

use crate::{config, demo, serve};
use options::{Command, Options, Serve};

pub use place::Place;

/// Exit code for a command line that is none, by convention; `check` and `sendmail`, whose codes mean something else,
/// have their own.
const USAGE: u8 = 2;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => return usage(&error),
    };
    let failed = match options.command {
        Command::Check(_) => check::COULD_NOT_CHECK,
        _ => 1,
    };
    match run(options.command) {
        Ok(code) => ExitCode::from(code),
        // Whoever read the output has seen enough: `queue list | head`.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tls-guarantee: {error:#}");
            ExitCode::from(failed)
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn usage(error: &clap::Error) -> ExitCode {
    // Nothing can be done about a closed terminal.
    let _printed = error.print();
    let wanted = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let command = std::env::args_os().nth(1);
    match (wanted, command.as_deref().and_then(OsStr::to_str)) {
        (true, _) => ExitCode::SUCCESS,
        (false, Some("check")) => ExitCode::from(check::COULD_NOT_CHECK),
        (false, Some("sendmail")) => ExitCode::from(sendmail::USAGE),
        (false, _) => ExitCode::from(USAGE),
    }
}

fn run(command: Command) -> anyhow::Result<u8> {
    // More than one library brings a provider; the process has one.
    let _installed_already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match command {
        Command::Bounce(options) => bounce::run(&options),
        Command::Demo(options) => {
            let options = options.read()?;
            // The small internet's DNS server would tell of every question.
            log("info,hickory_server=warn,rusqlite_migration=warn");
            wait(demo::run(options))
        }
        Command::Serve(Serve { config, check }) => {
            let loaded = config::Config::read(&config)?;
            if check {
                serve::check(&loaded)?;
                print::line(&format!("{} is valid", config.display()))?;
                return Ok(0);
            }
            log("info,rusqlite_migration=warn");
            wait(serve::run(loaded))
        }
        Command::User(options) => wait(user::run(options)),
        Command::Sendmail(options) => Ok(sendmail::run(&options)),
        Command::Queue(options) => wait(queue::run(options)),
        Command::Memory(options) => wait(memory::run(options)),
        Command::Check(options) => {
            log("warn");
            wait_for(check::run(options))
        }
    }
}

fn wait(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<u8> {
    wait_for(async { work.await.map(|()| 0) })
}

fn wait_for(work: impl Future<Output = anyhow::Result<u8>>) -> anyhow::Result<u8> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

/// The DNS client would tell of every answer that does not validate, whole; the mail's cause says it.
const QUIET: &str = "hickory_net=off,hickory_proto=off,hickory_resolver=off";

/// Logs to standard error; `RUST_LOG` says what, `default` if it does not.
fn log(default: &str) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("{default},{QUIET}")));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
}
