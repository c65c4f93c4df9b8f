//! Attacks over TCP on a small internet, on its DNS, and on its policy hosts.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use delivery::{
    Courier, Dial, DnsServers, Dnssec, Fate, MemoryPolicies, Ownership, Patience, Settings, Stream,
};
use guarantee::{Protection, Requirement};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use small_internet::{
    Attack, Behaviour, Certificate, Channel, DnsFault, Domain, Extension, Impostor, Page, Policy,
    PolicyAnswer, Proxy, Scene, Seen, Tlsa, Witness, World, WorldConfig,
};
use tokio::{net::TcpStream, runtime::Handle, time::timeout};

use super::{
    OVER_SOCKETS,
    case::{mail, secret},
    rules::Published,
    strategy::{attack, requirement},
    tally::Tally,
};

/// So many attackers work side by side, each on domains of its own.
const LANES: u32 = 8;
/// Nothing is waited for longer.
const PATIENCE: Duration = Duration::from_millis(300);
/// No attempt takes that long.
const FOR_EVER: Duration = Duration::from_secs(60);
/// Takes mail for nobody, and hears what it is offered.
const EVIL: &str = "mx.evil.example";

/// What is tried.
#[derive(Clone, Debug)]
struct Case {
    kind: Kind,
    requirement: Requirement,
    dns: Option<Forgery>,
    policy: Option<Blocked>,
    attacks: Vec<Attack>,
}

/// A receiving domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Tls,
    Dane,
    Mismatch,
    /// Its policy is known from before.
    Sts,
}

/// Something in the place of the DNS's answers.
#[derive(Clone, Copy, Debug)]
struct Forgery {
    about: About,
    /// By [`World::set_dns_fault`]; a forged address is that of [`EVIL`].
    how: How,
}

#[derive(Clone, Copy, Debug)]
enum About {
    Domain,
    Host,
    Tlsa,
    StsRecord,
    PolicyHost,
}

#[derive(Clone, Copy, Debug)]
enum How {
    ServFail,
    Refused,
    Silence,
    NoSignatures,
    NxDomain,
    Forged,
    /// The key of the impostor that is self-signed.
    ForgedTlsa,
    Garbage,
}

/// What becomes of the policy host.
#[derive(Clone, Copy, Debug)]
enum Blocked {
    Absent,
    Silence,
    Endless,
    Redirect,
    Missing,
    /// Another serves "no policy" in its place, without a trusted certificate.
    NoneBySelfSigned,
    /// Another serves its own host, with a trusted certificate of its own.
    EvilByAnotherName,
    /// The TXT record is gone.
    NoRecord,
}

fn case() -> impl Strategy<Value = Case> {
    use About::{Domain, Host, PolicyHost, StsRecord, Tlsa};
    use Blocked::{Absent, Endless, EvilByAnotherName, Missing, NoRecord, NoneBySelfSigned, Redirect};
    use How::{Forged, ForgedTlsa, Garbage, NoSignatures, NxDomain, Refused, ServFail};
    let about = select(vec![Domain, Host, Tlsa, StsRecord, PolicyHost]);
    let how =
        select(vec![ServFail, Refused, How::Silence, NoSignatures, NxDomain, Forged, ForgedTlsa, Garbage]);
    let blocked = select(vec![
        Absent,
        Blocked::Silence,
        Endless,
        Redirect,
        Missing,
        NoneBySelfSigned,
        EvilByAnotherName,
        NoRecord,
    ]);
    (
        prop_oneof![2 => Just(Kind::Tls), 3 => Just(Kind::Dane), 2 => Just(Kind::Mismatch), 3 => Just(Kind::Sts)],
        requirement(),
        option::weighted(0.3, (about, how).prop_map(|(about, how)| Forgery { about, how })),
        option::weighted(0.3, blocked),
        prop_oneof![1 => Just(vec![Attack::default()]), 4 => vec(attack(), 1..=2)],
    )
        .prop_map(|(kind, requirement, dns, policy, attacks)| {
            let policy = policy.filter(|_| kind == Kind::Sts);
            Case { kind, requirement, dns, policy, attacks }
        })
}

