//! The Postfix that was there before our server.

use std::net::Ipv4Addr;

use super::PostfixWay;
use super::root::Root;
use crate::postfix::Instance;

/// What an existing Postfix has in its `main.cf`, besides Debian's lines.
const EXISTING: &str = "
myhostname = mail.example.org
mydestination = localhost
alias_maps =
alias_database =
";

/// What only a test needs: a second Postfix on one machine.
const HERE: &str = "
queue_directory = ROOT/var/spool/postfix
data_directory = ROOT/var/lib/postfix
maillog_file = ROOT/var/log/postfix.log
maillog_file_prefixes = ROOT
inet_interfaces = loopback-only
inet_protocols = ipv4
smtpd_peername_lookup = no
disable_dns_lookups = yes
";

/// The way out of a Postfix that keeps the mail of users without the guarantee: to be read in its log only.
const WAY_OUT: &str = "default_transport = discard:by Postfix itself\n";

/// Lays an existing Postfix's files.
pub(super) fn lay_out(root: &Root, address: Ipv4Addr, way: PostfixWay) {
    for (debian, path) in
        [("main.cf.debian", "/etc/postfix/main.cf"), ("master.cf.dist", "/etc/postfix/master.cf")]
    {
        let text = std::fs::read_to_string(format!("/usr/share/postfix/{debian}")).expect("Debian's Postfix");
        // It believes in no other address on loopback than the first, but listens where it is told.
        root.write(path, &text.replace("\nsmtp      inet", &format!("\n{address}:smtp inet")));
    }
    let here = HERE.replace("ROOT", &root.name()).replace("ADDRESS", &address.to_string());
    root.add("/etc/postfix/main.cf", EXISTING);
    root.add("/etc/postfix/main.cf", &here);
    if way == PostfixWay::RoutesBySender {
        root.add("/etc/postfix/main.cf", WAY_OUT);
    }
    root.folder_of("root", "/var/spool/postfix");
    root.folder_of("postfix", "/var/lib/postfix");
}

/// Starts it.
pub(super) fn start(root: &Root, address: Ipv4Addr) -> Instance {
    Instance::start(root.at("/etc/postfix"), root.at("/var/log/postfix.log"), (address, 25).into())
}
