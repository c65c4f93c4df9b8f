//! Debian's Postfix as the receiving side, from a configuration folder of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::demo::claim_address;
use crate::{run, wait_for};

/// How a Postfix does TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostfixTls {
    /// STARTTLS as Debian has it, with a self-signed certificate.
    Modern,
    /// STARTTLS with a certificate whose issuer is missing from the chain.
    BrokenChain,
    /// STARTTLS with TLS 1.1 and nothing else.
    Tls11Only,
    /// No STARTTLS.
    None,
}

/// A running Postfix that takes mail for any user of one domain, stopped when this is dropped.
pub struct Postfix {
    address: Ipv4Addr,
    instance: Instance,
    folder: TempDir,
    _claim: TcpListener,
}

/// A running Postfix with a configuration folder of its own, stopped when this is dropped.
pub struct Instance {
    config: PathBuf,
    log: PathBuf,
}

/// `main.cf`; the words in capitals are filled in. No name is looked up: there is no network.
const MAIN: &str = "
compatibility_level = 3.6
queue_directory = FOLDER/queue
data_directory = FOLDER/data
maillog_file = FOLDER/log
maillog_file_prefixes = FOLDER
mail_owner = postfix
myhostname = mx.DOMAIN
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
disable_dns_lookups = yes
smtpd_peername_lookup = no
alias_maps =
alias_database =
local_transport = error:nobody lives here
virtual_mailbox_domains = DOMAIN
virtual_mailbox_base = FOLDER/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:UID
virtual_gid_maps = static:GID
virtual_minimum_uid = 1
smtpd_relay_restrictions = reject_unauth_destination
smtpd_tls_received_header = yes
TLS
";

/// `master.cf`: what receiving takes, nothing in a chroot.
const MASTER: &str = "
ADDRESS:2525 inet n - n - - smtpd
cleanup    unix  n - n - 0 cleanup
qmgr       unix  n - n 300 1 qmgr
tlsmgr     unix  - - n 1000? 1 tlsmgr
rewrite    unix  - - n - - trivial-rewrite
bounce     unix  - - n - 0 bounce
defer      unix  - - n - 0 bounce
trace      unix  - - n - 0 bounce
proxymap   unix  - - n - - proxymap
showq      unix  n - n - - showq
error      unix  - - n - - error
retry      unix  - - n - - error
virtual    unix  - n n - - virtual
anvil      unix  - - n - 1 anvil
postlog    unix-dgram n - n - 1 postlogd
";

impl Postfix {
    /// Starts one, or says why it cannot run here: Postfix starts as root only.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(domain: &str, tls: PostfixTls) -> Option<Self> {
        if !is_root() {
            eprintln!("not run: Postfix needs root");
            return None;
        }
        let (address, claim) = claim_address();
        let folder = TempDir::with_prefix("postfix-").expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
        let (uid, gid) = (id("-u", "postfix"), id("-g", "postfix"));
        let owner = uid.trim().parse().ok().zip(gid.trim().parse().ok());
        let (owner_uid, owner_gid) = owner.expect("Postfix's own user");
        for name in ["etc", "queue", "data", "mail"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        for name in ["data", "mail"] {
            chown(folder.path().join(name), Some(owner_uid), Some(owner_gid)).expect("an owner");
        }
        let main = MAIN
            .replace("TLS\n", &settings(tls, folder.path()))
            .replace("FOLDER", &folder.path().display().to_string())
            .replace("DOMAIN", domain)
            .replace("UID", uid.trim())
            .replace("GID", gid.trim());
        fs::write(folder.path().join("etc/main.cf"), main).expect("main.cf");
        let master = MASTER.replace("ADDRESS", &address.to_string());
        fs::write(folder.path().join("etc/master.cf"), master).expect("master.cf");
        let (config, log) = (folder.path().join("etc"), folder.path().join("log"));
        let instance = Instance::start(config, log, (address, 2525).into());
        Some(Self { address, instance, folder, _claim: claim })
    }

    /// Where it takes mail.
    pub fn address(&self) -> SocketAddr {
        (self.address, 2525).into()
    }

    /// All that it received, whole messages as it stored them.
    pub fn received(&self) -> Vec<String> {
        files_below(&self.folder.path().join("mail"))
            .into_iter()
            .filter(|file| file.parent().is_some_and(|parent| parent.ends_with("new")))
            .map(|file| String::from_utf8_lossy(&fs::read(file).expect("a message")).into_owned())
            .collect()
    }

    /// Waits for the message with this Message-ID.
    pub fn wait_for_message(&self, message_id: &str) -> String {
        wait_for(&format!("{message_id} at Postfix\n{}", self.log()), || {
            self.received().into_iter().find(|message| message.contains(message_id))
        })
    }

    /// Its log.
    pub fn log(&self) -> String {
        self.instance.log()
    }
}

impl Instance {
    /// Starts the Postfix that is configured there and waits for this port of its.
    ///
    /// # Panics
    /// When it does not come up.
    pub(crate) fn start(config: PathBuf, log: PathBuf, port: SocketAddr) -> Self {
        let instance = Self { config, log };
        let started = instance.command("start");
        assert!(started.status.success(), "postfix start: {started:?}\n{}", instance.log());
        wait_for("Postfix's port", || std::net::TcpStream::connect(port).ok());
        instance
    }

    /// Its log.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// `postfix COMMAND`, for this one.
    pub fn command(&self, command: &str) -> std::process::Output {
        // An absolute path: with a relative one Postfix fails without a word.
        run(Command::new("/usr/sbin/postfix").arg("-c").arg(&self.config).arg(command), b"")
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let stopped = self.command("stop");
        if !stopped.status.success() {
            eprintln!("postfix stop: {stopped:?}");
        }
        if std::thread::panicking() {
            eprintln!("--- Postfix said:\n{}---", self.log());
        }
    }
}

/// Whether the tests have root's rights.
pub(crate) fn is_root() -> bool {
    id("-u", "").starts_with("0\n")
}

fn id(option: &str, user: &str) -> String {
    let mut id = Command::new("id");
    id.arg(option).args((!user.is_empty()).then_some(user));
    String::from_utf8_lossy(&run(&mut id, b"").stdout).into_owned()
}

/// The settings for TLS, with the certificate made.
fn settings(tls: PostfixTls, folder: &Path) -> String {
    if tls == PostfixTls::None {
        return "smtpd_tls_security_level = none\n".to_owned();
    }
    let pki = folder.join("etc");
    openssl(&pki, &["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=An intermediate nobody has"]);
    let chain = tls == PostfixTls::BrokenChain;
    let issuer: &[&str] = if chain { &["-CA", "ca.pem", "-CAkey", "ca.key"] } else { &[] };
    let names = ["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=somebody.else.example"];
    openssl(&pki, &[&names, issuer].concat());
    let old = if tls == PostfixTls::Tls11Only {
        // Debian's OpenSSL speaks TLS 1.1 at security level 0 only.
        "smtpd_tls_protocols = TLSv1.1\ntls_medium_cipherlist = ALL:@SECLEVEL=0\n"
    } else {
        ""
    };
    let files = "smtpd_tls_cert_file = FOLDER/etc/cert.pem\nsmtpd_tls_key_file = FOLDER/etc/key.pem\n";
    format!("smtpd_tls_security_level = may\n{files}{old}")
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]);
    let output = run(command.args(arguments), b"");
    assert!(output.status.success(), "{output:?}");
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
