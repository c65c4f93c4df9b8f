//! Debian's name server NSD and resolver unbound over the tree.

use std::{
    fmt::Write,
    fs,
    net::{SocketAddr, TcpStream},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{namespace::command, tree::Tree, zones::at};

/// What an unbound does besides asking.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// It checks signatures.
    Validates,
    /// It only follows referrals.
    Iterates,
}

/// Serves zones at an address. Everything ends with the namespace.
pub(crate) fn serve(folder: &Path, tree: &Tree, address: &str, zones: impl Fn(&str) -> bool) {
    let place = folder.join(address);
    fs::create_dir(&place).unwrap();
    let config = place.join("nsd.conf");
    let place = place.display();
    // Without a limit of the rate of answers: all questions come from one address.
    let mut text = format!(
        "server:\n ip-address: {address}\n port: 53\n username: \"\"\n chroot: \"\"\n zonesdir: \"{place}\"\n \
         pidfile: \"{place}/nsd.pid\"\n database: \"\"\n xfrdfile: \"{place}/xfrd\"\n xfrdir: \"{place}\"\n \
         zonelistfile: \"{place}/zones\"\n logfile: \"{place}/nsd.log\"\n server-count: 1\n rrl-ratelimit: 0\n \
         rrl-whitelist-ratelimit: 0\nremote-control:\n control-enable: no\n",
    );
    for (name, file) in tree.files.iter().filter(|(name, _)| zones(name)) {
        let _ = writeln!(text, "zone:\n name: \"{name}.\"\n zonefile: \"{}\"", file.display());
    }
    fs::write(&config, text).unwrap();
    command("nsd", &["-c", config.to_str().unwrap()]);
    wait_for(&format!("{address}:53"), &config.with_file_name("nsd.log"));
}

/// Starts an unbound at port 53 of this address.
pub(crate) fn resolve(folder: &Path, tree: &Tree, address: &str, work: Work) -> SocketAddr {
    let name = format!("unbound-{address}");
    let place = folder.display();
    let (hints, anchor) = (folder.join("hints"), folder.join("anchor"));
    fs::write(&hints, format!(". 3600 NS ns.example.\nns.example. 3600 A {}\n", at::SERVER)).unwrap();
    fs::write(&anchor, &tree.anchor).unwrap();
    let module = if work == Work::Validates { "validator iterator" } else { "iterator" };
    let text = format!(
        "server:\n interface: {address}\n port: 53\n username: \"\"\n chroot: \"\"\n directory: \"{place}\"\n \
         pidfile: \"{place}/{name}.pid\"\n use-syslog: no\n logfile: \"{place}/{name}.log\"\n verbosity: 1\n \
         do-not-query-localhost: no\n do-ip6: no\n num-threads: 1\n module-config: \"{module}\"\n \
         trust-anchor-file: \"{}\"\n root-hints: \"{}\"\n access-control: 127.0.0.0/8 allow\n \
         trust-anchor-signaling: no\n root-key-sentinel: no\n ede: yes\n\
         remote-control:\n control-enable: no\n",
        anchor.display(),
        hints.display(),
    );
    let config = folder.join(format!("{name}.conf"));
    fs::write(&config, text).unwrap();
    command("unbound", &["-c", config.to_str().unwrap()]);
    let address = format!("{address}:53");
    wait_for(&address, &folder.join(format!("{name}.log")));
    address.parse().unwrap()
}

/// Waits until a port is open.
pub(crate) fn wait_for(address: &str, log: &Path) {
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        let log = || fs::read_to_string(log).unwrap_or_default();
        assert!(begun.elapsed() < Duration::from_secs(20), "{address} never opened:\n{}", log());
        thread::sleep(Duration::from_millis(10));
    }
}
