//! `tls-guarantee serve` with a configuration, as an operator runs it.

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::demo::claim_address;
use crate::{Http, PASSWORD, Process, Smtp, User, binary, run};

/// A running server for `home.example` with the user `alice@home.example`.
pub struct Server {
    address: Ipv4Addr,
    folder: TempDir,
    _process: Process,
    _claim: TcpListener,
}

impl Server {
    /// Starts a server that sends mail for these domains to these hosts.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn with_routes(routes: &[(&str, SocketAddr)]) -> Self {
        let (address, claim) = claim_address();
        let folder = TempDir::with_prefix("tls-guarantee-").expect("a folder");
        let mut config = format!(
            "name = \"mail.home.example\"\ndomains = [\"home.example\"]\ndata = \"{}\"\n\
             [listen]\nhttp = \"{address}:8080\"\nsubmission = \"{address}:5870\"\n",
            folder.path().join("data").display()
        );
        for (domain, host) in routes {
            let (ip, port) = (host.ip(), host.port());
            write!(config, "[[route]]\ndomain = \"{domain}\"\nhost = \"{ip}\"\nport = {port}\n")
                .expect("a string");
        }
        let file = folder.path().join("server.toml");
        std::fs::write(&file, config).expect("the configuration");
        let mut add = Command::new(binary());
        add.args(["user", "add", "alice@home.example", "--config"]).arg(&file);
        let added = run(&mut add, format!("{PASSWORD}\n").as_bytes());
        assert!(added.status.success(), "{added:?}");
        let process = Process::start([&PathBuf::from("serve"), &PathBuf::from("--config"), &file]);
        process.wait_for_line("ready");
        Self { address, folder, _process: process, _claim: claim }
    }

    /// Its configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("server.toml")
    }

    /// `alice@home.example`, logged in over HTTP.
    pub fn alice(&self) -> User {
        User::log_in(&Http::new((self.address, 8080).into()), "alice@home.example", PASSWORD)
    }

    /// A submission session of alice's.
    pub fn submit(&self) -> Smtp {
        Smtp::connect((self.address, 5870).into()).logged_in("alice@home.example")
    }
}
