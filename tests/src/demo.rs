//! `tls-guarantee demo` on addresses of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Deref;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::world::Mailboxes;
use crate::{Process, World};

/// The password of the demo's users.
pub const PASSWORD: &str = "demo";

/// A running demo with a data directory of its own.
pub struct Demo {
    world: World,
    address: Ipv4Addr,
    process: Process,
    data: TempDir,
    arguments: Vec<String>,
    /// Held as long as the demo's address is ours.
    _claim: TcpListener,
}

impl Demo {
    /// Starts a demo with fresh data and waits until it accepts work.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start() -> Self {
        let (address, claim) = claim_address();
        let data = TempDir::with_prefix("tls-guarantee-").expect("a folder for the data");
        let arguments = listeners(address, data.path());
        Self::run(address, claim, data, arguments)
    }

    /// The same server from a configuration, `demo --config`: `listen` are more lines of its `[listen]`, `more` are more
    /// tables. `ADDRESS` in them is the demo's address, `FOLDER` its [`folder`](Self::folder), in which a file `secret`
    /// has some secret.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn configured(listen: &str, more: &str) -> Self {
        let (address, claim) = claim_address();
        let data = TempDir::with_prefix("tls-guarantee-").expect("a folder for the data");
        let text = CONFIG
            .replace("LISTEN", listen)
            .replace("MORE", more)
            .replace("ADDRESS", &address.to_string())
            .replace("FOLDER", &data.path().display().to_string());
        let file = data.path().join("server.toml");
        fs::write(&file, text).expect("the configuration");
        fs::write(data.path().join("secret"), "a secret of more than 32 characters").expect("a secret");
        let arguments = ["demo".to_owned(), "--config".to_owned(), file.display().to_string()];
        Self::run(address, claim, data, arguments.to_vec())
    }

    fn run(address: Ipv4Addr, claim: TcpListener, data: TempDir, arguments: Vec<String>) -> Self {
        let process = start(&arguments);
        let at = |port| (address, port).into();
        let world = World {
            web: format!("http://{address}:8080/"),
            domain: "home.example",
            name: "home.example",
            http: at(8080),
            mx: at(2525),
            submission: at(5870),
            submissions: at(4650),
            mailboxes: Mailboxes::Own,
        };
        Self { world, address, process, data, arguments, _claim: claim }
    }

    /// A port at its address.
    pub fn port(&self, port: u16) -> SocketAddr {
        self.at(port)
    }

    /// What `FOLDER` stands for.
    pub fn folder(&self) -> &Path {
        self.data.path()
    }

    fn at(&self, port: u16) -> SocketAddr {
        (self.address, port).into()
    }

    /// The mail store's trusted entry.
    pub fn store(&self) -> SocketAddr {
        self.at(2626)
    }

    /// The folder given as `--data`.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// `kill -9`, in the middle of whatever it does.
    pub fn kill9(&mut self) {
        self.process.kill9();
    }

    /// The same signal, for a thread beside the one that uses the demo.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Starts it again with the same data, after it ended or was killed.
    pub fn start_again(&mut self) {
        self.process = start(&self.arguments);
    }

    /// SIGTERM, and how it ended.
    pub fn terminate(&mut self) -> ExitStatus {
        self.process.terminate()
    }

    /// All that it printed.
    pub fn said(&self) -> String {
        self.process.said()
    }

    /// Whether it still runs and answers.
    ///
    /// # Panics
    /// When it does not.
    pub fn assert_alive(&mut self) {
        assert!(self.process.is_running(), "the server ended");
        let said = self.said();
        assert!(!said.contains("panicked at"), "the server panicked:\n{said}");
        self.alice();
    }
}

impl Deref for Demo {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

/// What the demo runs without a configuration, as one.
const CONFIG: &str = r#"
name = "home.example"
domains = ["home.example"]
data = "FOLDER/data"
[listen]
http = "ADDRESS:8080"
submission = "ADDRESS:5870"
submissions = "ADDRESS:4650"
mx = "ADDRESS:2525"
LISTEN
MORE
"#;

fn listeners(address: Ipv4Addr, data: &Path) -> Vec<String> {
    let mut arguments = vec!["demo".to_owned()];
    let listeners = [
        ("--http", 8080),
        ("--submission", 5870),
        ("--submissions", 4650),
        ("--mx", 2525),
        ("--store", 2626),
    ];
    for (option, port) in listeners {
        arguments.extend([option.to_owned(), format!("{address}:{port}")]);
    }
    arguments.extend(["--data".to_owned(), data.display().to_string()]);
    arguments
}

fn start(arguments: &[String]) -> Process {
    let process = Process::start(arguments);
    process.wait_for_line("ready: http://");
    process
}

/// An address in 127.0.0.0/16 that no other test has, and the listener that keeps it so. A demo that is killed and
/// started again finds the ports it had.
pub(crate) fn claim_address() -> (Ipv4Addr, TcpListener) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(61);
    for _ in 0..1000 {
        let number = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % (255 * 254);
        let [third, fourth] =
            [number / 254 + 1, number % 254 + 1].map(|octet| u8::try_from(octet).unwrap_or(1));
        let address = Ipv4Addr::new(127, 0, third, fourth);
        if let Ok(claim) = TcpListener::bind((address, 1999)) {
            return (address, claim);
        }
    }
    panic!("no loopback address is free: has the machine only 127.0.0.1?");
}
