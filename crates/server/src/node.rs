//! One running server: everything wired together, from listeners to the way out.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use axum::Router;
use delivery::{Courier, Settings};
use jiff::SignedDuration;
use smtp::server::Role;
use store::{Sqlite, Store};
use tokio::{net::TcpListener, sync::Notify, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    acceptance::Acceptance,
    accounts::Accounts,
    check::Checks,
    claim::{Claim, Network},
    clock::Clock,
    config::{Listen, Place, SendersOptions, WebmailKey},
    events::Events,
    forwardings::{Forwardings, ForwardingsParts},
    http::{self, HttpState, Scheme, WebmailKeys},
    listener::{Guests, Listener},
    local::Local,
    pauses::Pauses,
    policies::Policies,
    queue::{Reporter, Reporting, Runner, RunnerParts, Watch},
    senders::Senders,
    socketmap::Socketmap,
    submission::{Certificate, Door, Shared, TlsMode, acceptor},
    tls_reports::TlsReports,
};

/// Deliveries under way may take so long to end after the shutdown began; what is cut off is tried again after a restart.
const FAREWELL: Duration = Duration::from_secs(5);

/// Kept MTA-STS policies are looked through so often (RFC 8461 §3.3: SHOULD daily).
const REFRESH_EVERY: Duration = Duration::from_hours(1);

/// What a node is made of.
pub struct NodeConfig {
    /// What is at home here.
    pub local: Local,
    /// Where the database lies.
    pub data: PathBuf,
    /// Where to listen.
    pub listen: Listen,
    /// Who may use the doors for this machine.
    pub guests: LocalGuests,
    /// By which of its transports another mail server hands in, for `listen.socketmap` to say.
    pub relay_transport: Option<String>,
    /// The server's certificate.
    pub certificate: Certificate,
    /// How mail leaves.
    pub settings: Settings,
    /// What signs users' mail.
    pub signer: Option<Arc<tlsrpt::Signer>>,
    /// Who reports to receiving domains, and what signs the reports, if that is wanted.
    pub tls_reporter: Option<(tlsrpt::Reporter, Arc<tlsrpt::Signer>)>,
    /// Dovecot's authentication service, if the accounts are Dovecot's.
    pub dovecot: Option<Place>,
    /// Under which further addresses users may send.
    pub senders: Option<SendersOptions>,
    /// What the webmail's plugin signs its tokens with.
    pub webmail: Vec<WebmailKey>,
    /// How users reach the page.
    pub scheme: Scheme,
    /// How long finished messages, stops and evidence are kept.
    pub keep: SignedDuration,
}

/// Who may use which door for this machine.
pub struct LocalGuests {
    /// The mail store's entry.
    pub store: Guests,
    /// The doors of another mail server: where it hands in, and where it asks.
    pub relay: Guests,
}

/// A node with its listeners bound and its database open, not yet at work.
pub struct Node {
    listeners: Listeners,
    guests: LocalGuests,
    relay_transport: Option<String>,
    shared: Shared,
    store: Arc<dyn Store>,
    sqlite: Arc<Sqlite>,
    courier: Courier,
    runner: Runner,
    forwardings: Forwardings,
    tls_reports: Option<TlsReports>,
    router: Router,
    shutdown: CancellationToken,
    _claim: Claim,
}

/// The file of the database in a data directory.
pub fn database(data: &Path) -> PathBuf {
    data.join("tls-guarantee.db")
}

#[derive(Default)]
struct Listeners {
    http: Option<TcpListener>,
    submission: Option<Listener>,
    submissions: Option<Listener>,
    mx: Option<Listener>,
    store: Option<Listener>,
    relay: Option<Listener>,
    socketmap: Option<Listener>,
}

impl Listeners {
    async fn bind(listen: &Listen) -> anyhow::Result<Self> {
        Ok(Self {
            http: bind_http(listen.http).await?,
            submission: bind("submission", tcp(listen.submission).as_ref()).await?,
            submissions: bind("submissions", tcp(listen.submissions).as_ref()).await?,
            mx: bind("mx", tcp(listen.mx).as_ref()).await?,
            store: bind("store", listen.store.as_ref()).await?,
            relay: bind("relay", listen.relay.as_ref()).await?,
            socketmap: bind("socketmap", listen.socketmap.as_ref()).await?,
        })
    }
}

fn tcp(address: Option<SocketAddr>) -> Option<Place> {
    address.map(Place::Tcp)
}

async fn bind(name: &str, place: Option<&Place>) -> anyhow::Result<Option<Listener>> {
    match place {
        None => Ok(None),
        Some(place) => Listener::bind(name, place).await.map(Some),
    }
}

