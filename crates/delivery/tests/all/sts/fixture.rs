//! A world in which `odd.example` has a policy, a courier, and what it keeps.

use std::{
    cell::RefCell,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use delivery::{
    Courier, DnsServers, Dnssec, KeptPolicy, MemoryPolicies, Ownership, Patience, PolicyStore, Settings,
};
use guarantee::{Age, Sts, StsMode, StsPolicy, StsProblem};
use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use small_internet::{Behaviour, Domain, Policy, World, WorldConfig};
use tempfile::TempDir;

pub(crate) const DAY: u32 = 24 * 60 * 60;

pub(crate) struct Fixture {
    pub(crate) world: World,
    pub(crate) store: Arc<MemoryPolicies>,
    pub(crate) courier: Courier,
    _data: TempDir,
}

impl Fixture {
    /// The one host of `odd.example` has a trusted certificate.
    pub(crate) async fn new(policy: Policy) -> Self {
        Self::with([Domain::new("odd.example", Behaviour::verified()).policy(policy)]).await
    }

    pub(crate) async fn with(extra: impl IntoIterator<Item = Domain>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let extra = extra.into_iter().collect();
        let world = World::start(WorldConfig { extra, ..WorldConfig::new(data.path()) }).await.unwrap();
        let store = Arc::new(MemoryPolicies::default());
        let courier = courier(&world, &store, |_| ());
        Self { world, store, courier, _data: data }
    }

    /// A courier that knows nothing but what is kept.
    pub(crate) fn restarted(&self) -> Courier {
        self.changed(|_| ())
    }

    pub(crate) fn changed(&self, change: impl FnOnce(&mut Settings)) -> Courier {
        courier(&self.world, &self.store, change)
    }

    /// What is in force for `odd.example`, in words.
    pub(crate) async fn told(&self, age: Age) -> String {
        told(&self.courier, "odd.example", age).await
    }

    pub(crate) fn requests(&self) -> usize {
        self.world.policy_requests("odd.example")
    }

    pub(crate) async fn set(&self, policy: Policy) {
        self.world.set_policy("odd.example", policy).await.unwrap();
    }

    /// Keeps a policy of `odd.example` for `mx.kept.example`, fetched under the `id` 1 so many seconds ago.
    pub(crate) async fn keep(&self, mode: StsMode, max_age: u32, seconds_ago: u32) {
        self.keep_for("odd.example", mode, max_age, seconds_ago).await;
    }

    /// The same for another domain.
    pub(crate) async fn keep_for(&self, domain: &str, mode: StsMode, max_age: u32, seconds_ago: u32) {
        let policy = StsPolicy {
            domain: domain.to_owned(),
            id: "1".to_owned(),
            mode,
            mx: vec!["mx.kept.example".to_owned()],
            max_age,
            age: Age::Fresh,
        };
        let fetched_at = Timestamp::now() - SignedDuration::from_secs(seconds_ago.into());
        self.store.keep(&KeptPolicy { policy, fetched_at }).await.unwrap();
    }

    pub(crate) async fn kept(&self) -> Option<KeptPolicy> {
        self.store.load("odd.example").await.unwrap()
    }
}

fn courier(world: &World, store: &Arc<MemoryPolicies>, change: impl FnOnce(&mut Settings)) -> Courier {
    let mut settings = Settings {
        hello_name: "home.example".to_owned(),
        own: Ownership { loopback_is_the_world: true, ..Ownership::default() },
        dns: DnsServers::At(vec![world.dns_addr()]),
        dnssec: Dnssec::Validate { anchor: world.trust_anchor().to_owned() },
        port: world.smtp_port(),
        https_port: world.https_port(),
        roots: vec![CertificateDer::from_pem_slice(world.ca_pem().as_bytes()).unwrap()],
        policies: Arc::clone(store) as Arc<dyn PolicyStore>,
        routes: std::collections::HashMap::new(),
    };
    change(&mut settings);
    let patience = Patience { single: Duration::from_secs(2), ..Patience::default() };
    Courier::with_patience(settings, patience).unwrap()
}

/// What is in force, in words.
pub(crate) async fn told(courier: &Courier, domain: &str, age: Age) -> String {
    match courier.facts(domain, age).await.0.sts {
        Sts::None => "none".to_owned(),
        Sts::Unknown => "unknown".to_owned(),
        Sts::Unavailable { problem, detail } => {
            let problem = match problem {
                StsProblem::FetchError => "unfetched",
                StsProblem::Invalid => "invalid",
                StsProblem::WebPki => "untrusted",
            };
            format!("{problem}: {detail}")
        }
        Sts::Policy(StsPolicy { id, mode, mx, age, domain: of, .. })
        | Sts::Kept { policy: StsPolicy { id, mode, mx, age, domain: of, .. }, .. } => {
            let age = if age == Age::Fresh { "fresh" } else { "cached" };
            let of = if of == domain { String::new() } else { format!(" of {of}") };
            format!("{age} {id}{of}: {} {}", mode.as_str(), mx.join(" "))
        }
    }
}

thread_local! {
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Warnings on this thread, where a test runs with all that it awaits.
struct Log;

impl io::Write for Log {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.extend_from_slice(octets));
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on warnings are written down.
pub(crate) fn write_log() {
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_ansi(false);
    // One for all tests of the process: one for each would miss what another's thread came by first.
    let _there_already = log.with_writer(|| Log).try_init();
}

/// What was logged of MTA-STS since.
pub(crate) fn logged() -> Vec<String> {
    let text = LOGGED.with_borrow(|logged| String::from_utf8(logged.clone()).unwrap());
    text.lines().filter(|line| line.contains("MTA-STS")).map(str::to_owned).collect()
}

/// Where the policy host of `odd.example` is, for one that the test itself brings; nothing listens there with
/// [`Policy::absent`].
pub(crate) fn policy_host(world: &World) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(world.addresses("mta-sts.odd.example")[0]), world.https_port())
}
