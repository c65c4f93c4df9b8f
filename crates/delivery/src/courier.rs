//! Finds the hosts of a next hop and gets connections to them.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use guarantee::{
    Addresses, Age, Cause, Clearance, Facts, Handshake, HostAddress, HostFailure, Identity, LookupFailure,
    LookupFailureKind, MxAnswer, MxHost, PlannedHost, Proof, Starttls, Sts, Tlsa, Verdict, Weight, judge,
};
use jiff::Timestamp;
use rustls::ClientConfig;
use rustls_pki_types::CertificateDer;
use smtp::client::TlsWish;
use tokio::time::{Instant, timeout_at};

use crate::{
    connection::{Connection, NotOpened, Shown, Target},
    dial::{Dial, Tcp},
    dns::{self, Answer, Dns, DnsServers, Dnssec},
    gather::{Gathering, Ownership},
    https::Https,
    identity::Identifier,
    log::Log,
    patience::{Patience, Remaining},
    pool::{self, Pool},
    sessions::Sessions,
    silent::Silent,
    sts::{self, Policies, PolicyStore},
    verify::plain,
};

/// Connections to one address for one mail: TLS twice, to be certain, and once in clear.
const MAX_CONNECTIONS: u8 = 4;

/// The way out: clones share look-ups, connections and settings.
#[derive(Clone)]
pub struct Courier {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    dns: Dns,
    sts: Policies,
    https: Https,
    sessions: Sessions,
    identifier: Identifier,
    pool: Pool,
    silent: Silent,
    patience: Patience,
    dial: Arc<dyn Dial>,
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
    /// How their answers are proven.
    pub dnssec: Dnssec,
    /// The port of MX hosts: 25 everywhere but in the demo's world.
    pub port: u16,
    /// The port of MTA-STS policy hosts: 443 everywhere but in the demo's world.
    pub https_port: u16,
    /// Certification authorities that are trusted besides the well-known ones.
    pub roots: Vec<CertificateDer<'static>>,
    /// Where MTA-STS policies are kept.
    pub policies: Arc<dyn PolicyStore>,
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
        Self::with_patience(settings, Patience::default())
    }

    /// The same with other limits, for tests, which can't wait for minutes.
    #[doc(hidden)]
    pub fn with_patience(settings: Settings, patience: Patience) -> Result<Self, String> {
        Self::dialing(settings, patience, Arc::new(Tcp))
    }

    /// The same over other streams than TCP, for tests in memory.
    #[doc(hidden)]
    pub fn dialing(settings: Settings, patience: Patience, dial: Arc<dyn Dial>) -> Result<Self, String> {
        let dns = Dns::new(&settings.dns, &settings.dnssec, patience.cap(dns::TIMEOUT))?;
        let sts = Policies::new(sts::Sources {
            store: Arc::clone(&settings.policies),
            dns: dns.clone(),
            own: &settings.own,
            port: settings.https_port,
            roots: &settings.roots,
            timeout: patience.cap(sts::TIMEOUT),
        })?;
        let https = Https::new(dns.clone(), settings.own.clone(), &settings.roots)?;
        let inner = Inner {
            dns,
            sts,
            https,
            sessions: Sessions::new(),
            identifier: Identifier::new(&settings.roots)?,
            settings,
            pool: Pool::new(patience.cap(pool::IDLE)),
            silent: Silent::default(),
            patience,
            dial,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// HTTPS other than for policies.
    pub(crate) fn https(&self) -> &Https {
        &self.inner.https
    }

    /// Closes the connections that wait for another mail.
    pub async fn close_idle(&self) {
        self.inner.pool.close_all().await;
    }

    /// Whether signatures in the DNS can be checked at all. The error says why not, and the remedy.
    pub async fn check_dnssec(&self) -> Result<(), String> {
        self.inner.dns.check().await
    }

    /// The TXT records by which a domain asks for reports on its transport security (RFC 8460 §3); none if they can't be had.
    pub async fn report_records(&self, domain: &str) -> Vec<String> {
        match self.inner.dns.txt(&format!("_smtp._tls.{domain}"), Age::Cached).await {
            Answer::Found(found) => found.records,
            Answer::NoData(_) | Answer::NxDomain(_) | Answer::Failed(_) => Vec::new(),
        }
    }

    /// What is published about a next hop, looked up past the caches if it is to be fresh; and the port of its hosts.
    #[doc(hidden)]
    pub async fn facts(&self, next_hop: &str, age: Age) -> (Facts, u16) {
        let Settings { own, port, routes, .. } = &self.inner.settings;
        let gathering = |port| Gathering { dns: &self.inner.dns, own, port, age };
        let route = routes.get(next_hop);
        let hosts = async {
            match route {
                Some(route) => (self.routed(gathering(route.port), next_hop, route).await, route.port),
                None => (gathering(*port).gather(next_hop).await, *port),
            }
        };
        // RFC 8461 §3.4: through a smart host, its policy counts.
        let policy_domain = route.map_or(next_hop, |route| &route.host);
        let policy = self.inner.sts.discover(policy_domain, age, Timestamp::now());
        let ((mut facts, port), policy) = tokio::join!(hosts, policy);
        match policy {
            Ok(sts) => facts.sts = sts,
            // Which policy binds is kept, and can't be read: nothing is sent on a guess.
            Err(detail) => {
                let detail = format!("the kept MTA-STS policies can't be read: {detail}");
                let kind = LookupFailureKind::OwnFault;
                facts.mx = MxAnswer::Failed(LookupFailure { kind, detail });
            }
        }
        (facts, port)
    }

    /// Fetches the kept MTA-STS policies anew that are old at `now`; to be called every hour (RFC 8461 §3.3, §10.2). What
    /// fails is told in the log and leaves the policy in force.
    pub async fn refresh_policies(&self, now: Timestamp) {
        self.inner.sts.refresh(now).await;
    }

    async fn routed(&self, gathering: Gathering<'_>, next_hop: &str, route: &Route) -> Facts {
        let (addresses, tlsa) = match route.host.parse() {
            Ok(address) => (Addresses::Found(vec![address]), Tlsa::None),
            Err(_) => {
                let answer = self.inner.dns.addresses(&route.host, gathering.age).await;
                let tlsa = gathering.tlsa(&route.host, &answer).await;
                let addresses = match answer {
                    Answer::Found(found) => Addresses::Found(found.records),
                    Answer::NoData(_) | Answer::NxDomain(_) => Addresses::NoAddress,
                    Answer::Failed(failure) => Addresses::Failed(failure),
                };
                (addresses, tlsa)
            }
        };
        let hosts = vec![MxHost { name: route.host.clone(), preference: 0, addresses, is_self: false, tlsa }];
        // The operator says so.
        let mx = MxAnswer::Hosts { proof: Proof::Secure, expanded: None, hosts };
        Facts { next_hop: next_hop.to_owned(), mx, sts: Sts::None }
    }

    /// The addresses of a host in the order to try them: those that were silent lately come last.
    pub(crate) fn in_order(&self, host: &PlannedHost, port: u16) -> Vec<SocketAddr> {
        let mut addresses: Vec<SocketAddr> =
            host.addresses.iter().map(|address| SocketAddr::new(*address, port)).collect();
        let now = Instant::now();
        addresses.sort_by_key(|address| self.inner.silent.contains(*address, now));
        addresses
    }

    /// The patience for an attempt that begins now.
    pub(crate) fn patience(&self) -> Remaining {
        Remaining::new(self.inner.patience)
    }

    /// A connection to this address that the judge has cleared for the requirement: one that waits, or a new one.
    pub(crate) async fn cleared(
        &self,
        planned: &PlannedHost,
        address: SocketAddr,
        reuse: Reuse,
        remaining: Remaining,
        log: &mut Log<'_>,
    ) -> Result<Cleared, HostFailure> {
        if reuse == Reuse::Allowed
            && let Some(mut connection) = self.inner.pool.take(&planned.sni, address)
        {
            // It may have been opened for another domain's mail, which knows the host by another name.
            connection.host.name.clone_from(&planned.name);
            // What is asked may have changed since, and so may what the time makes of the certificates.
            let seen = self.seen(planned, &connection, 1);
            let verdict = judge(planned, &seen);
            log.judged(planned, &seen, &verdict);
            if let Verdict::Proceed(clearance) = verdict {
                return Ok(Cleared { connection, clearance, reused: true });
            }
            connection.leave().await;
        }
        if reuse == Reuse::Allowed
            && let Some(resumed) = self.resumed(planned, address, remaining, log).await
        {
            return resumed;
        }
        self.fresh(planned, address, remaining, log).await
    }

    /// A connection that takes up a session; `None` if there is none, or anything is not as it was when it began.
    /// Then only a connection without it says what the host shows.
    async fn resumed(
        &self,
        planned: &PlannedHost,
        address: SocketAddr,
        remaining: Remaining,
        log: &mut Log<'_>,
    ) -> Option<Result<Cleared, HostFailure>> {
        let session = self.inner.sessions.of(planned, address)?;
        match self.open(planned, address, TlsWish::IfOffered, &session.tls, remaining).await {
            Err(NotOpened::NoTls(_)) => {}
            Err(NotOpened::Away(cause)) => return Some(Err(HostFailure { cause, weight: Weight::Away })),
            Ok(connection) => {
                let seen = self.seen(planned, &connection, 1);
                let as_before = identity(&seen.starttls) == Some(&session.identity);
                let verdict = judge(planned, &seen);
                match verdict {
                    Verdict::Proceed(ref clearance) if as_before => {
                        log.judged(planned, &seen, &verdict);
                        let clearance = clearance.clone();
                        return Some(Ok(Cleared { connection, clearance, reused: false }));
                    }
                    _ => connection.leave().await,
                }
            }
        }
        self.inner.sessions.forget(planned, address);
        None
    }

    async fn fresh(
        &self,
        planned: &PlannedHost,
        address: SocketAddr,
        remaining: Remaining,
        log: &mut Log<'_>,
    ) -> Result<Cleared, HostFailure> {
        let host = HostAddress { name: planned.name.clone(), address: address.ip() };
        let mut wish = TlsWish::IfOffered;
        for connections in 1..=MAX_CONNECTIONS {
            let tls = self.inner.sessions.none();
            let (connection, seen) = match self.open(planned, address, wish, &tls, remaining).await {
                Ok(connection) => {
                    let seen = self.seen(planned, &connection, connections);
                    (Some(connection), seen)
                }
                Err(NotOpened::NoTls(starttls)) => {
                    (None, Handshake { host: host.clone(), starttls, seen: connections })
                }
                Err(NotOpened::Away(cause)) => return Err(HostFailure { cause, weight: Weight::Away }),
            };
            let verdict = judge(planned, &seen);
            log.judged(planned, &seen, &verdict);
            match (verdict, connection) {
                (Verdict::Proceed(clearance), Some(connection)) => {
                    if let Some(identity) = identity(&seen.starttls) {
                        self.inner.sessions.keep(planned, address, identity.clone(), tls);
                    }
                    return Ok(Cleared { connection, clearance, reused: false });
                }
                (Verdict::NextHost(failure), connection) => {
                    if let Some(connection) = connection {
                        connection.leave().await;
                    }
                    return Err(failure);
                }
                // Cleared for clear text, but what came of STARTTLS has ended the connection.
                (Verdict::RetryInClear | Verdict::Proceed(_), None) if !planned.forbids_clear() => {
                    wish = TlsWish::Never;
                }
                (Verdict::Again | Verdict::RetryInClear | Verdict::Proceed(_), _) => {}
            }
        }
        let detail = format!("no verdict on {host} after {MAX_CONNECTIONS} connections");
        Err(HostFailure { cause: Cause::OwnFault { detail }, weight: Weight::Away })
    }

    async fn open(
        &self,
        planned: &PlannedHost,
        address: SocketAddr,
        wish: TlsWish,
        tls: &Arc<ClientConfig>,
        remaining: Remaining,
    ) -> Result<Connection, NotOpened> {
        let Inner { settings, silent, dial, .. } = &*self.inner;
        let host = HostAddress { name: planned.name.clone(), address: address.ip() };
        let sni = planned.sni.clone();
        let until = remaining.connect(silent.contains(address, Instant::now()));
        let detail = match timeout_at(until, dial.dial(address)).await {
            Ok(Ok(stream)) => {
                silent.remove(address);
                let target = Target { host, sni, hello_name: &settings.hello_name, tls, wish, remaining };
                return Connection::open(stream, target).await;
            }
            Ok(Err(error)) => {
                silent.remove(address);
                plain(&error)
            }
            Err(_elapsed) => {
                silent.add(address, Instant::now());
                "timed out".to_owned()
            }
        };
        Err(NotOpened::Away(Cause::Unreachable { host, detail }))
    }

    /// What a greeted connection shows, by what the plan asks, now.
    fn seen(&self, planned: &PlannedHost, connection: &Connection, connections: u8) -> Handshake {
        let starttls = match &connection.shown {
            Shown::InClear(starttls) => starttls.clone(),
            Shown::Tls(secured) => Starttls::Established {
                tls: secured.tls.clone(),
                identity: self.inner.identifier.identify(planned, &secured.chain, Timestamp::now()),
                requiretls: connection.requiretls(),
            },
        };
        Handshake { host: connection.host.clone(), starttls, seen: connections }
    }

    /// Keeps a connection that can carry another mail. One without TLS is not kept, since TLS is to be tried before
    /// every mail (P1); on a kept one, what its host once showed would hold for as long as mail goes on coming.
    pub(crate) async fn keep(&self, planned: &PlannedHost, address: SocketAddr, connection: Connection) {
        if connection.tls().is_some() {
            self.inner.pool.put(&planned.sni, address, connection).await;
        } else {
            connection.leave().await;
        }
    }
}

/// Who a host has proven to be, if TLS is up.
fn identity(starttls: &Starttls) -> Option<&Identity> {
    match starttls {
        Starttls::Established { identity, .. } => Some(identity),
        Starttls::NotOffered | Starttls::NotTried | Starttls::Refused { .. } | Starttls::Failed { .. } => {
            None
        }
    }
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
