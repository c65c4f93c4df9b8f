//! The world as a whole: started, asked, changed, stopped.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use hickory_server::proto::rr::rdata::TLSA;
use tokio::sync::{broadcast, watch};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use crate::{
    block::{self, Coordinates, Files, Sockets},
    ca::{self, Ca},
    conduct::Conduct,
    deliveries::{Deliveries, Delivery, Transaction},
    dns::{self, Content, Dns, DnsFault, Keys},
    domain::{Domain, Signing, table},
    host::Behaviour,
    https,
    listener::{Listener, Service, Tasks},
    log::{Command, Event, Log},
    plan::{self, Plan},
    policy::{self, Policy},
    smtp::{Place, Records},
    tlsa::{Tlsa, TlsaPorts, TlsaSet},
};

/// How a world is made.
#[derive(Clone, Debug)]
pub struct WorldConfig {
    /// Where the CA, the certificates, the zones' keys, the coordinates and the deliveries are kept; made if absent. A world started
    /// again with the same directory goes on where it was.
    pub data: PathBuf,
    /// Where the server under test takes mail for `home.example`. May be given later, with [`World::set_home`].
    pub home: Option<SocketAddr>,
    /// Domains besides those of the contract's [`table`]; one with the same name takes the other's place.
    pub extra: Vec<Domain>,
}

impl WorldConfig {
    /// The contract's domains, kept in `data`.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self { data: data.into(), home: None, extra: Vec::new() }
    }
}

/// A small internet of its own on loopback addresses: real DNS, SMTP, TLS and HTTPS. Dropped, it stops; [`World::shutdown`] also waits for that.
pub struct World {
    coordinates: Coordinates,
    ca: Ca,
    records: Arc<Records>,
    dns: Arc<Dns>,
    trust_anchor: String,
    home: watch::Sender<Option<SocketAddr>>,
    listeners: Vec<Listener>,
    tracker: TaskTracker,
    stop: CancellationToken,
    /// Tells the tasks to stop when the world is dropped.
    _guard: DropGuard,
    /// Locked as long as the world lives.
    _lock: File,
}

impl World {
    /// Starts a world. When this returns, every host answers.
    ///
    /// # Errors
    /// When the data directory cannot be used or is another running world's, when what it holds is damaged, when
    /// the domains contradict each other, or when loopback addresses cannot be bound.
    pub async fn start(config: WorldConfig) -> Result<Self> {
        let plan = Plan::new(table().into_iter().chain(config.extra))?;
        let data = &make_directory(&config.data)?;
        let own = make_directory(&data.join("small-internet"))?;
        let lock = lock(&own)?;
        let ca = Ca::open(&own)?;
        let before = if Coordinates::path(data).exists() { Some(Coordinates::load(data)?) } else { None };
        let records = Arc::new(Records { deliveries: Arc::new(Deliveries::open(data)?), log: Log::new() });
        let files = Files { ca: Ca::path(&own), trust_anchor: own.join("trust-anchor.dnskey") };
        let sockets = block::bind(&plan, &files, before).await?;
        let coordinates = sockets.coordinates.clone();

        let stop = CancellationToken::new();
        let tasks = Tasks { tracker: TaskTracker::new(), stop: stop.clone(), records: Arc::clone(&records) };
        let guard = stop.clone().drop_guard();
        let home = watch::Sender::new(config.home);
        let Sockets { dns: dns_sockets, hosts, .. } = sockets;
        let listeners = listen(&plan, &ca, hosts, &home, &tasks).await?;
        let hosts = Hosts { ca: &ca, listeners: &listeners, smtp_port: coordinates.smtp_port };
        let tlsa = hosts.tlsa(&plan)?;
        let content = Content { plan, tlsa };
        let dns = Arc::new(Dns::new(content, coordinates.hosts.clone(), coordinates.dns, Keys::open(&own)?)?);
        let trust_anchor = dns.trust_anchor()?;
        ca::write(&coordinates.trust_anchor, &trust_anchor)?;
        dns::start(Arc::clone(&dns), dns_sockets, (&tasks.tracker, stop.clone()));
        coordinates.save(data)?;
        let tracker = tasks.tracker;
        Ok(Self {
            coordinates,
            ca,
            records,
            dns,
            trust_anchor,
            home,
            listeners,
            tracker,
            stop,
            _guard: guard,
            _lock: lock,
        })
    }

    /// The DNS server, UDP and TCP. It answers for every name: the root is among its zones. It asks nobody and validates nothing.
    pub fn dns_addr(&self) -> SocketAddr {
        self.coordinates.dns
    }

    /// The port on which every MX host takes mail.
    pub fn smtp_port(&self) -> u16 {
        self.coordinates.smtp_port
    }

    /// The port on which every policy host serves its policy over HTTPS.
    pub fn https_port(&self) -> u16 {
        self.coordinates.https_port
    }

    /// The certificate of the world's CA.
    pub fn ca_pem(&self) -> &str {
        self.ca.pem()
    }

    pub(crate) fn ca(&self) -> &Ca {
        &self.ca
    }