async fn bind_http(address: Option<SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    match bind("http", tcp(address).as_ref()).await? {
        Some(Listener::Tcp(listener)) => Ok(Some(listener)),
        Some(Listener::Unix(..)) | None => Ok(None),
    }
}

/// The addresses a node listens at.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// The page and the API.
    pub http: Option<SocketAddr>,
    /// Submission with STARTTLS.
    pub submission: Option<SocketAddr>,
    /// Submission with implicit TLS.
    pub submissions: Option<SocketAddr>,
    /// Incoming mail.
    pub mx: Option<SocketAddr>,
    /// The mail store's entry.
    pub store: Option<Place>,
    /// Where another mail server hands in.
    pub relay: Option<Place>,
    /// Where that one asks whose mail to hand in.
    pub socketmap: Option<Place>,
}

impl Node {
    /// Opens the database and binds the listeners.
    pub async fn open(config: NodeConfig) -> anyhow::Result<Self> {
        let mut claim = Claim::take(&config.data)?;
        let listeners = Listeners::bind(&config.listen).await?;
        let sqlite = Arc::new(open_database(&config.data)?);
        let store: Arc<dyn Store> = Arc::<Sqlite>::clone(&sqlite);
        claim.settle(network(&config.settings), &*store).await?;
        let (local, events, wake) = (Arc::new(config.local), Events::new(), Arc::new(Notify::new()));
        let shutdown = CancellationToken::new();
        let courier = courier(config.settings, &store)?;
        let accounts = accounts(&store, config.dovecot);
        let common = Common { store: Arc::clone(&store), local, events: events.clone(), wake };
        let senders = Senders::new(Arc::clone(&store), config.senders.as_ref());
        let acceptance = common.acceptance().signing(config.signer).letting(senders);
        let watch = common.watch(config.tls_reporter.is_some());
        let checks =
            Checks::new(courier.clone(), Arc::clone(&common.local), Arc::clone(&store), watch.clone());
        let pauses = common.pauses().await?;
        let router = http::router(HttpState {
            store: Arc::clone(&store),
            accounts: accounts.clone(),
            acceptance: acceptance.clone(),
            events: events.clone(),
            checker: Arc::new(checks.clone()),
            pauses,
            webmail: Arc::new(WebmailKeys::new(&config.webmail)),
            server_name: common.local.server_name.clone(),
            clock: Clock::system(),
            scheme: config.scheme,
            shutdown: shutdown.clone(),
        });
        let forwardings = common.forwardings(&checks, acceptance.senders());
        let parts = RunnerParts {
            store: Arc::clone(&store),
            courier: courier.clone(),
            reporter: common.reporter(),
            watch,
            forwardings: forwardings.clone(),
            checks,
            events,
            local: common.local,
            wake: common.wake,
            keep: config.keep,
        };
        let tls = acceptor(config.certificate)?;
        Ok(Self {
            listeners,
            guests: config.guests,
            relay_transport: config.relay_transport,
            tls_reports: config.tls_reporter.map(|reporting| TlsReports::beside(&parts, reporting)),
            shared: Shared::new(acceptance, accounts, Arc::clone(&store), tls, shutdown.clone()),
            store,
            sqlite,
            courier,
            runner: Runner::new(parts),
            forwardings,
            router,
            shutdown,
            _claim: claim,
        })
    }

    /// Where the node listens.
    pub fn addresses(&self) -> Addresses {
        let place = |listener: &Option<Listener>| listener.as_ref().and_then(Listener::place);
        let at = |listener: &Option<Listener>| match place(listener) {
            Some(Place::Tcp(address)) => Some(address),
            Some(Place::Unix(_)) | None => None,
        };
        Addresses {
            http: self.listeners.http.as_ref().and_then(|one| one.local_addr().ok()),
            submission: at(&self.listeners.submission),
            submissions: at(&self.listeners.submissions),
            mx: at(&self.listeners.mx),
            store: place(&self.listeners.store),
            relay: place(&self.listeners.relay),
            socketmap: place(&self.listeners.socketmap),
        }
    }

    /// The node's accounts.
    pub fn accounts(&self) -> &Accounts {
        &self.shared.accounts
    }

    /// Adds routes to the HTTP listener.
    pub fn merge(&mut self, router: Router) {
        self.router = std::mem::take(&mut self.router).merge(router);
    }

