//! What is made of TLS: key exchange, sessions that are taken up again, kept connections, and hosts of another age.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use delivery::{Attempt, Courier, DnsServers, Dnssec, Fate, MemoryPolicies, Ownership, Patience, Settings};
use guarantee::{
    Addresses, Age, Facts, MxAnswer, MxHost, Proof, Requirement, Sts, StsMode, StsPolicy, Tlsa, TlsaRecord,
};
use jiff::{Timestamp, ToSpan};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rstest::rstest;
use rustls::{
    HandshakeKind, ServerConfig, SupportedProtocolVersion,
    crypto::{SupportedKxGroup, aws_lc_rs, aws_lc_rs::kx_group},
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    fixture::{Encrypted, Opportunistic, attempt},
    peer::{Lines, Peer, session, told, up_to_starttls},
};

/// The names of the host, and of its domain.
const NAME: &str = "mx.peer.example";
const DOMAIN: &str = "peer.example";

/// An authority and the host's certificate below it.
struct Pki {
    authority: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
struct Pair {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Pki {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { authority }
    }

    fn root(&self) -> CertificateDer<'static> {
        self.authority.der().clone()
    }

    /// A certificate for this name.
    fn pair(&self, name: &str, until: Timestamp) -> Pair {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        let until = std::time::UNIX_EPOCH + Duration::from_secs(until.as_second().unsigned_abs());
        params.not_after = until.into();
        let certificate = params.signed_by(&key, &self.authority).unwrap().der().clone();
        Pair { certificate, key: PrivatePkcs8KeyDer::from(key.serialize_der()).into() }
    }
}

fn next_year() -> Timestamp {
    Timestamp::now().checked_add((365 * 24).hours()).unwrap()
}