    /// The key of the root zone, the anchor of trust: a DNSKEY record in the presentation format of zone files.
    pub fn trust_anchor(&self) -> &str {
        &self.trust_anchor
    }

    /// Where all this is found; other processes read it with [`Coordinates::load`].
    pub fn coordinates(&self) -> &Coordinates {
        &self.coordinates
    }

    /// The addresses of a host (an MX host, or a domain whose own address is one); none for a name without.
    pub fn addresses(&self, host: &str) -> &[Ipv4Addr] {
        self.coordinates.hosts.get(host).map_or(&[], Vec::as_slice)
    }

    /// What the hosts received, oldest first, earlier runs with the same data directory included.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.records.deliveries.all()
    }

    /// Waits until `look`, called with the deliveries now and after each new one, answers something. Deliveries
    /// made before the call count. Waits for ever if it never does.
    pub async fn wait_for<T>(&self, mut look: impl FnMut(&[Delivery]) -> Option<T>) -> T {
        let mut count = self.records.deliveries.count();
        loop {
            count.borrow_and_update();
            if let Some(found) = look(&self.records.deliveries.snapshot()) {
                return found;
            }
            if count.changed().await.is_err() {
                // The sender lives as long as the world.
                std::future::pending::<()>().await;
            }
        }
    }

    /// The delivery number `number` of [`World::deliveries`] (the first is 0) as it came: dots unstuffed, nothing else changed.
    ///
    /// # Errors
    /// When there is no such delivery, or its file cannot be read.
    pub fn raw(&self, number: usize) -> Result<Vec<u8>> {
        self.records.deliveries.raw(number)
    }

    /// The transaction that brought that delivery: the MAIL and RCPT commands with their parameters, SNI, cipher.
    ///
    /// # Errors
    /// When there is no such delivery, or its file cannot be read.
    pub fn transaction(&self, number: usize) -> Result<Transaction> {
        self.records.deliveries.transaction(number)
    }

    /// What happens from now on. A receiver that lags 4096 events behind loses the oldest.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.records.log.subscribe()
    }

    /// The commands (at a policy host: the requests' first lines) that came to a host since the start, oldest first; of the whole world the last 20,000 are remembered.
    pub fn commands(&self, host: &str) -> Vec<Command> {
        self.records.log.commands(host)
    }

    /// From now on, connections to `mx.home.example` are passed on to this address. Before, they get a 421.
    pub fn set_home(&self, home: SocketAddr) {
        self.home.send_replace(Some(home));
    }

    /// From the next connection on, the host at `address` does this. Its rules count anew.
    ///
    /// # Errors
    /// When there is no mail host, or the address was lost to another process meanwhile.
    pub async fn set_behaviour(&self, address: Ipv4Addr, behaviour: Behaviour) -> Result<()> {
        let at = SocketAddr::from((address, self.smtp_port()));
        let Some(listener) = self.listeners.iter().find(|listener| listener.address() == at) else {
            bail!("there is no mail host at {address}");
        };
        let conduct = Arc::new(Conduct::new(&self.ca, listener.host(), behaviour)?);
        let service = Service::Mail { place: listener.place(), conduct };
        listener.change(service).await.with_context(|| format!("cannot change the host at {address}"))
    }

    /// Makes the DNS server fail for questions of every type about exactly this name, or (`None`) answer again.
    ///
    /// # Errors
    /// When that is no domain name.
    pub fn set_dns_fault(&self, name: &str, fault: Option<DnsFault>) -> Result<()> {
        self.dns.set_fault(name, fault)
    }

    /// From now on the domain has this for MTA-STS: first its policy host does it, then the TXT record changes.
    ///
    /// # Errors
    /// When the domain had no policy host from the start ([`Policy::absent`] is one), or the address was lost to
    /// another process meanwhile.
    pub async fn set_policy(&self, domain: &str, policy: Policy) -> Result<()> {
        let host = policy::host_of(domain);
        let at =
            |listener: &&Listener| listener.host() == host && listener.address().port() == self.https_port();
        let Some(listener) = self.listeners.iter().find(at) else {
            bail!("{domain} has no policy host");
        };
        let site = Arc::new(https::Site::new(&self.ca, &host, &policy)?);
        let changed = listener.change(Service::Policy { place: listener.place(), site }).await;
        changed.with_context(|| format!("cannot change the host {host}"))?;
        self.dns.change(|content| {
            content.plan.domain_mut(domain)?.policy = Some(policy);
            Ok(())
        })
    }

    /// How many requests came to the domain's policy host since the start. Their first lines are among its [`World::commands`].
    pub fn policy_requests(&self, domain: &str) -> usize {
        self.commands(&policy::host_of(domain)).len()
    }

    /// From now on the domain's zone is signed in this way.
    ///
    /// # Errors
    /// When there is no such domain, or its zone cannot be signed.
    pub fn set_signing(&self, domain: &str, signing: Signing) -> Result<()> {
        self.dns.change(|content| {
            content.plan.domain_mut(domain)?.signing = signing;
            Ok(())
        })
    }

    /// From now on these are the host's TLSA records, wherever it had some before: at the world's SMTP port and at
    /// port 25; none: it has none.
    ///
    /// # Errors
    /// When a record cannot be made.
    pub fn set_tlsa(&self, host: &str, records: impl IntoIterator<Item = Tlsa>) -> Result<()> {
        let set = |ports, records| TlsaSet { host: host.to_owned(), ports, records };
        let new = set(TlsaPorts::Smtp, records.into_iter().collect());
        let hosts = Hosts { ca: &self.ca, listeners: &self.listeners, smtp_port: self.coordinates.smtp_port };
        self.dns.change(|content| {
            for owner in set(TlsaPorts::Wildcard, Vec::new()).owners(hosts.smtp_port) {
                content.tlsa.remove(&owner);
            }
            let records = hosts.tlsa_of(&content.plan, &new)?;
            for owner in new.owners(hosts.smtp_port) {
                content.tlsa.insert(owner, records.clone());
            }
            Ok(())
        })
    }

    /// From now on these are the texts of the domain's TXT records at this name; none: it has none.
    ///
    /// # Errors
    /// When there is no such domain, or that is no domain name.
    pub fn set_txt(&self, domain: &str, name: &str, texts: &[&str]) -> Result<()> {
        self.dns.change(|content| {
            let txt = &mut content.plan.domain_mut(domain)?.txt;
            txt.insert(name.to_owned(), texts.iter().map(|text| (*text).to_owned()).collect());
            Ok(())
        })
    }

    /// Stops everything and waits until nothing runs or listens any more. The data directory is free when the world is dropped.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tracker.close();
        for listener in &self.listeners {
            listener.stop().await;
        }
        self.tracker.wait().await;
    }
}

