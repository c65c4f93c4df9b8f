//! A daemon of a world: started, waited for, ended with all its children.

use std::fs::OpenOptions;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::wait_for;

/// How long a daemon may take to end by itself. Dovecot's children are gone by then, but for the one that logs: it lingers
/// for a second with nothing to do.
const END: Duration = Duration::from_millis(300);

/// A running daemon, in a process group of its own. It ends when this is dropped, or the test's thread.
pub(super) struct Daemon {
    child: Child,
    name: &'static str,
    log: PathBuf,
}

impl Daemon {
    /// Starts a program that stays in the foreground; what it says goes to `log`.
    ///
    /// # Panics
    /// When it cannot be started.
    pub(super) fn start(name: &'static str, program: &[&str], log: &Path) -> Self {
        let output = || OpenOptions::new().create(true).append(true).open(log).expect("a log");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM"]).args(program).process_group(0);
        command.stdin(Stdio::null()).stdout(output()).stderr(output());
        let child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { child, name, log: log.to_owned() }
    }

    /// Waits until `look` finds it at work.
    ///
    /// # Panics
    /// When it ends, or does not begin.
    pub(super) fn wait_until<T>(&mut self, mut look: impl FnMut() -> Option<T>) -> T {
        let Self { child, name, log } = self;
        wait_for(&format!("{name} at work"), || {
            let found = look();
            if found.is_none()
                && let Ok(Some(status)) = child.try_wait()
            {
                let said = std::fs::read_to_string(&*log).unwrap_or_default();
                panic!("{name} ended: {status}\n{said}");
            }
            found
        })
    }

    /// Waits until it accepts connections at this socket.
    pub(super) fn wait_for_socket(&mut self, path: &Path) {
        self.wait_until(|| UnixStream::connect(path).ok());
    }

    fn kill(&self, signal: &str, whom: &str) {
        let arguments = ["-s", signal, "--", whom];
        // It may have ended already, which is what is wanted.
        let _ = Command::new("kill").args(arguments).stderr(Stdio::null()).status();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let pid = self.child.id();
        self.kill("TERM", &pid.to_string());
        let deadline = Instant::now() + END;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.kill("KILL", &format!("-{pid}"));
        let _ = self.child.wait();
    }
}