/// A TLS server's configuration.
fn config(
    versions: &[&'static SupportedProtocolVersion],
    groups: &[&'static dyn SupportedKxGroup],
    chain: Vec<CertificateDer<'static>>,
    pair: Pair,
) -> Arc<ServerConfig> {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = groups.to_vec();
    let chain = std::iter::once(pair.certificate).chain(chain).collect();
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, pair.key)
        .unwrap();
    Arc::new(config)
}

const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
const GROUPS: &[&dyn SupportedKxGroup] = aws_lc_rs::DEFAULT_KX_GROUPS;

/// A host that takes every mail in TLS, and a courier for it.
struct Host {
    peer: Peer,
    courier: Courier,
    seen: Arc<Mutex<Vec<Seen>>>,
    serves: Arc<Mutex<Serves>>,
}

/// How a connection is served.
struct Serves {
    config: Arc<ServerConfig>,
    /// What EHLO in TLS offers.
    keywords: &'static str,
    /// So many handshakes from now on are refused.
    refusals: u32,
}

/// What the host saw of a handshake.
#[derive(Clone, Debug)]
struct Seen {
    kind: HandshakeKind,
    sni: Option<String>,
}

impl Host {
    async fn new(config: Arc<ServerConfig>, roots: Vec<CertificateDer<'static>>) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let serves = Arc::new(Mutex::new(Serves { config, keywords: "", refusals: 0 }));
        let (theirs, how) = (Arc::clone(&seen), Arc::clone(&serves));
        let peer =
            Peer::start(move |stream, lines| serve(stream, lines, Arc::clone(&how), Arc::clone(&theirs)));
        let peer = peer.await;
        let settings = Settings {
            hello_name: "home.example".to_owned(),
            own: Ownership::default(),
            dns: DnsServers::At(Vec::new()),
            dnssec: Dnssec::TrustAd,
            port: 25,
            https_port: 443,
            roots,
            policies: Arc::new(MemoryPolicies::default()),
            routes: std::collections::HashMap::new(),
        };
        let courier = Courier::with_patience(settings, Patience::default()).unwrap();
        Self { peer, courier, seen, serves }
    }

    fn change(&self, change: impl FnOnce(&mut Serves)) {
        change(&mut self.serves.lock().unwrap());
    }

    /// The fate of a mail, by what is published.
    async fn send(&self, requirement: Requirement, published: &Published) -> Fate {
        self.send_this(attempt(DOMAIN, requirement), published).await
    }

    async fn send_this(&self, attempt: Attempt, published: &Published) -> Fate {
        let told = |age| (published.facts(self.peer.address, age), self.peer.address.port());
        self.courier.attempt_by(attempt, Some(&told)).await.fates.remove(0)
    }

    /// The same on a new connection.
    async fn send_anew(&self, requirement: Requirement, published: &Published) -> Fate {
        self.courier.close_idle().await;
        self.send(requirement, published).await
    }

    /// The handshakes so far: F(ull) or R(esumed).
    fn handshakes(&self) -> String {
        let kind = |seen: &Seen| if seen.kind == HandshakeKind::Resumed { 'R' } else { 'F' };
        self.seen.lock().unwrap().iter().map(kind).collect()
    }
}

async fn serve(stream: TcpStream, lines: Lines, how: Arc<Mutex<Serves>>, seen: Arc<Mutex<Vec<Seen>>>) {
    let Some(mut stream) = up_to_starttls(stream, &lines).await else { return };
    let (acceptor, keywords, refuse) = {
        let mut how = how.lock().unwrap();
        let refuse = how.refusals > 0;
        how.refusals = how.refusals.saturating_sub(1);
        (TlsAcceptor::from(Arc::clone(&how.config)), how.keywords, refuse)
    };
    if refuse {
        answer(&mut stream, &[21, 3, 3, 0, 2, 2, 40]).await;
        return;
    }
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let tls = stream.get_ref().1;
    let sni = tls.server_name().map(str::to_owned);
    seen.lock().unwrap().push(Seen { kind: tls.handshake_kind().unwrap(), sni });
    session(&mut stream, keywords, &lines).await;
}

/// Answers the ClientHello with these octets.
async fn answer(stream: &mut TcpStream, octets: &[u8]) {
    let mut header = [0; 5];
    stream.read_exact(&mut header).await.unwrap();
    let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
    stream.read_exact(&mut hello).await.unwrap();
    stream.write_all(octets).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let _until_the_client_is_gone = stream.read_to_end(&mut rest).await;
}

/// What the domain publishes.
#[derive(Clone)]
struct Published {
    tlsa: Vec<TlsaRecord>,
    base: &'static str,
    sts: Option<StsMode>,
    proof: Proof,
}

/// Nothing at all.
const NOTHING: Published = Published { tlsa: Vec::new(), base: NAME, sts: None, proof: Proof::Insecure };

fn dane(tlsa: Vec<TlsaRecord>) -> Published {
    Published { tlsa, proof: Proof::Secure, ..NOTHING }
}

fn mta_sts(mode: StsMode) -> Published {
    Published { sts: Some(mode), ..NOTHING }
}

impl Published {
    fn facts(&self, address: SocketAddr, age: Age) -> Facts {
        let tlsa = match &self.tlsa[..] {
            [] => Tlsa::None,
            records => Tlsa::Published { base: self.base.to_owned(), records: records.to_vec(), age },
        };
        let host = MxHost {
            name: NAME.to_owned(),
            preference: 10,
            addresses: Addresses::Found(vec![address.ip()]),
            is_self: false,
            tlsa,
        };
        let policy = |mode| StsPolicy {
            domain: DOMAIN.to_owned(),
            id: "1".to_owned(),
            mode,
            mx: vec![NAME.to_owned()],
            max_age: 86400,
            age,
        };
        Facts {
            next_hop: DOMAIN.to_owned(),
            mx: MxAnswer::Hosts { proof: self.proof, expanded: None, hosts: vec![host] },
            sts: self.sts.map_or(Sts::None, |mode| Sts::Policy(policy(mode))),
        }
    }
}

fn record(usage: u8, certificate: &CertificateDer<'_>) -> TlsaRecord {
    TlsaRecord { usage, selector: 0, matching: 1, data: Sha256::digest(certificate).to_vec() }
}

fn key_exchange(fate: &Fate) -> &str {
    match fate {
        Fate::Delivered { tls: Some(tls), .. } => &tls.key_exchange,
        other => panic!("{other:?}"),
    }
}

const DANE: &str = "delivered dane";

/// The post-quantum exchange is offered first, and what came of it is evidence.
#[rstest]
#[case::both(BOTH, GROUPS, "X25519MLKEM768")]
#[case::only_13(&[&TLS13], &[kx_group::X25519, kx_group::X25519MLKEM768], "X25519MLKEM768")]
#[case::classic(BOTH, &[kx_group::X25519], "X25519")]
#[case::another_curve(BOTH, &[kx_group::SECP256R1], "secp256r1")]
#[case::tls_12(&[&TLS12], GROUPS, "X25519")]
#[tokio::test(flavor = "multi_thread")]
async fn key_exchanges(
    #[case] versions: &[&'static SupportedProtocolVersion],
    #[case] groups: &[&'static dyn SupportedKxGroup],
    #[case] expected: &str,
) {
    let pki = Pki::new();
    let host = Host::new(config(versions, groups, Vec::new(), pki.pair(NAME, next_year())), Vec::new()).await;
    let fate = host.send(Encrypted, &NOTHING).await;
    assert_eq!(key_exchange(&fate), expected, "{fate:?}");
}

// rfc 7672 8.1: MUST To ensure that the server sends the
#[rstest]
#[case::dane(dane(vec![TlsaRecord { usage: 3, selector: 1, matching: 1, data: vec![0; 32] }]), "base.example")]
#[case::without(NOTHING, NAME)]
#[case::mta_sts(mta_sts(StsMode::Enforce), NAME)]
#[tokio::test(flavor = "multi_thread")]
async fn sni(#[case] published: Published, #[case] expected: &str) {
    let pki = Pki::new();
    let host = Host::new(config(BOTH, GROUPS, Vec::new(), pki.pair(NAME, next_year())), Vec::new()).await;
    let published = Published { base: "base.example", ..published };
    let _whatever = host.send(Encrypted, &published).await;
    let seen = host.seen.lock().unwrap().clone();
    assert!(!seen.is_empty() && seen.iter().all(|one| one.sni.as_deref() == Some(expected)), "{seen:?}");
}

/// A resumed connection shows what a new one would, and a key exchange of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_taken_up_again() {
    let pki = Pki::new();
    let pair = pki.pair(NAME, next_year());
    let published = dane(vec![record(3, &pair.certificate)]);
    let host = Host::new(config(BOTH, GROUPS, Vec::new(), pair), Vec::new()).await;
    for _ in 0..3 {
        let fate = host.send_anew(Encrypted, &published).await;
        assert_eq!((told(&fate).as_str(), key_exchange(&fate)), (DANE, "X25519MLKEM768"));
    }
    assert_eq!(host.handshakes(), "FRR");
}

