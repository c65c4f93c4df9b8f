//! Starting the programs of a provider's machine, which is systemd's part on a real one.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use super::daemon::Daemon;
use super::root::{Root, SERVER};
use super::{Guide, PostfixWay};
use crate::Process;

/// Dovecot's configuration, Debian's with the guide's.
pub(super) const DOVECOT: &str = "/etc/dovecot/dovecot.conf";

/// What of Debian's the guide builds on, as the packages leave it.
const DEBIAN: [&str; 5] =
    ["/etc/dovecot", "/etc/nginx", "/etc/php/8.2/fpm", "/etc/roundcube", "/var/lib/roundcube"];

/// Folders that packages and systemd make, and whose they are.
const FOLDERS: [(&str, &str); 9] = [
    ("root", "/etc/ssl"),
    ("root", "/run/dovecot"),
    ("root", "/run/php"),
    (SERVER, "/run/tls-guarantee"),
    ("root", "/var/lib/dovecot"),
    ("root", "/var/lib/nginx"),
    (SERVER, "/var/lib/tls-guarantee"),
    ("root", "/var/log/nginx"),
    ("www-data", "/var/log/roundcube"),
];

/// The machine's `/` after all of the guide but the starting of programs.
pub(super) fn laid_out(address: Ipv4Addr, way: Option<PostfixWay>) -> Root {
    let root = Root::new(address);
    DEBIAN.iter().for_each(|path| root.adopt(path));
    FOLDERS.iter().for_each(|(owner, path)| root.folder_of(owner, path));
    // As in the unit: who is not of the group does not get to the sockets.
    for (path, mode) in [("/run/tls-guarantee", 0o750), ("/var/lib/tls-guarantee", 0o700)] {
        fs::set_permissions(root.at(path), fs::Permissions::from_mode(mode)).expect("permissions");
    }
    for machines in ["/etc/ssl/certs", "/etc/ssl/private"] {
        symlink(machines, root.at(machines)).expect("a link");
    }
    root.install_server();
    install_plugin(&root);
    if let Some(way) = way {
        super::postfix::lay_out(&root, address, way);
    }
    let guide = Guide::read();
    root.assert_all_used(guide.all());
    guide.blocks(way).for_each(|block| root.apply(block));
    root
}

/// Unpacks the plugin into Roundcube's folder, where the guide has `tar` do it.
fn install_plugin(root: &Root) {
    let workspace = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let packed = workspace.join("target/package/tls_guarantee");
    let plugin = if packed.exists() { packed } else { workspace.join("www/roundcube/tls_guarantee") };
    let copied =
        Command::new("cp").arg("-r").arg(plugin).arg(root.at("/var/lib/roundcube/plugins/")).status();
    assert!(copied.expect("cp").success(), "the plugin could not be copied");
}

/// What only a test needs: a second Dovecot on one machine, and connections from another address than its own.
const DOVECOT_HERE: &str = "
base_dir = ROOT/run/dovecot
state_dir = ROOT/var/lib/dovecot
log_path = ROOT/var/log/dovecot.log
listen = ADDRESS
login_trusted_networks = 127.0.0.0/8
";

/// Starts Dovecot and waits for its sockets.
pub(super) fn start_dovecot(root: &Root, address: Ipv4Addr) -> Daemon {
    let here = DOVECOT_HERE.replace("ROOT", &root.name()).replace("ADDRESS", &address.to_string());
    root.write("/etc/dovecot/conf.d/99-here.conf", &here);
    let config = root.at(DOVECOT).display().to_string();
    let log = root.at("/var/log/dovecot.log");
    let mut dovecot = Daemon::start("dovecot", &["dovecot", "-F", "-c", &config], &log);
    dovecot.wait_until(|| TcpStream::connect((address, 143)).ok());
    dovecot.wait_for_socket(&root.at("/run/dovecot/lmtp"));
    dovecot.wait_for_socket(&root.at("/run/dovecot/tls-guarantee"));
    dovecot
}

/// Starts PHP and waits for its socket.
pub(super) fn start_php(root: &Root) -> Daemon {
    let config = root.at("/etc/php/8.2/fpm/php-fpm.conf").display().to_string();
    let ini = root.at("/etc/php/8.2/fpm/php.ini").display().to_string();
    let program = ["php-fpm8.2", "--nodaemonize", "--fpm-config", &config, "--php-ini", &ini];
    let mut php = Daemon::start("php", &program, &root.at("/var/log/php.log"));
    php.wait_for_socket(&root.at("/run/php/php8.2-fpm.sock"));
    php
}

/// Starts nginx and waits for its port.
pub(super) fn start_nginx(root: &Root, address: Ipv4Addr) -> Daemon {
    // Where it keeps what does not fit in memory is compiled in, but for these.
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let places =
        kinds.map(|kind| format!("{kind}_temp_path {};\n", root.at("/var/lib/nginx").join(kind).display()));
    root.write("/etc/nginx/conf.d/here.conf", &places.concat());
    let [config, log] = ["/etc/nginx/nginx.conf", "/var/log/nginx/error.log"].map(|path| root.at(path));
    let (config, errors) = (config.display().to_string(), log.display().to_string());
    let program = ["nginx", "-c", &config, "-e", &errors, "-g", "daemon off;"];
    let mut nginx = Daemon::start("nginx", &program, &log);
    nginx.wait_until(|| TcpStream::connect((address, 443)).ok());
    nginx
}

/// The unit's addition by which the server is tried out: what it says is what is run here.
const TRY: &str = "/etc/systemd/system/tls-guarantee.service.d/try.conf";

/// Starts our server as its unit does: as its own user, with the right to its ports; in the small internet.
pub(super) fn start_server(root: &Root) -> Process {
    let unit = fs::read_to_string(root.at(TRY)).expect("the unit's addition");
    let line = unit.lines().rev().find_map(|line| line.strip_prefix("ExecStart=")).expect("a command");
    let mut server = Command::new("setpriv");
    server.args(["--reuid", SERVER, "--regid", SERVER, "--init-groups", "--pdeathsig", "TERM"]);
    let ports = "-all,+net_bind_service";
    server.args(["--inh-caps", ports, "--ambient-caps", ports]);
    let process = Process::of(server.args(line.split_whitespace()));
    process.wait_for_line("ready: ");
    process
}

/// The webmail's and the server's common key.
pub(super) fn key(root: &Root) -> crate::WebmailKey {
    let file = fs::read_to_string(root.at("/etc/tls-guarantee/webmail.key")).expect("the key");
    let secret = file.lines().next().expect("a line").trim().as_bytes().to_vec();
    crate::WebmailKey { id: "webmail".to_owned(), secret, audience: "mail.example.org".to_owned() }
}