#[test]
fn over_sockets_with_forged_answers_and_blocked_policy_hosts_neither() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ground = Arc::new(runtime.block_on(Ground::new()));
    let lanes: Vec<_> = (0..LANES)
        .map(|lane| {
            let (ground, handle) = (Arc::clone(&ground), runtime.handle().clone());
            thread::spawn(move || attack_in(lane, &ground, &handle))
        })
        .collect();
    let mut tally = Tally::default();
    for lane in lanes {
        tally.add(&lane.join().unwrap());
    }
    println!("over sockets: {tally}");
    assert_eq!(tally.attacks, u64::from(OVER_SOCKETS));
    tally.assert_that_much_was_tried();
}

fn attack_in(lane: u32, ground: &Ground, handle: &Handle) -> Tally {
    let config = Config {
        cases: OVER_SOCKETS / LANES,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let seed = [u8::try_from(lane).unwrap() + 1; 16];
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::XorShift, &seed));
    let tally = Mutex::new(Tally::default());
    let courier = ground.courier(PATIENCE);
    let outcome = runner.run(&case(), |case| {
        let tried = handle.block_on(ground.try_case(lane, &case, &courier))?;
        tally.lock().unwrap().add(&tried);
        Ok(())
    });
    match outcome {
        Ok(()) => tally.into_inner().unwrap(),
        Err(TestError::Fail(why, case)) => panic!("{why}\n{case:#?}"),
        Err(abort) => panic!("{abort}"),
    }
}

impl Kind {
    const ALL: [Self; 4] = [Self::Tls, Self::Dane, Self::Mismatch, Self::Sts];

    fn published(self) -> Published {
        match self {
            Self::Tls => Published::Nothing,
            Self::Dane => Published::DaneKey,
            Self::Mismatch => Published::DaneOtherKey,
            Self::Sts => Published::StsEnforce,
        }
    }

    fn certificate(self) -> Certificate {
        if self == Self::Sts { Certificate::Trusted } else { Certificate::SelfSigned }
    }

    fn domain(self, lane: u32) -> String {
        format!("{}-{lane}.example", format!("{self:?}").to_lowercase())
    }

    fn host(self, lane: u32) -> String {
        format!("mx.{}", self.domain(lane))
    }

    fn of_the_world(self, lane: u32) -> Domain {
        let behaviour = Behaviour::certified(self.certificate()).with(Extension::RequireTls);
        let domain = Domain::new(&self.domain(lane), behaviour);
        match self {
            Self::Tls => domain,
            Self::Dane => domain.signed().tlsa(&self.host(lane), [Tlsa::host()]),
            Self::Mismatch => domain.signed().tlsa(&self.host(lane), [Tlsa::mismatch()]),
            Self::Sts => domain.policy(Policy::enforce([&*self.host(lane)])),
        }
    }
}

impl Blocked {
    fn policy(self, host: &str) -> Policy {
        let policy = match self {
            Self::Absent => Policy::answering(PolicyAnswer::Absent),
            Self::Silence => Policy::answering(PolicyAnswer::Silence),
            Self::Endless => Policy::answering(PolicyAnswer::Endless),
            Self::Redirect => {
                Policy::answering(PolicyAnswer::Page(Page::redirect("https://mta-sts.evil.example/")))
            }
            Self::Missing => Policy::answering(PolicyAnswer::Page(Page::text("").status(404))),
            Self::NoneBySelfSigned => Policy::with_mode("none", []).certificate(Certificate::SelfSigned),
            Self::EvilByAnotherName => Policy::enforce([EVIL])
                .certificate(Certificate::TrustedFor("mta-sts.evil.example".to_owned())),
            Self::NoRecord => return Policy { id: None, ..Policy::enforce([host]) },
        };
        // So that it is asked for a newer one.
        policy.id("2")
    }
}

/// A world with an attacker in front of each of its hosts.
struct Ground {
    world: World,
    scenes: HashMap<String, Arc<Scene>>,
    proxies: HashMap<String, Proxy>,
    store: Arc<MemoryPolicies>,
    roots: Vec<CertificateDer<'static>>,
    evil: Ipv4Addr,
    count: AtomicUsize,
    _data: tempfile::TempDir,
}

