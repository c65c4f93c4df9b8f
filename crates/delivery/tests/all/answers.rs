//! Answers as name servers rarely give them, from one that says what a test has it say, and signs it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use data_encoding::BASE32_DNSSEC;
use delivery::{Answer, Dns, DnsServers, Dnssec};
use guarantee::{Age, Proof};
use hickory_resolver::proto::{
    dnssec::{
        Algorithm, DigestType, Nsec3HashAlgorithm, PublicKeyBuf, SigningKey, TBS,
        crypto::EcdsaSigningKey,
        rdata::{DNSKEY, DNSSECRData, DS, NSEC, NSEC3, RRSIG, SigInput},
    },
    op::{Message, Query, ResponseCode},
    rr::{
        DNSClass, Name, RData, Record, RecordType, SerialNumber,
        rdata::{A, CNAME, MX, NS, SOA},
    },
};
use jiff::Timestamp;
use rstest::rstest;
use rustls_pki_types::PrivatePkcs8KeyDer;
use tokio::{net::UdpSocket, task::JoinSet};

use crate::dnssec::told;

const TTL: u32 = 3600;

/// A zone's key.
struct Signer {
    zone: Name,
    key: EcdsaSigningKey,
    public: PublicKeyBuf,
}

impl Signer {
    fn new(zone: &str) -> Self {
        let key = rcgen::KeyPair::generate().unwrap().serialize_der();
        let key =
            EcdsaSigningKey::from_pkcs8(&PrivatePkcs8KeyDer::from(key), Algorithm::ECDSAP256SHA256).unwrap();
        let public = key.to_public_key().unwrap();
        Self { zone: name(zone), key, public }
    }

    fn dnskey(&self) -> DNSKEY {
        DNSKEY::from_key(&self.public)
    }

    /// What the zone above says of the key.
    fn ds(&self) -> Record {
        let (key, kind) = (self.dnskey(), DigestType::SHA256);
        let digest = key.to_digest(&self.zone, kind).unwrap().as_ref().to_vec();
        let ds = DS::new(key.calculate_key_tag().unwrap(), Algorithm::ECDSAP256SHA256, kind, digest);
        Record::from_rdata(self.zone.clone(), TTL, RData::DNSSEC(DNSSECRData::DS(ds)))
    }

