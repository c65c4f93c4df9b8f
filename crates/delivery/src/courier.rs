//! Finds the hosts of a next hop and gets connections to them.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use guarantee::{
    Addresses, Cause, Clearance, Facts, Handshake, HostAddress, HostFailure, MxAnswer, MxHost, PlannedHost,
    Requirement, Starttls, Verdict, Weight, judge,
};
use rustls::ClientConfig;
use smtp::client::TlsWish;

use crate::{
    connection::{Connection, NotOpened, Target},
    dns::{Answer, Dns, DnsServers},
    gather::{Ownership, gather},
    pool::Pool,
    verify,
};

/// Connections to one address for one mail: TLS twice, to be certain, and once in clear.
const MAX_CONNECTIONS: usize = 4;

/// The way out: clones share look-ups, connections and settings.
#[derive(Clone)]
pub struct Courier {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    dns: Dns,
    tls: Arc<ClientConfig>,
    pool: Pool,
}

/// How mail leaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Our name for EHLO: a host name in ASCII.
    pub hello_name: String,
    /// What is this server itself, or no destination at all.
    pub own: Ownership,
    /// Whom to ask.
    pub dns: DnsServers,
    /// The port of MX hosts: 25 everywhere but in the demo's world.
    pub port: u16,
    /// Static routes by domain, which only the operator can configure and which may lie anywhere.
    pub routes: HashMap<String, Route>,
}

/// Where mail for one domain goes without asking the DNS for MX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// A host name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Courier {
    /// A courier with these settings. Fails when the machine's DNS configuration can't be read.
    pub fn new(settings: Settings) -> Result<Self, String> {
        let dns = Dns::new(&settings.dns)?;
        Ok(Self {
            inner: Arc::new(Inner { settings, dns, tls: verify::client_config(), pool: Pool::default() }),
        })
    }

    /// Closes the connections that wait for another mail.
    pub async fn close_idle(&self) {
        self.inner.pool.close_all().await;
    }

    /// What is known of a next hop, and the port of its hosts.
    pub(crate) async fn facts(&self, next_hop: &str) -> (Facts, u16) {
        match self.inner.settings.routes.get(next_hop) {
            Some(route) => (self.routed(next_hop, route).await, route.port),
            None => {
                (gather(&self.inner.dns, &self.inner.settings.own, next_hop).await, self.inner.settings.port)
            }
        }
    }

    async fn routed(&self, next_hop: &str, route: &Route) -> Facts {
        let addresses = match route.host.parse() {
            Ok(address) => Addresses::Found(vec![address]),
            Err(_) => match self.inner.dns.addresses(&route.host).await {
                Answer::Found(found) => Addresses::Found(found),
                Answer::NoData | Answer::NxDomain => Addresses::NoAddress,
                Answer::Failed(detail) => Addresses::Failed { detail },
            },
        };
        let host = MxHost { name: route.host.clone(), preference: 0, addresses, is_self: false };
        Facts { next_hop: next_hop.to_owned(), mx: MxAnswer::Hosts(vec![host]) }
    }

    /// A connection to this address that the judge has cleared for the requirement: one that waits, or a new one.
    pub(crate) async fn cleared(
        &self,
        planned: &PlannedHost,
        address: SocketAddr,
        reuse: Reuse,
    ) -> Result<Cleared, HostFailure> {
        if reuse == Reuse::Allowed
            && let Some(connection) = self.inner.pool.take(&planned.name, address, planned.requirement)
            && let Verdict::Proceed(clearance) =
                judge(planned, &seen(&connection.host, &connection.starttls, 1))
        {
            return Ok(Cleared { connection, clearance, reused: true });
        }
        self.fresh(planned, address).await
    }

    async fn fresh(&self, planned: &PlannedHost, address: SocketAddr) -> Result<Cleared, HostFailure> {
        let host = HostAddress { name: planned.name.clone(), address: address.ip() };
        let mut wish = TlsWish::IfOffered;
        for connections in 1..=MAX_CONNECTIONS {
            let target = Target {
                host: host.clone(),
                port: address.port(),
                hello_name: &self.inner.settings.hello_name,
                tls: &self.inner.tls,
                wish,
            };
            let (connection, starttls) = match Connection::open(target).await {
                Ok(connection) => {
                    let starttls = connection.starttls.clone();
                    (Some(connection), starttls)
                }
                Err(NotOpened::NoTls(starttls)) => (None, starttls),
                Err(NotOpened::Away(cause)) => return Err(HostFailure { cause, weight: Weight::Away }),
            };
            let count = u8::try_from(connections).unwrap_or(u8::MAX);
            match (judge(planned, &seen(&host, &starttls, count)), connection) {
                (Verdict::Proceed(clearance), Some(connection)) => {
                    return Ok(Cleared { connection, clearance, reused: false });
                }
                (Verdict::NextHost(failure), connection) => {
                    if let Some(connection) = connection {
                        connection.quit().await;
                    }
                    return Err(failure);
                }
                (Verdict::RetryInClear, _) if planned.requirement == Requirement::Opportunistic => {
                    wish = TlsWish::Never;
                }
                (Verdict::Again | Verdict::RetryInClear | Verdict::Proceed(_), _) => {}
            }
        }
        let detail = format!("no verdict on {host} after {MAX_CONNECTIONS} connections");
        Err(HostFailure { cause: Cause::OwnFault { detail }, weight: Weight::Away })
    }

    /// Keeps a connection that can carry another mail.
    pub(crate) async fn keep(&self, address: SocketAddr, connection: Connection) {
        self.inner.pool.put(address, connection).await;
    }
}

fn seen(host: &HostAddress, starttls: &Starttls, connections: u8) -> Handshake {
    Handshake { host: host.clone(), starttls: starttls.clone(), seen: connections }
}

/// Whether a connection that waits may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    Allowed,
    /// One has just turned out to be stale.
    Never,
}

/// A connection that may carry the mail.
pub(crate) struct Cleared {
    pub(crate) connection: Connection,
    pub(crate) clearance: Clearance,
    pub(crate) reused: bool,
}