/// Those whose certificates TLSA records are made of.
struct Hosts<'a> {
    ca: &'a Ca,
    listeners: &'a [Listener],
    smtp_port: u16,
}

impl Hosts<'_> {
    /// All TLSA records of the plan, by name.
    fn tlsa(&self, plan: &Plan) -> Result<BTreeMap<String, Vec<TLSA>>> {
        let mut all: BTreeMap<String, Vec<TLSA>> = BTreeMap::new();
        for set in plan.domains.values().flat_map(|domain| &domain.tlsa) {
            let records = self.tlsa_of(plan, set)?;
            for owner in set.owners(self.smtp_port) {
                all.entry(owner).or_default().extend(records.iter().cloned());
            }
        }
        Ok(all)
    }

    fn tlsa_of(&self, plan: &Plan, set: &TlsaSet) -> Result<Vec<TLSA>> {
        let host = plan.canonical(&set.host);
        let presented = self.listeners.iter().find(|l| l.host() == host).and_then(Listener::certificate);
        let data = |tlsa: &Tlsa| tlsa.data(self.ca, host, presented.as_deref());
        let records: Result<_> = set.records.iter().map(data).collect();
        records.with_context(|| format!("cannot make the TLSA records of {}", set.host))
    }
}

/// Starts every host of the plan on its sockets.
async fn listen(
    plan: &Plan,
    ca: &Ca,
    sockets: block::HostSockets,
    home: &watch::Sender<Option<SocketAddr>>,
    tasks: &Tasks,
) -> Result<Vec<Listener>> {
    let mut served = plan.served();
    let mut listeners = Vec::new();
    for (host, (_, sockets)) in plan.hosts().into_iter().zip(sockets) {
        let serves = served.remove(&*host.name).unwrap_or_default();
        for (service, (address, socket)) in host.services.into_iter().zip(sockets) {
            let SocketAddr::V4(v4) = address else { bail!("{address} is no IPv4 address") };
            let place = Arc::new(Place {
                host: host.name.clone(),
                domain: host.domain.to_owned(),
                address: *v4.ip(),
                serves: serves.clone(),
            });
            let service = match service {
                plan::Service::Home => Service::Home(home.subscribe()),
                plan::Service::Policy(policy) => {
                    let site = https::Site::new(ca, &host.name, policy)?;
                    Service::Policy { place: Arc::clone(&place), site: Arc::new(site) }
                }
                plan::Service::Mail(behaviour) => {
                    let conduct = Conduct::new(ca, &host.name, behaviour.clone())?;
                    Service::Mail { place: Arc::clone(&place), conduct: Arc::new(conduct) }
                }
            };
            let started = Listener::start((address, socket), place, service, tasks.clone()).await;
            listeners.push(started.with_context(|| format!("cannot start {} at {address}", host.name))?);
        }
    }
    Ok(listeners)
}

/// Makes a directory and answers its absolute path.
fn make_directory(path: &Path) -> Result<PathBuf> {
    fs::create_dir_all(path)
        .and_then(|()| path.canonicalize())
        .with_context(|| format!("cannot use {}", path.display()))
}

fn lock(directory: &Path) -> Result<File> {
    let path = directory.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "another small internet runs with {}; stop it, or take another directory",
                directory.display()
            )
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}
