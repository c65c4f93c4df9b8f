//! The server as a process: started, watched, killed.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::PATIENCE;

/// The server's binary: `TLS_GUARANTEE_BIN`, or what a debug build left.
pub fn binary() -> PathBuf {
    std::env::var_os("TLS_GUARANTEE_BIN").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/tls-guarantee"),
        PathBuf::from,
    )
}

/// A running server, killed when this is dropped. What it said is shown when the test fails.
pub struct Process {
    child: Child,
    said: Arc<Mutex<String>>,
    lines: Receiver<String>,
}

impl Process {
    /// Starts the server with these arguments.
    ///
    /// # Panics
    /// When there is no binary.
    pub fn start<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        Self::of(Command::new(binary()).args(arguments))
    }

    /// Starts the server by a command that becomes it.
    ///
    /// # Panics
    /// When there is no binary.
    pub fn of(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            let program = command.get_program().display();
            panic!("{program}: {error}; build it with `cargo build --bin tls-guarantee`")
        });
        let said = Arc::default();
        let (sender, lines) = channel();
        for output in [child.stdout.take().map(boxed), child.stderr.take().map(boxed)].into_iter().flatten() {
            let (said, sender) = (Arc::clone(&said), sender.clone());
            thread::spawn(move || listen(output, &said, &sender));
        }
        Self { child, said, lines }
    }

    /// Waits for the line that begins like this, and gives the rest of it.
    ///
    /// # Panics
    /// When the server ends without it, or says nothing for long.
    pub fn wait_for_line(&self, start: &str) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    if let Some(rest) = line.strip_prefix(start) {
                        return rest.trim().to_owned();
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("the server never said {start:?}; it said:\n{}", self.said())
                }
                Err(RecvTimeoutError::Disconnected) => panic!("the server ended; it said:\n{}", self.said()),
            }
        }
    }

    /// All that it printed so far.
    pub fn said(&self) -> String {
        lock(&self.said).clone()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// `kill -9`: nothing is flushed, nothing is said.
    pub fn kill9(&mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    /// SIGTERM, and how it ended.
    ///
    /// # Panics
    /// When it does not end.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        crate::wait_for("the server's end after SIGTERM", || self.child.try_wait().expect("wait"))
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().expect("kill");
        assert!(status.success(), "kill -s {name}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; there is nothing to do about either failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- the server said:\n{}---", self.said());
        }
    }
}

fn boxed(output: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(output)
}

fn listen(output: impl Read, said: &Mutex<String>, lines: &Sender<String>) {
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        let mut said = lock(said);
        said.push_str(&line);
        said.push('\n');
        drop(said);
        // Nobody waits for lines any more once the test goes on; the output is read all the same.
        let _ = lines.send(line);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a program to its end with this input, whatever its exit code.
///
/// # Panics
/// When it cannot be started.
pub fn run(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_owned();
    // The program may close its input early; that shows in what it says.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("the program's end");
    writer.join().expect("the writer");
    output
}
