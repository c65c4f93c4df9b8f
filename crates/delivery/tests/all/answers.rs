//! Answers as name servers rarely give them, from one that says what a test has it say. It signs as the root.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use delivery::{Answer, Dns, DnsServers, Dnssec};
use guarantee::{Age, Proof};
use hickory_resolver::proto::{
    dnssec::{
        Algorithm, PublicKeyBuf, SigningKey, TBS,
        crypto::EcdsaSigningKey,
        rdata::{DNSKEY, DNSSECRData, NSEC, RRSIG, SigInput},
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

/// The root's key.
struct Root {
    key: EcdsaSigningKey,
    public: PublicKeyBuf,
}

impl Root {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap().serialize_der();
        let key =
            EcdsaSigningKey::from_pkcs8(&PrivatePkcs8KeyDer::from(key), Algorithm::ECDSAP256SHA256).unwrap();
        let public = key.to_public_key().unwrap();
        Self { key, public }
    }

    fn dnskey(&self) -> DNSKEY {
        DNSKEY::from_key(&self.public)
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
            signer_name: Name::root(),
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
    root: Arc<Root>,
    address: SocketAddr,
    _task: JoinSet<()>,
}

impl Server {
    /// The root's keys, and the insecure delegation of `unsigned.`, it tells by itself.
    async fn start(say: impl Fn(&Root, &Asked<'_>) -> Said + Send + Sync + 'static) -> Self {
        let root = Arc::new(Root::new());
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

fn by_itself(root: &Root, asked: &Asked<'_>) -> Option<Said> {
    match (asked.kind, asked.name) {
        (RecordType::DNSKEY, ".") => {
            let key = |key: DNSKEY| record(".", RData::DNSSEC(DNSSECRData::DNSKEY(key)));
            // Another key that the anchor does not know, as while keys are replaced.
            Some(answer(root.signed(vec![key(root.dnskey()), key(Root::new().dnskey())])))
        }
        (RecordType::NS, "unsigned.") => Some(answer(vec![record("unsigned.", RData::NS(NS(name("ns."))))])),
        (RecordType::DS, "unsigned.") => {
            let types = [RecordType::NS, RecordType::NSEC, RecordType::RRSIG];
            let mut said = root.signed(vec![soa(".")]);
            said.extend(root.signed(vec![nsec("unsigned.", "z.", &types)]));
            Some(nothing(said))
        }
        (RecordType::NS, ".") => Some(answer(root.signed(vec![record(".", RData::NS(NS(name("ns."))))]))),
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
#[case::an_unsigned_zone(|_: &Root| vec![soa("unsigned.")])]
#[case::no_zone(|_: &Root| Vec::new())]
#[case::an_unsigned_nsec(|_: &Root| vec![nsec("unsigned.", "zz.unsigned.", &[RecordType::A])])]
#[case::of_another_name(|root: &Root| root.signed(vec![nsec("n.", "o.", &[RecordType::A])]))]
#[case::of_a_cut_above(|root: &Root| root.signed(vec![nsec("mx.", "o.", &[RecordType::NS])]))]
#[tokio::test]
async fn a_denial_from_elsewhere(#[case] denial: fn(&Root) -> Vec<Record>) {
    let server = Server::start(move |root, asked| match asked.kind {
        RecordType::TLSA => nothing(denial(root)),
        _ => nothing(root.signed(vec![soa(".")])),
    })
    .await;
    let answer = told(&server.validating(), "TLSA", "mx", Age::Cached).await;
    assert_eq!(answer, "bogus");
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
#[case::failed(servfail, "unanswered", "unanswered")]
#[case::nothing_at_all(|| nothing(Vec::new()), "unanswered", "unanswered")]
#[tokio::test]
async fn a_server_that_validates(
    #[case] unchecked: fn() -> Said,
    #[case] trusting: &str,
    #[case] validating: &str,
) {
    let server =
        Server::start(move |_, asked| if asked.checking_disabled { unchecked() } else { servfail() }).await;
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