impl Ground {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut extra = vec![Domain::new("evil.example", Behaviour::verified().with(Extension::RequireTls))];
        let all = || (0..LANES).flat_map(|lane| Kind::ALL.map(|kind| (lane, kind)));
        extra.extend(all().map(|(lane, kind)| kind.of_the_world(lane)));
        let world = World::start(WorldConfig { extra, ..WorldConfig::new(data.path()) }).await.unwrap();
        let attacker = data.path().join("attacker");
        std::fs::create_dir(&attacker).unwrap();
        let (mut proxies, mut scenes) = (HashMap::new(), HashMap::new());
        for (lane, kind) in all() {
            let host = kind.host(lane);
            let scene = Arc::new(Scene::in_world(&world, &host, &kind.certificate(), &attacker).unwrap());
            let address = SocketAddr::from((world.addresses(&host)[0], world.smtp_port()));
            proxies.insert(host.clone(), Proxy::start(Arc::clone(&scene), address).await.unwrap());
            scenes.insert(host, scene);
        }
        let roots = vec![CertificateDer::from_pem_slice(world.ca_pem().as_bytes()).unwrap()];
        let evil = world.addresses(EVIL)[0];
        let store = Arc::new(MemoryPolicies::default());
        let ground =
            Self { world, scenes, proxies, store, roots, evil, count: AtomicUsize::new(0), _data: data };
        let courier = ground.courier(Duration::MAX);
        for (lane, kind) in all() {
            ground.calm(lane, kind, &courier).await;
        }
        courier.close_idle().await;
        ground
    }

    /// Without an attack everything goes as it should; and now the policies are known.
    async fn calm(&self, lane: u32, kind: Kind, courier: &Courier) {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let mail = mail(number, &kind.domain(lane), Requirement::Encrypted);
        let fates = courier.attempt(mail).await.fates;
        let expected = match kind {
            Kind::Tls => Some(Protection::Encrypted),
            Kind::Dane => Some(Protection::Dane),
            Kind::Mismatch => None,
            Kind::Sts => Some(Protection::Authenticated),
        };
        let protection = match &fates[0] {
            Fate::Delivered { protection, .. } => Some(*protection),
            Fate::Stopped { .. } | Fate::Bounced(_) | Fate::Deferred { .. } => None,
        };
        assert_eq!(protection, expected, "{kind:?}: {fates:?}");
    }

    fn courier(&self, single: Duration) -> Courier {
        let at = |host: &String| SocketAddr::from((self.world.addresses(host)[0], self.world.smtp_port()));
        let ways = self.proxies.iter().map(|(host, proxy)| (at(host), proxy.address())).collect();
        let settings = Settings {
            hello_name: "home.example".to_owned(),
            own: Ownership { loopback_is_the_world: true, ..Ownership::default() },
            dns: DnsServers::At(vec![self.world.dns_addr()]),
            dnssec: Dnssec::Validate { anchor: self.world.trust_anchor().to_owned() },
            port: self.world.smtp_port(),
            https_port: self.world.https_port(),
            roots: self.roots.clone(),
            policies: Arc::clone(&self.store) as _,
            routes: HashMap::new(),
        };
        let patience = Patience { single, ..Patience::default() };
        Courier::dialing(settings, patience, Arc::new(ThroughTheAttackers(ways))).unwrap()
    }

    async fn try_case(&self, lane: u32, case: &Case, courier: &Courier) -> Result<Tally, TestCaseError> {
        let (domain, host) = (case.kind.domain(lane), case.kind.host(lane));
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let before = self.encrypted_commands(&host);
        let witness = Witness::default();
        self.proxies[&host].attack(&case.attacks, &witness);
        // What it has learnt is no help against what it asks now.
        let courier = match (&case.dns, &case.policy) {
            (None, None) => courier.clone(),
            _ => self.courier(PATIENCE),
        };
        let forged = case.dns.map(|forgery| self.forge(forgery, (&domain, &host)));
        if let Some(blocked) = case.policy {
            self.world.set_policy(&domain, blocked.policy(&host)).await.unwrap();
        }
        let attempted = timeout(FOR_EVER, courier.attempt(mail(number, &domain, case.requirement))).await;
        courier.close_idle().await;
        if let Some(name) = forged {
            self.world.set_dns_fault(&name, None).unwrap();
        }
        if case.policy.is_some() {
            self.world.set_policy(&domain, Policy::enforce([&*host])).await.unwrap();
        }
        let fates = attempted.map_err(|_| TestCaseError::fail("the attempt does not end"))?.fates;
        let mut seen = witness.seen();
        seen.handshakes = usize::from(self.encrypted_commands(&host) > before);
        let mut tally = Tally::of(&seen);
        tally.count(&fates[0]);
        self.check(case, number, (&host, &seen))?;
        self.check_fate(case, number, (&fates[0], &seen))?;
        Ok(tally)
    }

    /// The name that is answered wrongly from now on.
    fn forge(&self, forgery: Forgery, (domain, host): (&str, &str)) -> String {
        let name = match forgery.about {
            About::Domain => domain.to_owned(),
            About::Host => host.to_owned(),
            About::Tlsa => format!("_{}._tcp.{host}", self.world.smtp_port()),
            About::StsRecord => format!("_mta-sts.{domain}"),
            About::PolicyHost => format!("mta-sts.{domain}"),
        };
        let fault = match forgery.how {
            How::ServFail => DnsFault::ServFail,
            How::Refused => DnsFault::Refused,
            How::Silence => DnsFault::Silence,
            How::NoSignatures => DnsFault::NoSignatures,
            How::NxDomain => DnsFault::NxDomain,
            How::Forged => DnsFault::Forged(self.evil),
            How::ForgedTlsa => {
                DnsFault::ForgedTlsa(self.scenes[host].key_digest(Impostor::SelfSigned).unwrap())
            }
            How::Garbage => DnsFault::Garbage,
        };
        self.world.set_dns_fault(&name, Some(fault)).unwrap();
        name
    }

    fn encrypted_commands(&self, host: &str) -> usize {
        self.world.commands(host).iter().filter(|command| command.channel == Channel::Tls).count()
    }

    fn check(&self, case: &Case, number: usize, (host, seen): (&str, &Seen)) -> Result<(), TestCaseError> {
        let published = case.kind.published();
        let secret = secret(number);
        let knows = |octets: &[u8]| memchr::memmem::find(octets, secret.as_bytes()).is_some();
        let has = |host: &str, channel: Option<Channel>| {
            let commands = self.world.commands(host);
            let mut in_question =
                commands.iter().filter(|command| channel.is_none_or(|channel| channel == command.channel));
            in_question.any(|command| knows(command.line.as_bytes()))
        };
        if !published.lets_clear(case.requirement) {
            prop_assert!(!knows(&seen.wire), "seen in clear");
            prop_assert!(!has(host, Some(Channel::Clear)), "the host got it in clear");
            prop_assert!(!has(EVIL, Some(Channel::Clear)), "the evil host got it in clear");
        }
        prop_assert!(
            published.lets_host(case.requirement) || !has(host, None),
            "at the host that is excluded"
        );
        let to_anybody = published.lets_impostor(case.requirement, Impostor::AnotherName);
        prop_assert!(to_anybody || !has(EVIL, None), "at the evil host");
        for (impostor, octets) in &seen.impostors {
            let allowed = published.lets_impostor(case.requirement, *impostor);
            prop_assert!(allowed || !knows(octets), "at an impostor: {impostor:?}");
        }
        Ok(())
    }

    /// What is said of a delivery is true.
    fn check_fate(
        &self,
        case: &Case,
        number: usize,
        (fate, seen): (&Fate, &Seen),
    ) -> Result<(), TestCaseError> {
        let Fate::Delivered { protection, .. } = fate else { return Ok(()) };
        let asked = match case.requirement {
            Requirement::Authenticated | Requirement::RequireTls => Protection::Authenticated,
            Requirement::Encrypted => Protection::Encrypted,
            Requirement::Opportunistic | Requirement::Regardless => Protection::None,
        };
        prop_assert!(*protection >= asked, "less than asked: {fate:?}");
        if *protection == Protection::None {
            return Ok(());
        }
        let from = format!("{}from@home.example", secret(number));
        let at_the_host = self
            .world
            .deliveries()
            .iter()
            .any(|delivery| delivery.mail_from == from && delivery.tls.is_some());
        let content = format!("{}text", secret(number));
        let mut deceivers = seen.impostors.iter();
        let at_an_impostor = deceivers.any(|(impostor, octets)| {
            let proven = *protection < Protection::Authenticated || *impostor == Impostor::AnotherKey;
            proven && memchr::memmem::find(octets, content.as_bytes()).is_some()
        });
        let dane = case.kind == Kind::Dane && case.requirement != Requirement::Regardless;
        prop_assert!(at_the_host || (at_an_impostor && !dane), "not where it is said to be: {fate:?}");
        Ok(())
    }
}

/// Dials the attacker in front of the host that is meant, if there is one.
struct ThroughTheAttackers(HashMap<SocketAddr, SocketAddr>);

#[async_trait]
impl Dial for ThroughTheAttackers {
    async fn dial(&self, address: SocketAddr) -> io::Result<Box<dyn Stream>> {
        let way = self.0.get(&address).copied().unwrap_or(address);
        Ok(Box::new(TcpStream::connect(way).await?))
    }
}