/// In TLS 1.2 it would have no forward secrecy.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_tls_12_is_not_taken_up_again() {
    let pki = Pki::new();
    let host =
        Host::new(config(&[&TLS12], GROUPS, Vec::new(), pki.pair(NAME, next_year())), Vec::new()).await;
    for _ in 0..2 {
        assert_eq!(told(&host.send_anew(Encrypted, &NOTHING).await), "delivered encrypted");
    }
    assert_eq!(host.handshakes(), "FF");
}

/// A session is bound to what was asked when it began, whatever the host still knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_does_not_outlive_the_records() {
    let pki = Pki::new();
    let (old, new) = (pki.pair(NAME, next_year()), pki.pair(NAME, next_year()));
    let with_old = dane(vec![record(3, &old.certificate)]);
    let with_new = dane(vec![record(3, &new.certificate)]);
    let host = Host::new(config(BOTH, GROUPS, Vec::new(), old), Vec::new()).await;
    assert_eq!(told(&host.send_anew(Encrypted, &with_old).await), DANE);
    let fate = told(&host.send_anew(Encrypted, &with_new).await);
    assert!(fate.starts_with("stopped") && fate.contains("no TLSA record matches the certificate"), "{fate}");
    assert_eq!((host.handshakes().as_str(), host.peer.count("MAIL")), ("FFF", 1));
    // A mail of which less is asked does not open the door to one of which more is.
    assert_eq!(told(&host.send_anew(Opportunistic, &NOTHING).await), "delivered encrypted");
    let fate = told(&host.send_anew(Encrypted, &with_new).await);
    assert!(fate.starts_with("stopped"), "{fate}");
    assert_eq!(host.peer.count("MAIL"), 2);
}