    /// A record set and its signature, which says that the TTL is [`TTL`].
    fn signed(&self, set: Vec<Record>) -> Vec<Record> {
        let now = u32::try_from(Timestamp::now().as_second()).unwrap();
        let input = SigInput {
            type_covered: set[0].record_type(),
            algorithm: Algorithm::ECDSAP256SHA256,
            num_labels: set[0].name.num_labels(),
            original_ttl: TTL,
            sig_expiration: SerialNumber::new(now + 86_400),
            sig_inception: SerialNumber::new(now - 3600),
            key_tag: self.dnskey().calculate_key_tag().unwrap(),
            signer_name: self.zone.clone(),
        };
        let octets = TBS::from_input(&set[0].name, DNSClass::IN, &input, set.iter()).unwrap();
        let signature = RRSIG::from_sig(input, self.key.sign(&octets).unwrap());
        let data = RData::DNSSEC(DNSSECRData::RRSIG(signature));
        let signature = Record::from_rdata(set[0].name.clone(), set[0].ttl, data);
        set.into_iter().chain([signature]).collect()
    }
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn record(owner: &str, data: RData) -> Record {
    Record::from_rdata(name(owner), TTL, data)
}

fn mx(owner: &str, host: &str) -> Record {
    record(owner, RData::MX(MX::new(10, name(host))))
}

fn a(owner: &str) -> Record {
    record(owner, RData::A(A::new(192, 0, 2, 1)))
}

fn soa(owner: &str) -> Record {
    record(owner, RData::SOA(SOA::new(name("ns."), name("host."), 1, 3600, 900, 86_400, 300)))
}

fn nsec(owner: &str, next: &str, types: &[RecordType]) -> Record {
    nsec_until(owner, name(next), types)
}

fn nsec_until(owner: &str, next: Name, types: &[RecordType]) -> Record {
    record(owner, RData::DNSSEC(DNSSECRData::NSEC(NSEC::new(next, types.iter().copied()))))
}

fn ns(owner: &str) -> Record {
    record(owner, RData::NS(NS(name("ns."))))
}

/// How the root denies a delegation where it opts out of proving those that are unsigned (RFC 5155 §6): it has
/// another, `dane.`, that is signed.
fn opted_out(root: &Signer) -> Vec<Record> {
    let hash = |of: &str| Nsec3HashAlgorithm::SHA1.hash(&[], &name(of), 0).unwrap().as_ref().to_vec();
    let (apex, dane) = (hash("."), hash("dane."));
    let nsec3 = |of: &[u8], next: &[u8], types: &[RecordType]| {
        let types = types.iter().copied();
        let data = NSEC3::new(Nsec3HashAlgorithm::SHA1, true, 0, Vec::new(), next.to_vec(), types);
        record(&format!("{}.", BASE32_DNSSEC.encode(of)), RData::DNSSEC(DNSSECRData::NSEC3(data)))
    };
    let at_apex = [RecordType::NS, RecordType::SOA, RecordType::RRSIG, RecordType::DNSKEY];
    let mut said = root.signed(vec![soa(".")]);
    said.extend(root.signed(vec![nsec3(&apex, &dane, &at_apex)]));
    let at_dane = [RecordType::NS, RecordType::DS, RecordType::RRSIG];
    said.extend(root.signed(vec![nsec3(&dane, &apex, &at_dane)]));
    said
}

/// What a server says.
#[derive(Default)]
struct Said {
    code: ResponseCode,
    answers: Vec<Record>,
    authorities: Vec<Record>,
    authentic: bool,
}

fn answer(answers: Vec<Record>) -> Said {
    Said { answers, ..Said::default() }
}

fn nothing(authorities: Vec<Record>) -> Said {
    Said { authorities, ..Said::default() }
}

fn servfail() -> Said {
    Said { code: ResponseCode::ServFail, ..Said::default() }
}

/// A question as it comes to the server.
struct Asked<'a> {
    name: &'a str,
    kind: RecordType,
    checking_disabled: bool,
    /// How often it came before.
    before: usize,
}

/// A server for the test's time.
struct Server {
    root: Arc<Signer>,
    address: SocketAddr,
    _task: JoinSet<()>,
}

impl Server {
    /// The root's keys, and the insecure delegation of `unsigned.`, it tells by itself.
    async fn start(say: impl Fn(&Signer, &Asked<'_>) -> Said + Send + Sync + 'static) -> Self {
        let root = Arc::new(Signer::new("."));
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let signer = Arc::clone(&root);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut before: Vec<Query> = Vec::new();
            let mut octets = [0; 4096];
            loop {
                let (length, client) = socket.recv_from(&mut octets).await.unwrap();
                let request = Message::from_vec(&octets[..length]).unwrap();
                let query = request.queries[0].clone();
                let asked = Asked {
                    name: &query.name().to_ascii(),
                    kind: query.query_type(),
                    checking_disabled: request.metadata.checking_disabled,
                    before: before.iter().filter(|earlier| **earlier == query).count(),
                };
                let said = by_itself(&signer, &asked).unwrap_or_else(|| say(&signer, &asked));
                before.push(query.clone());
                let mut response = Message::query().into_response();
                response.metadata.id = request.metadata.id;
                response.metadata.response_code = said.code;
                response.metadata.authentic_data = said.authentic;
                response.add_query(query);
                response.add_answers(said.answers);
                response.add_authorities(said.authorities);
                socket.send_to(&response.to_vec().unwrap(), client).await.unwrap();
            }
        });
        Self { root, address, _task: task }
    }

    fn validating(&self) -> Dns {
        self.dns(&Dnssec::Validate { anchor: format!(". 3600 IN DNSKEY {}", self.root.dnskey()) })
    }

    fn trusting(&self) -> Dns {
        self.dns(&Dnssec::TrustAd)
    }

    fn dns(&self, dnssec: &Dnssec) -> Dns {
        Dns::new(&DnsServers::At(vec![self.address]), dnssec, Duration::from_secs(2)).unwrap()
    }
}

