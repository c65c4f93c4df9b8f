//! `cargo xtask test`: every check and every test, from a bare machine.

use std::process::ExitCode;

use crate::outcome::{Counts, run_tests};
use crate::progress::{self, Progress, cargo};
use crate::wasm::Compiler;
use crate::{browser, demo, package, setup};

/// What of the module a page may load before it can be used, and what may follow later in one piece: bytes after brotli.
const BUDGET: u64 = 180 * 1024;

/// What scripts and styles of a page may take: bytes after brotli.
const BUDGET_BESIDE: u64 = 30 * 1024;

/// What of the module comes in one go.
struct Load {
    name: &'static str,
    parts: &'static [&'static str],
    /// What it must not take, in KiB: it may become less, and then this too, but not more.
    ceiling: u64,
}

const LOADS: &[Load] = &[
    Load { name: "Roundcube's list and composer", parts: &[browser::EVERY_PAGE, "roundcube"], ceiling: 195 },
    Load { name: "the reference webmail", parts: &[browser::EVERY_PAGE, "webmail"], ceiling: 237 },
    Load { name: "later, to read or write a message", parts: &["mail"], ceiling: 116 },
    Load { name: "later, in the settings", parts: &["settings"], ceiling: 29 },
];

/// The crates that both sides share.
const SHARED_WITH_THE_BROWSER: [&str; 3] = ["guarantee", "bounce", "api"];

/// A name to announce, and the work.
type Step = (&'static str, fn(&Progress) -> anyhow::Result<Counts>);

/// Each goes on where the one before failed, so that one run shows all there is to mend. The tests come last: what failed
/// is what a reader looks for at the end.
const STEPS: &[Step] = &[
    ("Debian's packages", |progress| {
        setup::packages(progress, setup::BUILD)?;
        setup::packages(progress, setup::TEST)?;
        setup::exim(progress)?;
        setup::axe(progress)?;
        Ok(Counts::of_step(true))
    }),
    ("formatting", |_| step(&["fmt", "--all", "--check"])),
    ("clippy", |_| step(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])),
    ("the browser module", browser_module),
    ("Roundcube's plugin", |progress| package::plugin(progress).map(|_| Counts::of_step(true))),
    ("the shared crates compile for the browser", shared_crates),
    ("the server", |progress| demo::build_server(progress).map(|()| Counts::of_step(true))),
    ("the examples in the documentation", |_| run_tests(cargo().args(["test", "--workspace", "--doc"]))),
    ("the documentation", documentation),
    ("the tests", |_| tests()),
];

/// Runs the steps and ends with the line that a CI reads.
///
pub(crate) fn run(progress: &Progress) -> ExitCode {
    let mut total = Counts::default();
    let mut failed = Vec::new();
    for (name, work) in STEPS {
        progress.say(&format!("step: {name}"));
        let counts = work(progress).unwrap_or_else(|error| {
            eprintln!("{error:#}");
            Counts::of_step(false)
        });
        if counts.failed > 0 {
            progress.say(&format!("FAILED: {name}"));
            failed.push(*name);
        }
        total += counts;
    }
    if failed.is_empty() {
        progress.say("all is well");
    } else {
        progress.say(&format!("failed: {}", failed.join(", ")));
    }
    println!("test: {total}");
    ExitCode::from(u8::from(!failed.is_empty()))
}

fn step(arguments: &[&str]) -> anyhow::Result<Counts> {
    progress::run(cargo().args(arguments))?;
    Ok(Counts::of_step(true))
}

fn browser_module(progress: &Progress) -> anyhow::Result<Counts> {
    // First, since both leave the compiled module in the same place.
    browser::build_pseudo(progress)?;
    let sizes = browser::build(progress)?;
    let mut fits = true;
    for Load { name, parts, ceiling } in LOADS {
        let bytes = parts.iter().filter_map(|part| sizes.parts.get(*part)).sum();
        fits &= hold(progress, name, bytes, BUDGET, ceiling * 1024);
    }
    for (name, bytes) in sizes.beside {
        fits &= hold(progress, &format!("scripts and styles of {name}"), bytes, BUDGET_BESIDE, BUDGET_BESIDE);
    }
    Ok(Counts::of_step(fits))
}

/// Says what something takes, and whether it keeps below its ceiling.
fn hold(progress: &Progress, name: &str, bytes: u64, budget: u64, ceiling: u64) -> bool {
    let over = browser::kib(bytes.saturating_sub(budget));
    let said = if bytes > budget { format!(", {over:.1} KiB over the budget") } else { String::new() };
    progress.say(&format!("{name}: {:.1} KiB after brotli{said}", browser::kib(bytes)));
    if bytes > ceiling {
        progress.say(&format!("and it must not take more than {:.0} KiB", browser::kib(ceiling)));
    }
    bytes <= ceiling
}

fn shared_crates(progress: &Progress) -> anyhow::Result<Counts> {
    let mut check = Compiler::get(progress)?.cargo("check");
    progress::run(check.args(SHARED_WITH_THE_BROWSER.iter().flat_map(|name| ["--package", name])))?;
    Ok(Counts::of_step(true))
}

/// One process a test with nextest, where that is installed; else cargo's own runner.
fn tests() -> anyhow::Result<Counts> {
    let nextest = cargo().args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success());
    if nextest {
        return run_tests(cargo().args(["nextest", "run", "--workspace", "--no-fail-fast"]));
    }
    run_tests(cargo().args(["test", "--workspace", "--all-targets", "--no-fail-fast"]))
}

fn documentation(_: &Progress) -> anyhow::Result<Counts> {
    progress::run(cargo().args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Counts::of_step(true))
}