/// The host's certificate runs out while it still knows the session: neither does the session prolong it, nor does it
/// stand in the way of a new certificate. With nothing published nothing is stopped, but evidence is of today, too.
#[rstest]
#[case::dane(true, false, (DANE, "stopped"), "FRFF")]
#[case::dane_replaced(true, true, (DANE, DANE), "FRF")]
#[case::nothing_published(false, false, (TRUSTED, "delivered encrypted"), "FRF")]
#[case::nothing_published_replaced(false, true, (TRUSTED, TRUSTED), "FRF")]
#[tokio::test(flavor = "multi_thread")]
async fn a_session_does_not_outlive_the_certificate(
    #[case] with_dane: bool,
    #[case] replaced: bool,
    #[case] (before, after): (&str, &str),
    #[case] handshakes: &str,
) {
    let pki = Pki::new();
    let until = Timestamp::now().checked_add(3.seconds()).unwrap();
    let published = if with_dane { dane(vec![record(2, &pki.root())]) } else { NOTHING };
    let serving = |until| config(BOTH, GROUPS, vec![pki.root()], pki.pair(DOMAIN, until));
    let host = Host::new(serving(until), vec![pki.root()]).await;
    assert_eq!(told(&host.send_anew(Encrypted, &published).await), before);
    // Nothing tells of it but the clock.
    tokio::time::sleep(Duration::from_millis(4100)).await;
    if replaced {
        host.change(|serves| {
            let mut new = ServerConfig::clone(&serving(next_year()));
            // The old tickets stay good.
            new.session_storage = Arc::clone(&serves.config.session_storage);
            serves.config = Arc::new(new);
        });
    }
    let fate = told(&host.send_anew(Encrypted, &published).await);
    assert!(fate.starts_with(after), "{fate}");
    assert_eq!(host.handshakes(), handshakes);
}

/// What comes of a ticket says nothing of the host: neither does a refusal let a mail go in clear, nor do two make it certain.
#[rstest]
#[case::once(1, Encrypted, "delivered encrypted")]
#[case::twice(2, Encrypted, "delivered encrypted")]
#[case::thrice(3, Encrypted, "stopped")]
#[case::once_without_the_guarantee(1, Opportunistic, "delivered encrypted")]
#[case::twice_without_the_guarantee(2, Opportunistic, "delivered none")]
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_session_is_no_finding(
    #[case] refusals: u32,
    #[case] requirement: Requirement,
    #[case] expected: &str,
) {
    let pki = Pki::new();
    let host = Host::new(config(BOTH, GROUPS, Vec::new(), pki.pair(NAME, next_year())), Vec::new()).await;
    assert_eq!(told(&host.send_anew(requirement, &NOTHING).await), "delivered encrypted");
    host.change(|serves| serves.refusals = refusals);
    let fate = told(&host.send_anew(requirement, &NOTHING).await);
    assert!(fate.starts_with(expected), "{fate}");
}

const TRUSTED: &str = "delivered authenticated";