fn by_itself(root: &Signer, asked: &Asked<'_>) -> Option<Said> {
    match (asked.kind, asked.name) {
        (RecordType::DNSKEY, ".") => {
            let key = |key: DNSKEY| record(".", RData::DNSSEC(DNSSECRData::DNSKEY(key)));
            // Another key that the anchor does not know, as while keys are replaced.
            Some(answer(root.signed(vec![key(root.dnskey()), key(Signer::new(".").dnskey())])))
        }
        (RecordType::NS, "unsigned.") => Some(answer(vec![ns("unsigned.")])),
        (RecordType::DS, "unsigned.") => {
            let types = [RecordType::NS, RecordType::NSEC, RecordType::RRSIG];
            let mut said = root.signed(vec![soa(".")]);
            said.extend(root.signed(vec![nsec("unsigned.", "z.", &types)]));
            Some(nothing(said))
        }
        (RecordType::NS, ".") => Some(answer(root.signed(vec![ns(".")]))),
        _ => None,
    }
}

/// Compact denial of existence (RFC 9824): a name that does not exist has an NSEC record of its own.
#[tokio::test]
async fn compact_denial_is_no_forgery() {
    let server = Server::start(|root, asked| {
        let mut said = root.signed(vec![soa(".")]);
        let types = [RecordType::RRSIG, RecordType::NSEC, RecordType::Unknown(128)];
        let next = name(asked.name).prepend_label(b"\0".as_slice()).unwrap();
        said.extend(root.signed(vec![nsec_until(asked.name, next, &types)]));
        nothing(said)
    })
    .await;
    let dns = server.validating();
    for kind in ["MX", "A", "TLSA", "TXT"] {
        assert_eq!(told(&dns, kind, "gone", Age::Cached).await, "secure no such record", "{kind}");
    }
}

/// Nobody but a zone around the name can deny it: not an unsigned zone elsewhere, and not a signature taken from there.
// rfc 7672 2.2.2: MUST And, as always, errors, "bogus" results, or
#[rstest]
#[case::an_unsigned_zone(|_: &Signer| vec![soa("unsigned.")])]
#[case::no_zone(|_: &Signer| Vec::new())]
#[case::an_unsigned_nsec(|_: &Signer| vec![nsec("unsigned.", "zz.unsigned.", &[RecordType::A])])]
#[case::of_another_name(|root: &Signer| root.signed(vec![nsec("n.", "o.", &[RecordType::A])]))]
#[case::of_a_cut_above(|root: &Signer| root.signed(vec![nsec("mx.", "o.", &[RecordType::NS])]))]
#[tokio::test]
async fn a_denial_from_elsewhere(#[case] denial: fn(&Signer) -> Vec<Record>) {
    let server = Server::start(move |root, asked| match asked.kind {
        RecordType::TLSA => nothing(denial(root)),
        _ => nothing(root.signed(vec![soa(".")])),
    })
    .await;
    let answer = told(&server.validating(), "TLSA", "mx", Age::Cached).await;
    assert_eq!(answer, "bogus");
}

/// Who says what of the host of a signed domain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Honest,
    /// Somebody on the way makes a delegation of it, and replays how the zone above denies another's signatures.
    Forged,
}

