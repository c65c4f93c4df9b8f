//! A provider's machine, set up as `docs/roundcube.md` says: Dovecot, Roundcube, our server, and Postfix if it is asked
//! for.
//!
//! The files and commands are the guide's own, word for word but for what [`root`] lists: the machine's `/` is a folder,
//! its addresses are one address on loopback that belongs to this world alone (so that all ports are the guide's), and
//! its Unix users are some that every Debian has. systemd's part, starting the programs, is done here.

mod daemon;
mod guide;
mod postfix;
mod programs;
mod root;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Deref;
use std::path::PathBuf;
use std::process::Command;

use crate::demo::claim_address;
use crate::postfix::{Instance, is_root};
use crate::world::Mailboxes;
use crate::{Process, WebmailKey, World, run};

use daemon::Daemon;
use programs::{DOVECOT, key, laid_out, start_dovecot, start_nginx, start_php, start_server};
use root::Root;

pub use guide::{Block, Guide, PostfixWay, Task};

/// A running provider. Its users are `alice@example.org` and `bob@example.org`.
pub struct Provider {
    world: World,
    server: Option<Process>,
    _nginx: Daemon,
    _php: Daemon,
    dovecot: Option<Daemon>,
    postfix: Option<Instance>,
    root: Root,
    address: Ipv4Addr,
    _claim: TcpListener,
}

impl Provider {
    /// Starts one, or says why it can't run here: it takes root's rights, as it does on a real machine.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start() -> Option<Self> {
        Self::set_up(None)
    }

    /// The same, beside a Postfix that was there before.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn beside_postfix(way: PostfixWay) -> Option<Self> {
        Self::set_up(Some(way))
    }

    fn set_up(way: Option<PostfixWay>) -> Option<Self> {
        if !is_root() {
            eprintln!("not run: a provider's machine needs root");
            return None;
        }
        let (address, claim) = claim_address();
        let root = laid_out(address, way);
        let world = world(address, &root);
        // As on a machine where Postfix was first: Dovecot puts sockets into its folder.
        let postfix = way.map(|_| postfix::start(&root, address));
        let dovecot = start_dovecot(&root, address);
        let php = start_php(&root);
        let nginx = start_nginx(&root, address);
        let server = Some(start_server(&root));
        Some(Self {
            world,
            server,
            _nginx: nginx,
            _php: php,
            dovecot: Some(dovecot),
            postfix,
            root,
            address,
            _claim: claim,
        })
    }

    /// The place here of a path of the guide's.
    pub fn path(&self, of_guide: &str) -> PathBuf {
        self.root.at(of_guide)
    }

    /// IMAP without TLS, for this machine.
    pub fn imap(&self) -> SocketAddr {
        (self.address, 143).into()
    }

    /// `ManageSieve`, by which users' programs change their Sieve scripts.
    pub fn managesieve(&self) -> SocketAddr {
        (self.address, 4190).into()
    }

    /// The key by which the webmail's plugin signs, for tokens that no plugin would make.
    pub fn key(&self) -> WebmailKey {
        key(&self.root)
    }

    /// A fresh token, as the plugin's PHP makes one for a user.
    pub fn token(&self, address: &str) -> String {
        self.key().token(address)
    }

    /// Makes this the user's active Sieve script.
    ///
    /// # Panics
    /// When Dovecot does not take it.
    pub fn sieve(&self, address: &str, script: &str) {
        let config = self.root.at(DOVECOT).display().to_string();
        let mut put = Command::new("doveadm");
        put.args(["-c", &config, "sieve", "put", "-u", address, "-a", "test"]);
        let done = run(&mut put, script.as_bytes());
        assert!(done.status.success(), "{done:?}");
    }

    /// Ends Dovecot, with all its users' connections.
    pub fn stop_dovecot(&mut self) {
        self.dovecot = None;
    }

    /// Starts Dovecot again.
    pub fn start_dovecot(&mut self) {
        self.dovecot = Some(start_dovecot(&self.root, self.address));
    }

    /// Ends our server.
    pub fn stop_server(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.terminate();
        }
    }

    /// Starts our server again.
    pub fn start_server(&mut self) {
        self.server = Some(start_server(&self.root));
    }

    /// All that our server printed since it was started.
    pub fn said(&self) -> String {
        self.server.as_ref().map(Process::said).unwrap_or_default()
    }

    /// What a program logged: `dovecot`, `nginx`, `php`, `roundcube` or `postfix`; empty if nothing.
    pub fn log(&self, program: &str) -> String {
        let path = match program {
            "nginx" => "/var/log/nginx/error.log".to_owned(),
            "roundcube" => "/var/log/roundcube/errors.log".to_owned(),
            program => format!("/var/log/{program}.log"),
        };
        fs::read(self.root.at(path)).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    /// The Postfix beside it.
    ///
    /// # Panics
    /// When there is none.
    pub fn postfix(&self) -> &Instance {
        self.postfix.as_ref().expect("a world with Postfix")
    }
}

fn world(address: Ipv4Addr, root: &Root) -> World {
    let at = |port| (address, port).into();
    World {
        web: format!("https://{address}/"),
        domain: "example.org",
        name: "mail.example.org",
        http: at(880),
        mx: at(25),
        submission: at(587),
        submissions: at(465),
        mailboxes: Mailboxes::Dovecot { imap: at(143), key: key(root) },
    }
}

impl Deref for Provider {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for program in ["dovecot", "nginx", "php", "roundcube", "postfix"] {
                let log = self.log(program);
                if !log.is_empty() {
                    eprintln!("--- {program} said:\n{log}---");
                }
            }
        }
    }
}