    /// Works until `stop` is cancelled, then ends in order: no new mail, what is under way, the database.
    pub async fn run(self, stop: CancellationToken) {
        let Self {
            listeners,
            guests,
            relay_transport,
            shared,
            store,
            sqlite,
            courier,
            runner,
            forwardings,
            tls_reports,
            router,
            shutdown,
            _claim,
        } = self;
        let mut tasks = JoinSet::new();
        if let Some(listener) = listeners.http {
            tasks.spawn(http::serve(listener, router, shutdown.clone()));
        }
        let public = |role, tls_mode| Door::public(shared.clone(), role, tls_mode);
        let private = |role, guests: &Guests| Door::private(shared.clone(), role, guests.clone());
        let doors = [
            (listeners.submission, public(Role::Submission, TlsMode::StartTls)),
            (listeners.submissions, public(Role::Submission, TlsMode::Implicit)),
            (listeners.mx, public(Role::Mx, TlsMode::StartTls)),
            (listeners.store, private(Role::Store, &guests.store)),
            (listeners.relay, private(Role::Relay, &guests.relay)),
        ];
        for (listener, door) in doors {
            if let Some(listener) = listener {
                tasks.spawn(door.serve(listener));
            }
        }
        if let (Some(listener), Some(transport)) = (listeners.socketmap, relay_transport) {
            let senders = shared.acceptance.senders().clone();
            let guests = guests.relay.clone();
            let table = Socketmap::new(Arc::clone(&store), senders, guests, transport, shutdown.clone());
            tasks.spawn(table.serve(listener));
        }
        tasks.spawn(runner.run(shutdown.clone()));
        tasks.spawn(forwardings.run(shutdown.clone()));
        let ending = shutdown.clone();
        tasks.spawn(async move { ending.run_until_cancelled(upkeep(courier)).await.unwrap_or(()) });
        if let Some(reports) = tls_reports {
            tasks.spawn(reports.run(shutdown.clone()));
        }
        stop.cancelled().await;
        shutdown.cancel();
        let ended = async { while tasks.join_next().await.is_some() {} };
        if timeout(FAREWELL, ended).await.is_err() {
            tracing::warn!("some deliveries were cut off; they will be tried again after a restart");
            tasks.shutdown().await;
        }
        drop((shared, store));
        sqlite.close().await;
    }
}

fn open_database(data: &Path) -> anyhow::Result<Sqlite> {
    let path = database(data);
    Sqlite::open(&path).with_context(|| path.display().to_string())
}

fn courier(settings: Settings, store: &Arc<dyn Store>) -> anyhow::Result<Courier> {
    let settings = Settings { policies: Arc::new(Policies::new(Arc::clone(store))), ..settings };
    Courier::new(settings).map_err(|error| anyhow::anyhow!("dns: {error}"))
}

/// What many rooms need.
struct Common {
    store: Arc<dyn Store>,
    local: Arc<Local>,
    events: Events,
    wake: Arc<Notify>,
}

impl Common {
    fn acceptance(&self) -> Acceptance {
        let Self { store, local, events, wake } = self;
        Acceptance::new(Arc::clone(store), events.clone(), Arc::clone(wake), Arc::clone(local))
    }

    fn watch(&self, reports: bool) -> Watch {
        let reporting = if reports { Reporting::On } else { Reporting::Off };
        Watch::new(Arc::clone(&self.store), reporting)
    }

    /// With those from before the start.
    async fn pauses(&self) -> anyhow::Result<Pauses> {
        let pauses = Pauses::new(Arc::clone(&self.store), self.events.clone(), Clock::system());
        pauses.catch_up().await?;
        Ok(pauses)
    }

    fn reporter(&self) -> Reporter {
        let Self { store, local, events, wake } = self;
        Reporter::new(Arc::clone(store), events.clone(), Arc::clone(wake), Arc::clone(local))
    }

    fn forwardings(&self, checks: &Checks, senders: &Senders) -> Forwardings {
        Forwardings::new(ForwardingsParts {
            store: Arc::clone(&self.store),
            ways: Arc::new(checks.clone()),
            senders: senders.clone(),
            local: Arc::clone(&self.local),
            events: self.events.clone(),
            wake: Arc::clone(&self.wake),
        })
    }
}

fn accounts(store: &Arc<dyn Store>, dovecot: Option<Place>) -> Accounts {
    match dovecot {
        Some(place) => Accounts::with_dovecot(Arc::clone(store), place),
        None => Accounts::new(Arc::clone(store)),
    }
}

fn network(settings: &Settings) -> Network {
    if settings.own.loopback_is_the_world { Network::SmallInternet } else { Network::Internet }
}

/// What the way out needs now and then.
async fn upkeep(courier: Courier) {
    if let Err(fault) = courier.check_dnssec().await {
        tracing::error!("DNSSEC: {fault}; until then mail waits");
    }
    loop {
        tokio::time::sleep(REFRESH_EVERY).await;
        courier.refresh_policies(jiff::Timestamp::now()).await;
    }
}

/// Is cancelled by SIGTERM or Ctrl-C, from now on: to be called before anybody is told that the server is ready, since
/// until then a signal ends the process as it is.
pub fn stopped_by_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = CancellationToken::new();
    let stopper = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stopper.cancel();
    });
    Ok(stop)
}
