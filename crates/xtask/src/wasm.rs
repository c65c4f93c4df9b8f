//! The compiler for wasm32: rustup's target where it is or can be had, else Debian's `rustc-web`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::progress::{Progress, cargo, run};
use crate::setup;

/// The target that browsers run.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// A target folder of its own: the two routes' compilers would evict each other's artefacts elsewhere.
pub(crate) const TARGET_DIR: &str = "target/wasm";

/// Seconds for the download of rustup's target; where only package registries are reached it would hang.
const DOWNLOAD_LIMIT: &str = "60";

/// How to compile for the browser on this machine.
pub(crate) enum Compiler {
    /// The default compiler has the target.
    Installed,
    /// Debian's compiler, with the standard library built along, linked by the default compiler's linker.
    Debian {
        /// Where the default compiler keeps its own parts.
        sysroot: PathBuf,
    },
}

impl Compiler {
    /// Finds the compiler, or gets it.
    ///
    /// # Errors
    /// When neither rustup nor Debian has it.
    pub(crate) fn get(progress: &Progress) -> anyhow::Result<Self> {
        let sysroot = sysroot()?;
        let library = sysroot.join("lib/rustlib").join(TARGET).join("lib");
        if library.is_dir() {
            return Ok(Self::Installed);
        }
        let debian = setup::WEB_COMPILER.iter().all(setup::Package::is_there);
        if !debian && setup::find_program("rustup").is_some() {
            progress.say(&format!("adding rustup's target {TARGET} (at most {DOWNLOAD_LIMIT} s)"));
            let mut add = Command::new("timeout");
            add.args([DOWNLOAD_LIMIT, "rustup", "target", "add", TARGET]);
            if run(&mut add).is_ok() && library.is_dir() {
                return Ok(Self::Installed);
            }
            progress.say("that did not work here; taking Debian's compiler for the web instead");
        }
        setup::packages(progress, setup::WEB_COMPILER).with_context(|| {
            format!("no compiler for {TARGET} (with rustup: `rustup target add {TARGET}`)")
        })?;
        Ok(Self::Debian { sysroot })
    }

    /// A cargo call (`build`, `check` …) that compiles for the browser.
    pub(crate) fn cargo(&self, call: &str) -> Command {
        let mut cargo = cargo();
        cargo.args([call, "--target", TARGET, "--target-dir", TARGET_DIR]);
        if let Self::Debian { sysroot } = self {
            let linker = "lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld";
            cargo
                .env("RUSTC", "/usr/bin/rustc")
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", sysroot.join(linker));
        }
        cargo
    }
}

fn sysroot() -> anyhow::Result<PathBuf> {
    let output =
        Command::new("rustc").args(["--print", "sysroot"]).output().context("rustc is not in PATH")?;
    if !output.status.success() {
        bail!("`rustc --print sysroot` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(Path::new(String::from_utf8_lossy(&output.stdout).trim()).to_owned())
}
