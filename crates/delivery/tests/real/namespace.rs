//! A network, a process table and mounts of the test's own: ports 53 and 25 are free there, and nothing outlives it.

use std::{
    env,
    process::{Command, Stdio},
};

const INSIDE: &str = "TLS_GUARANTEE_TEST_INSIDE";

/// Whether a test goes on here.
pub(crate) enum Place {
    /// In the namespace: the test is to be done.
    Inside,
    /// Outside: it has been done, or can't be.
    Outside,
}

/// Runs the test of this name once more, in namespaces of its own; called there, prepares them.
///
/// Where that is not allowed it says so, and the test counts as passed.
pub(crate) fn enter(test: &str) -> Place {
    if env::var_os(INSIDE).is_some_and(|inside| inside == test) {
        command("ip", &["link", "set", "lo", "up"]);
        return Place::Inside;
    }
    let unshared = |command: &[&str]| {
        // Whatever ends this process ends the namespace.
        let mut unshare = Command::new("setpriv");
        unshare.args(["--pdeathsig", "KILL", "unshare"]);
        unshare.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]).args(command);
        unshare
    };
    if !unshared(&["true"]).stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        println!("not run: {test}: no right to make a network namespace (root has it)");
        return Place::Outside;
    }
    let executable = env::current_exe().unwrap();
    let again = [executable.to_str().unwrap(), "--exact", test, "--nocapture"];
    let status = unshared(&again).env(INSIDE, test).status().unwrap();
    assert!(status.success(), "{test}, in a namespace: {status}");
    Place::Outside
}

/// Runs a program to its end, and gives what it printed.
///
/// # Panics
/// When it fails.
pub(crate) fn command(program: &str, arguments: &[&str]) -> String {
    run(Command::new(program).args(arguments))
}

/// The same for a command that is more than its arguments.
///
/// # Panics
/// When it fails.
pub(crate) fn run(command: &mut Command) -> String {
    // Folders of system programs are not in every user's PATH.
    let path = format!("{}:/usr/sbin:/sbin", env::var("PATH").unwrap_or_default());
    let output = command
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{said}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    said
}
