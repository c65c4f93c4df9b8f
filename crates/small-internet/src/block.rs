//! The loopback addresses of a world. Each world has a block of its own, so that many can live on one machine.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use rand::Rng;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpSocket, UdpSocket};

use crate::plan::{Addresses, Plan, Service};

/// High, so that an ordinary user may bind them, and below the ports that Linux gives to outgoing connections.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
const ATTEMPTS: usize = 20;

/// Where a running world is found. Kept as `small-internet.json` in the data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coordinates {
    /// The DNS server, UDP and TCP.
    pub dns: SocketAddr,
    /// The SMTP port of every MX host.
    pub smtp_port: u16,
    /// The HTTPS port of every policy host.
    #[serde(default)]
    pub https_port: u16,
    /// The file with the CA's certificate, PEM, an absolute path.
    pub ca: PathBuf,
    /// The file with the root zone's key, a DNSKEY record in presentation format, an absolute path.
    #[serde(default)]
    pub trust_anchor: PathBuf,
    /// The addresses of every host with one, by name.
    pub hosts: Addresses,
}

impl Coordinates {
    /// Reads the coordinates of the world that runs, or ran last, with this data directory.
    ///
    /// # Errors
    /// When no world ever ran there, or the file is damaged.
    pub fn load(data: &Path) -> Result<Self> {
        let path = Self::path(data);
        let text = std::fs::read(&path).with_context(|| {
            format!("no small internet in {}: cannot read {}", data.display(), path.display())
        })?;
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged; remove it", path.display()))
    }

    pub(crate) fn path(data: &Path) -> PathBuf {
        data.join("small-internet.json")
    }

    pub(crate) fn save(&self, data: &Path) -> Result<()> {
        let path = Self::path(data);
        let new = path.with_extension("json.new");
        let written = std::fs::write(&new, serde_json::to_vec_pretty(self)?);
        written
            .and_then(|()| std::fs::rename(&new, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// What a client has to trust, as files with absolute paths.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) ca: PathBuf,
    pub(crate) trust_anchor: PathBuf,
}

/// The bound sockets by host, in the order of its services.
pub(crate) type HostSockets = Vec<(String, Vec<(SocketAddr, TcpSocket)>)>;

/// The sockets of a world, bound, and its coordinates.
pub(crate) struct Sockets {
    pub(crate) coordinates: Coordinates,
    pub(crate) dns: (UdpSocket, TcpListener),
    pub(crate) hosts: HostSockets,
}

/// Binds everything: where it was before, if possible, else in a new block.
pub(crate) async fn bind(plan: &Plan, files: &Files, before: Option<Coordinates>) -> Result<Sockets> {
    if let Some(before) = before {
        let Files { ca, trust_anchor } = files.clone();
        // A world of before there were policy hosts.
        let https_port =
            if before.https_port == 0 { random_https_port(before.smtp_port) } else { before.https_port };
        let again = assign(plan, Coordinates { ca, trust_anchor, https_port, ..before });
        if let Ok(coordinates) = again
            && let Ok(sockets) = bind_all(plan, coordinates).await
        {
            return Ok(sockets);
        }
    }
    let mut attempt = 0;
    loop {
        attempt += 1;
        let coordinates = assign(plan, random_block(files))?;
        match bind_all(plan, coordinates).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempt < ATTEMPTS => {}
            other => {
                return other.context(
                    "cannot bind loopback addresses 127.x.y.z; where only 127.0.0.1 is set up, the others have to be added",
                );
            }
        }
    }
}

/// Never in 127.0, where other things of the machine are.
fn random_block(files: &Files) -> Coordinates {
    let Files { ca, trust_anchor } = files.clone();
    let mut rng = rand::rng();
    let dns = Ipv4Addr::new(127, rng.random_range(1..255), rng.random(), 1);
    let port = rng.random_range(PORTS);
    let dns = SocketAddr::from((dns, port));
    let https_port = random_https_port(port);
    Coordinates { dns, smtp_port: port, https_port, ca, trust_anchor, hosts: Addresses::new() }
}

/// Another than the SMTP port, so that nobody is at the wrong door by chance.
fn random_https_port(smtp_port: u16) -> u16 {
    let port = rand::rng().random_range(PORTS.start..PORTS.end - 1);
    if port < smtp_port { port } else { port + 1 }
}

/// Gives each host of the plan its addresses: those it has in `coordinates`, else free ones of the block.
fn assign(plan: &Plan, mut coordinates: Coordinates) -> Result<Coordinates> {
    let SocketAddr::V4(dns) = coordinates.dns else { anyhow::bail!("the DNS server has no IPv4 address") };
    let [a, b, c, _] = dns.ip().octets();
    let hosts = plan.hosts();
    coordinates.hosts.retain(|name, _| hosts.iter().any(|host| host.name == *name));
    let mut taken: Vec<_> = coordinates.hosts.values().flatten().copied().chain([*dns.ip()]).collect();
    for host in hosts {
        let addresses = coordinates.hosts.entry(host.name).or_default();
        while addresses.len() < host.services.len() {
            let free = (2..=254).map(|d| Ipv4Addr::new(a, b, c, d)).find(|address| !taken.contains(address));
            ensure!(free.is_some(), "a world has room for 253 addresses, and the domains ask for more");
            taken.extend(free);
            addresses.extend(free);
        }
        addresses.truncate(host.services.len());
    }
    Ok(coordinates)
}

async fn bind_all(plan: &Plan, coordinates: Coordinates) -> io::Result<Sockets> {
    let dns = (UdpSocket::bind(coordinates.dns).await?, TcpListener::bind(coordinates.dns).await?);
    let mut hosts = Vec::new();
    for host in plan.hosts() {
        let mut sockets = Vec::new();
        for (address, service) in coordinates.hosts[&host.name].iter().zip(&host.services) {
            let port = match service {
                Service::Mail(_) | Service::Home => coordinates.smtp_port,
                Service::Policy(_) => coordinates.https_port,
            };
            let address = SocketAddr::V4(SocketAddrV4::new(*address, port));
            sockets.push((address, bind_tcp(address)?));
        }
        hosts.push((host.name, sockets));
    }
    Ok(Sockets { coordinates, dns, hosts })
}

/// A socket that is bound and does not listen: connections are refused, and nobody else gets the address.
pub(crate) fn bind_tcp(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Connections of a world before this one may still be in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
