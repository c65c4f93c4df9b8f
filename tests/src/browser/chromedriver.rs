//! Debian's chromedriver as a process of one test.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use tempfile::TempDir;

use crate::PATIENCE;

/// A running chromedriver and the folder of its browser's data; both end when this is dropped.
pub(super) struct Chromedriver {
    child: Child,
    port: u16,
    profile: TempDir,
}

impl Chromedriver {
    /// Starts it on a free port; `None` if browser or driver are not on this machine.
    ///
    /// # Panics
    /// When it is there and does not come up.
    pub(super) fn start() -> Option<Self> {
        let program = find("chromedriver")?;
        find("chromium")?;
        let profile = TempDir::with_prefix("tls-guarantee-browser-").expect("a folder for the browser");
        let mut child = Command::new(program)
            .arg("--port=0")
            .env("TZ", "Europe/Berlin")
            // Chromium keeps a few things outside of its data folder; this one's go into it.
            .env("HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver");
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().expect("its output"));
        thread::spawn(move || {
            // Read on to the end, so that it is never stopped by a full pipe.
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut driver = Self { child, port: 0, profile };
        while driver.port == 0 {
            let line = lines.recv_timeout(PATIENCE).expect("chromedriver's port");
            let port = line.split_once("successfully on port ").map(|(_, rest)| rest.trim_end_matches('.'));
            driver.port = port.map_or(0, |port| port.parse().expect("a port"));
        }
        Some(driver)
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The browser's `--user-data-dir`.
    pub(super) fn profile(&self) -> PathBuf {
        self.profile.path().join("profile")
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        // Both may have ended already, which is how it should be.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // `SingletonLock` is a link to "HOST-PID" that the browser takes away at its end.
        let Ok(lock) = std::fs::read_link(self.profile().join("SingletonLock")) else { return };
        if let Some((_, pid)) = lock.to_string_lossy().rsplit_once('-') {
            let _ = Command::new("kill").args(["-9", pid]).stderr(Stdio::null()).status();
        }
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .chain([Path::new("/usr/bin").to_owned()])
        .map(|f| f.join(program))
        .find(|p| p.is_file())
}
