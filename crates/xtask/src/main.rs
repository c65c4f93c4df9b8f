//! The project's own commands: `cargo xtask demo`, `test`, `roundcube`, `package` and `standards`, one file each,
//! and `pseudo`, a part of building the page.
//!
//! The first two do all their set-up themselves and say what they do as they go, on standard error; the second time
//! they need neither the network nor much time.

mod browser;
mod demo;
mod files;
mod outcome;
mod package;
mod parts;
mod progress;
mod roundcube;
mod setup;
mod standards;
mod test;
mod wasm;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::progress::Progress;

/// The commands of this project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Set up, build everything and start `tls-guarantee demo` with the given options.
    Demo {
        /// Options of `tls-guarantee demo`, passed on as they are.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
        options: Vec<String>,
    },
    /// Set up, build everything and start Roundcube, Dovecot and the server as docs/roundcube.md says, in a folder of
    /// their own, until Ctrl-C. Needs root.
    Roundcube {
        /// Beside Postfix: a, it hands all mail over; b, it routes by sender.
        #[arg(value_parser = ["a", "b"])]
        way: Option<String>,
    },
    /// Set up, then run every check and every test, browser and real mail servers included.
    Test,
    /// Build what an administrator gets: Roundcube's plugin and the server, an archive each in `target/package`.
    Package,
    /// Build the browser's module in the pseudo-language, which a test shows the page in (docs/languages.md).
    Pseudo,
    /// Write `tests/standards.md`: each rule of the standards with the tests that show it.
    Standards,
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let progress = Progress::start();
    let done = enter_workspace().and_then(|()| match command {
        Command::Demo { options } => demo::run(&progress, &options),
        Command::Roundcube { way } => roundcube::run(&progress, way.as_deref()),
        Command::Test => Ok(test::run(&progress)),
        Command::Package => package::package(&progress).map(|()| ExitCode::SUCCESS),
        Command::Pseudo => browser::build_pseudo(&progress).map(|()| ExitCode::SUCCESS),
        Command::Standards => standards::run().map(|()| ExitCode::SUCCESS),
    });
    done.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

/// Goes to the folder of the workspace's `Cargo.toml`, two above this crate's: every path here starts there.
fn enter_workspace() -> anyhow::Result<()> {
    let root: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", ".."].iter().collect();
    Ok(std::env::set_current_dir(root)?)
}
