//! Debian's Postfix and Exim as receivers, each from a configuration of its own.

use std::{
    cell::RefCell,
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{namespace::command, pki::Presented, servers::wait_for};

/// A mail server that takes mail for anybody and keeps it.
pub(crate) trait MailServer {
    /// Starts it with this certificate, or says why it can't be had.
    fn start(&self, presented: &Presented) -> Result<(), String>;
    fn stop(&self);
    /// What it took, as it keeps it.
    fn taken(&self) -> Vec<String>;
}

/// Postfix, keeping mail in its queue.
pub(crate) struct Postfix {
    pub(crate) folder: PathBuf,
    pub(crate) address: &'static str,
}

const MAIN_CF: &str = "
compatibility_level = 3.6
queue_directory = FOLDER/queue
data_directory = FOLDER/data
maillog_file = FOLDER/log
maillog_file_prefixes = FOLDER
mail_owner = postfix
myhostname = mx.postfix.r.example
mydestination =
inet_protocols = ipv4
disable_dns_lookups = yes
smtpd_peername_lookup = no
alias_maps =
alias_database =
relay_domains = postfix.r.example
smtpd_relay_restrictions = reject_unauth_destination
defer_transports = smtp relay
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtpd_tls_chain_files = FOLDER/etc/chain.pem
";

const MASTER_CF: &str = "
ADDRESS:25 inet n - n - - smtpd
cleanup    unix  n - n - 0 cleanup
qmgr       unix  n - n 300 1 qmgr
tlsmgr     unix  - - n 1000? 1 tlsmgr
rewrite    unix  - - n - - trivial-rewrite
bounce     unix  - - n - 0 bounce
defer      unix  - - n - 0 bounce
proxymap   unix  - - n - - proxymap
retry      unix  - - n - - error
relay      unix  - - n - - smtp
anvil      unix  - - n - 1 anvil
postlog    unix-dgram n - n - 1 postlogd
";

impl Postfix {
    fn postfix(&self, word: &str) {
        command("/usr/sbin/postfix", &["-c", self.folder.join("etc").to_str().unwrap(), word]);
    }
}

impl MailServer for Postfix {
    fn start(&self, presented: &Presented) -> Result<(), String> {
        let folder = &self.folder;
        if !folder.exists() {
            for name in ["etc", "queue", "data"] {
                fs::create_dir_all(folder.join(name)).unwrap();
            }
            let number = |option| command("id", &[option, "postfix"]).trim().parse().unwrap();
            chown(folder.join("data"), Some(number("-u")), Some(number("-g"))).unwrap();
            fs::write(folder.join("etc/main.cf"), MAIN_CF.replace("FOLDER", &folder.display().to_string()))
                .unwrap();
            fs::write(folder.join("etc/master.cf"), MASTER_CF.replace("ADDRESS", self.address)).unwrap();
        }
        fs::write(folder.join("etc/chain.pem"), presented.pem()).unwrap();
        self.postfix("start");
        wait_for(&format!("{}:25", self.address), &folder.join("log"));
        Ok(())
    }

    fn stop(&self) {
        self.postfix("stop");
    }

    fn taken(&self) -> Vec<String> {
        ["incoming", "active", "deferred", "hold"]
            .iter()
            .flat_map(|queue| contents(&self.folder.join("queue").join(queue)))
            .collect()
    }
}

/// Exim, keeping mail in its spool.
pub(crate) struct Exim {
    pub(crate) folder: PathBuf,
    pub(crate) address: &'static str,
    pub(crate) process: RefCell<Option<Child>>,
}

const EXIM_CONF: &str = "
primary_hostname = mx.exim.r.example
spool_directory = FOLDER/spool
log_file_path = FOLDER/%slog
pid_file_path = FOLDER/pid
local_interfaces = ADDRESS
daemon_smtp_ports = 25
tls_advertise_hosts = *
tls_certificate = FOLDER/chain.pem
tls_privatekey = FOLDER/chain.pem
queue_only
host_lookup =
rfc1413_hosts =
keep_environment =
acl_smtp_mail = accept
acl_smtp_rcpt = accept
acl_smtp_data = accept
begin routers
begin transports
";

/// Debian gives Exim a user of its own.
const USER: &str = "Debian-exim";
const USER_ID: u32 = 64_999;

impl Exim {
    /// Where `cargo xtask test` unpacks it.
    fn program() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/exim/usr/sbin/exim4")
    }

    /// Gives the namespace, and it alone, Exim's user.
    fn user(&self) {
        let known = command("getent", &["passwd"]);
        if known.contains(&format!("{USER}:")) {
            return;
        }
        for (file, line) in [
            ("passwd", format!("{USER}:x:{USER_ID}:{USER_ID}::/nonexistent:/usr/sbin/nologin\n")),
            ("group", format!("{USER}:x:{USER_ID}:\n")),
        ] {
            let (own, etc) = (self.folder.join(file), format!("/etc/{file}"));
            fs::write(&own, fs::read_to_string(&etc).unwrap() + &line).unwrap();
            command("mount", &["--bind", own.to_str().unwrap(), &etc]);
        }
    }
}

impl MailServer for Exim {
    fn start(&self, presented: &Presented) -> Result<(), String> {
        let (folder, program) = (&self.folder, Self::program());
        if !program.exists() {
            return Err(format!("there is no {}; `cargo xtask test` unpacks it", program.display()));
        }
        let config = folder.join("exim.conf");
        if !config.exists() {
            fs::create_dir_all(folder.join("spool")).unwrap();
            let text =
                EXIM_CONF.replace("FOLDER", &folder.display().to_string()).replace("ADDRESS", self.address);
            fs::write(&config, text).unwrap();
            self.user();
        }
        let certificate = folder.join("chain.pem");
        fs::write(&certificate, presented.pem()).unwrap();
        command("chown", &["-R", USER, folder.to_str().unwrap()]);
        command("chown", &["root", config.to_str().unwrap()]);
        let said = || fs::File::create(folder.join("said")).unwrap();
        let mut exim = Command::new(program);
        exim.arg("-bdf").arg("-C").arg(config).stdin(Stdio::null()).stdout(said()).stderr(said());
        self.process.replace(Some(exim.spawn().unwrap()));
        wait_for(&format!("{}:25", self.address), &folder.join("mainlog"));
        Ok(())
    }

    fn stop(&self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    fn taken(&self) -> Vec<String> {
        contents(&self.folder.join("spool/input"))
    }
}

/// All files below a folder.
fn contents(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => contents(&path),
            false => vec![String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()],
        })
        .collect()
}