/// A zone that opts out of proving unsigned delegations leaves those below it unsigned, but not what is below a signed
/// one: else whoever is on the way could have TLSA records never be asked for.
#[rstest]
#[case::signed(Way::Honest, "A", "mx.dane", "secure address")]
#[case::signed_without_tlsa(Way::Honest, "TLSA", "mx.dane", "secure no such record")]
#[case::forged(Way::Forged, "A", "mx.dane", "bogus")]
#[case::tlsa_denied(Way::Forged, "TLSA", "mx.dane", "bogus")]
#[case::unsigned(Way::Honest, "A", "mx.open", "insecure address")]
#[case::unsigned_without_tlsa(Way::Honest, "TLSA", "mx.open", "insecure no such record")]
#[tokio::test]
async fn below_a_zone_that_opts_out(
    #[case] way: Way,
    #[case] kind: &str,
    #[case] asked: &str,
    #[case] expected: &str,
) {
    let dane = Signer::new("dane.");
    let server = Server::start(move |root, asked| {
        if way == Way::Forged && name("mx.dane.").zone_of(&name(asked.name)) {
            return match asked.kind {
                RecordType::A => answer(vec![a(asked.name)]),
                RecordType::NS => answer(vec![ns(asked.name)]),
                RecordType::DS => nothing(opted_out(root)),
                _ => nothing(Vec::new()),
            };
        }
        match (asked.kind, asked.name) {
            (RecordType::DS, "dane.") => answer(root.signed(vec![dane.ds()])),
            (RecordType::DNSKEY, "dane.") => {
                let key = RData::DNSSEC(DNSSECRData::DNSKEY(dane.dnskey()));
                answer(dane.signed(vec![record("dane.", key)]))
            }
            (RecordType::NS, "dane.") => answer(dane.signed(vec![ns("dane.")])),
            (RecordType::A, "mx.dane.") => answer(dane.signed(vec![a("mx.dane.")])),
            (_, denied) if dane.zone.zone_of(&name(denied)) => {
                let types = [RecordType::A, RecordType::RRSIG, RecordType::NSEC];
                let mut said = dane.signed(vec![soa("dane.")]);
                said.extend(dane.signed(vec![nsec(denied, "z.dane.", &types)]));
                nothing(said)
            }
            (RecordType::DS, "open.") => nothing(opted_out(root)),
            (RecordType::NS, "open.") => answer(vec![ns("open.")]),
            (RecordType::A, "mx.open.") => answer(vec![a("mx.open.")]),
            _ => nothing(vec![soa("open.")]),
        }
    })
    .await;
    assert_eq!(told(&server.validating(), kind, asked, Age::Cached).await, expected);
}

/// A cache that loses signatures makes no signed answer an unsigned one.
#[tokio::test]
async fn signatures_that_get_lost() {
    let server = Server::start(|root, asked| {
        let set = vec![mx("a.", "mx.")];
        answer(if asked.before == 0 { root.signed(set) } else { set })
    })
    .await;
    let dns = server.validating();
    assert_eq!(told(&dns, "MX", "a", Age::Cached).await, "secure 10 mx");
    assert_eq!(told(&dns, "MX", "a", Age::Cached).await, "secure 10 mx");
    assert_eq!(told(&dns, "MX", "a", Age::Fresh).await, "bogus");
}

/// A TTL that counts down, or was raised, is a cache's.
#[rstest]
#[case::source(TTL, Age::Fresh)]
#[case::cache(TTL - 1, Age::Cached)]
#[case::raised(TTL + 1, Age::Cached)]
#[tokio::test]
async fn a_cache_on_the_way(#[case] ttl: u32, #[case] expected: Age) {
    let server = Server::start(move |root, _| {
        let mut set = root.signed(vec![mx("a.", "mx.")]);
        for record in &mut set {
            record.ttl = ttl;
        }
        answer(set)
    })
    .await;
    for dns in [server.validating(), server.trusting()] {
        let Answer::Found(found) = dns.mx("a", Age::Fresh).await else { panic!("no answer") };
        assert_eq!(found.age, expected);
    }
}

