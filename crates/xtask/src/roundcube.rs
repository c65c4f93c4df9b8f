//! `cargo xtask roundcube`: from a bare machine to Roundcube with the guarantee, in the tests' world.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::anyhow;

use crate::progress::{self, Progress, cargo};
use crate::{browser, demo, package, setup};

/// Starts a provider's machine and stays until Ctrl-C.
const WORLD: &str = "target/debug/roundcube-demo";

/// Sets up, builds the browser module, the server and the plugin, and becomes the tests' provider, beside Postfix if a
/// way is given.
///
/// # Errors
/// When a part of the set-up or a build fails.
pub(crate) fn run(progress: &Progress, way: Option<&str>) -> anyhow::Result<ExitCode> {
    setup::packages(progress, setup::BUILD)?;
    setup::packages(progress, setup::TEST)?;
    browser::build(progress)?;
    package::plugin(progress)?;
    demo::build_server(progress)?;
    progress.say("building the tests' world");
    progress::run(cargo().args(["build", "--package", "black-box", "--bin", "roundcube-demo"]))?;
    progress.say("starting Dovecot, nginx, PHP with Roundcube, and the server");
    let error = Command::new(WORLD).args(way).exec();
    Err(anyhow!("{WORLD} could not be started: {error}"))
}