/// A connection that a mail without demands has left behind carries one with demands only as far as it meets them.
// rfc 8461 5: MUST NOT In this mode, Sending MTAs MUST NOT
#[rstest]
#[case::dane_ee(Opportunistic, Encrypted, Some(3), None, NAME, DANE)]
#[case::dane_ta(Opportunistic, Encrypted, Some(2), None, NAME, DANE)]
#[case::dane_ta_of_another_name(Opportunistic, Encrypted, Some(2), None, "other.example", "stopped")]
#[case::other_record(Opportunistic, Encrypted, Some(9), None, NAME, "stopped")]
#[case::other_record_and_no_guarantee(Opportunistic, Opportunistic, Some(9), None, NAME, "deferred 4.7.5")]
#[case::regardless(Encrypted, Requirement::Regardless, Some(9), None, NAME, TRUSTED)]
#[case::mta_sts(Opportunistic, Encrypted, None, Some(StsMode::Enforce), NAME, TRUSTED)]
#[case::mta_sts_of_another_name(
    Opportunistic,
    Encrypted,
    None,
    Some(StsMode::Enforce),
    "other.example",
    "stopped"
)]
#[case::mta_sts_in_testing(
    Opportunistic,
    Encrypted,
    None,
    Some(StsMode::Testing),
    "other.example",
    "delivered encrypted"
)]
#[case::authenticated(Encrypted, Requirement::Authenticated, None, None, DOMAIN, TRUSTED)]
#[case::not_authenticated(Encrypted, Requirement::Authenticated, None, None, "other.example", "stopped")]
#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_is_judged_anew(
    #[case] first: Requirement,
    #[case] second: Requirement,
    #[case] usage: Option<u8>,
    #[case] sts: Option<StsMode>,
    #[case] certificate: &str,
    #[case] expected: &str,
) {
    let pki = Pki::new();
    let pair = pki.pair(certificate, next_year());
    let records = match usage {
        Some(2) => vec![record(2, &pki.root())],
        Some(3) => vec![record(3, &pair.certificate)],
        Some(_) => vec![record(3, &pki.root())],
        None => Vec::new(),
    };
    let published = if usage.is_some() { dane(records) } else { Published { sts, ..NOTHING } };
    let host = Host::new(config(BOTH, GROUPS, vec![pki.root()], pair), vec![pki.root()]).await;
    let fate = told(&host.send(first, &NOTHING).await);
    assert!(fate.starts_with("delivered"), "{fate}");
    let fate = told(&host.send(second, &published).await);
    assert!(fate.starts_with(expected), "{fate}");
    let delivered = expected.starts_with("delivered");
    assert_eq!(host.peer.count("MAIL"), if delivered { 2 } else { 1 });
    assert_eq!(host.handshakes().len() == 1, delivered, "one that is good enough is used");
}

/// EHLO in TLS has said it, or the mail does not go (RFC 8689 §4.2.1 step 5).
#[rstest]
#[case::offered("REQUIRETLS", TRUSTED, "MAIL FROM:<alice@home.example> REQUIRETLS")]
#[case::not_offered("", "stopped 5.7.30", "")]
#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_carries_requiretls_only_where_it_is_offered(
    #[case] keywords: &'static str,
    #[case] expected: &str,
    #[case] command: &str,
) {
    let pki = Pki::new();
    let host =
        Host::new(config(BOTH, GROUPS, Vec::new(), pki.pair(NAME, next_year())), vec![pki.root()]).await;
    host.change(|serves| serves.keywords = keywords);
    let published = mta_sts(StsMode::Enforce);
    assert_eq!(told(&host.send(Encrypted, &published).await), TRUSTED);
    let fate = told(&host.send(Requirement::RequireTls, &published).await);
    assert!(fate.starts_with(expected), "{fate}");
    let tagged = host.peer.count("MAIL FROM:<alice@home.example> REQUIRETLS");
    assert_eq!(tagged, usize::from(!command.is_empty()));
    assert_eq!(host.peer.count("MAIL"), 1 + tagged);
    if tagged == 1 {
        assert_eq!(host.handshakes(), "F");
    }
}