/// The AD bit holds for an answer and for the proof that there is none.
// rfc 7672 2.1.1: MUST As noted in Section 4.3 of [RFC4035]
#[rstest]
#[case::secure(Said { authentic: true, ..answer(vec![mx("a.", "mx.")]) }, "secure 10 mx")]
#[case::insecure(answer(vec![mx("a.", "mx.")]), "insecure 10 mx")]
#[case::secure_denial(Said { authentic: true, ..nothing(vec![soa(".")]) }, "secure no such record")]
#[case::insecure_denial(nothing(vec![soa(".")]), "insecure no such record")]
#[case::secure_no_name(
    Said { authentic: true, code: ResponseCode::NXDomain, ..nothing(vec![soa(".")]) },
    "secure no such name"
)]
#[tokio::test]
async fn the_ad_bit(#[case] said: Said, #[case] expected: &str) {
    let server = Server::start(move |_, _| Said {
        code: said.code,
        answers: said.answers.clone(),
        authorities: said.authorities.clone(),
        authentic: said.authentic,
    })
    .await;
    assert_eq!(told(&server.trusting(), "MX", "a", Age::Cached).await, expected);
}

/// A validating server fails for what is bogus; what it has then is seen without its validation (RFC 6840 §5.9).
#[rstest]
#[case::bogus(|| answer(vec![mx("a.", "mx.")]), "bogus", "bogus")]
#[case::bogus_denial(|| nothing(vec![soa(".")]), "bogus", "bogus")]
#[case::bogus_with_the_ad_bit(
    || Said { authentic: true, ..answer(vec![mx("a.", "mx.")]) },
    "bogus",
    "bogus"
)]
#[case::a_signature_alone(
    || answer(Signer::new(".").signed(vec![mx("a.", "mx.")]).split_off(1)),
    "unanswered",
    "unanswered"
)]
#[case::of_another_name(|| answer(vec![mx("b.", "mx.")]), "unanswered", "unanswered")]
#[case::a_denial_from_elsewhere(|| nothing(vec![soa("unsigned.")]), "unanswered", "unanswered")]
#[case::failed(servfail, "unanswered", "unanswered")]
#[case::nothing_at_all(|| nothing(Vec::new()), "unanswered", "unanswered")]
#[tokio::test]
async fn a_server_that_validates(
    #[case] unchecked: fn() -> Said,
    #[case] trusting: &str,
    #[case] validating: &str,
) {
    let server = Server::start(move |_, asked| match asked.kind {
        _ if !asked.checking_disabled => servfail(),
        RecordType::MX => unchecked(),
        _ => nothing(vec![soa(".")]),
    })
    .await;
    assert_eq!(told(&server.trusting(), "MX", "a", Age::Cached).await, trusting);
    assert_eq!(told(&server.validating(), "MX", "a", Age::Cached).await, validating);
}

/// The bit says that all of a chain is secure, or not; the CNAME is asked for by itself.
#[tokio::test]
async fn an_alias_before_an_unsigned_name() {
    let server = Server::start(|_, asked| {
        let alias = || record("a.", RData::CNAME(CNAME(name("b.unsigned."))));
        match (asked.kind, asked.name) {
            (RecordType::CNAME, "a.") => Said { authentic: true, ..answer(vec![alias()]) },
            (RecordType::A, "a.") => answer(vec![alias(), a("b.unsigned.")]),
            (RecordType::A, "b.unsigned.") => answer(vec![a("b.unsigned.")]),
            _ => nothing(vec![soa(".")]),
        }
    })
    .await;
    let Answer::Found(found) = server.trusting().addresses("a", Age::Cached).await else {
        panic!("no answer")
    };
    let alias = found.alias.unwrap();
    assert_eq!((found.proof, &*alias.target, alias.first), (Proof::Insecure, "b.unsigned", Proof::Secure));
}

/// Some servers of unsigned names know addresses only (RFC 7672 §2.2.2): they can be reached all the same.
#[tokio::test]
async fn servers_that_answer_for_addresses_only() {
    let server = Server::start(|_, asked| match asked.kind {
        RecordType::A => answer(vec![a("mx.unsigned.")]),
        _ => servfail(),
    })
    .await;
    assert_eq!(told(&server.validating(), "A", "mx.unsigned", Age::Cached).await, "insecure address");
}