/// A ServerHello of this version for this cipher.
fn server_hello(version: u16, cipher: u16) -> Vec<u8> {
    let [high, low] = version.to_be_bytes();
    let mut hello = vec![high, low];
    hello.extend([7; 32]);
    hello.push(0);
    hello.extend(cipher.to_be_bytes());
    hello.push(0);
    let length = u8::try_from(hello.len()).unwrap();
    [vec![22, high, low, 0, length + 4, 2, 0, 0, length], hello].concat()
}

/// Nothing older than TLS 1.2 is TLS.
// rfc 8461 7.2: MUST MTAs supporting MTA-STS MUST have support for TLS 1.2
#[rstest]
#[case::ssl_3(
    server_hello(0x0300, 0x002f),
    "stopped 5.7.5",
    "no common protocol version: the host chose one before TLS 1.2"
)]
#[case::tls_10(
    server_hello(0x0301, 0x002f),
    "stopped 5.7.5",
    "no common protocol version: the host chose one before TLS 1.2"
)]
#[case::tls_11(
    server_hello(0x0302, 0xc013),
    "stopped 5.7.5",
    "no common protocol version: the host chose one before TLS 1.2"
)]
#[case::alert_70(vec![21, 3, 1, 0, 2, 2, 70], "stopped 5.7.5", "the host answered with the alert protocol_version: no common protocol version, TLS 1.2 or 1.3")]
#[case::alert_40(vec![21, 3, 1, 0, 2, 2, 40], "stopped 5.7.5", "the host answered with the alert handshake_failure: perhaps no cipher with ECDHE and AEAD in common")]
#[case::alert_71(vec![21, 3, 3, 0, 2, 2, 71], "stopped 5.7.5", "the host answered with the alert insufficient_security: perhaps no cipher with ECDHE and AEAD in common")]
#[case::alert_80(vec![21, 3, 3, 0, 2, 2, 80], "stopped 5.7.5", "the host answered with the alert internal_error")]
#[case::alert_112(vec![21, 3, 3, 0, 2, 2, 112], "stopped 5.7.5", "the host answered with the alert unrecognised_name")]
#[case::static_rsa_not_asked_for(
    server_hello(0x0303, 0x002f),
    "deferred 4.7.5",
    "the host chose a cipher that was not offered"
)]
#[tokio::test(flavor = "multi_thread")]
async fn hosts_of_another_age(#[case] octets: Vec<u8>, #[case] outcome: &str, #[case] detail: &str) {
    let peer = Peer::start(move |stream, lines| {
        let octets = octets.clone();
        async move {
            if let Some(mut stream) = up_to_starttls(stream, &lines).await {
                answer(&mut stream, &octets).await;
            }
        }
    })
    .await;
    let expected = format!("{outcome}: TLS is required, but the handshake with host PEER failed: {detail}");
    assert_eq!(peer.send(Patience::default(), Encrypted).await, expected);
    assert_eq!(peer.count("MAIL"), 0);
    assert_eq!(peer.send(Patience::default(), Opportunistic).await, "delivered none");
}

/// Both are TLS.
#[rstest]
#[case(&TLS12, "TLSv1.2")]
#[case(&TLS13, "TLSv1.3")]
#[tokio::test(flavor = "multi_thread")]
async fn hosts_of_this_age(#[case] version: &'static SupportedProtocolVersion, #[case] expected: &str) {
    let pki = Pki::new();
    let host =
        Host::new(config(&[version], GROUPS, Vec::new(), pki.pair(NAME, next_year())), Vec::new()).await;
    let Fate::Delivered { tls: Some(tls), .. } = host.send(Encrypted, &NOTHING).await else { panic!() };
    assert_eq!(tls.version.to_string(), expected);
    assert!(tls.cipher.contains("GCM") || tls.cipher.contains("CHACHA20_POLY1305"), "{}", tls.cipher);
}
