//! Look-ups and their proof: secure, insecure, bogus, and not answered, for each kind of answer.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use delivery::{Answer, Dns, DnsServers, Dnssec, ROOT_ANCHOR};
use guarantee::{Age, LookupFailureKind, Proof};
use rstest::rstest;
use small_internet::{Behaviour, DnsFault, Domain, Flaw, Signing, Tlsa, TlsaPorts, World, WorldConfig};
use tempfile::TempDir;

/// A world with domains of every signing, and a resolver that trusts its root.
struct Fixture {
    world: World,
    dns: Dns,
    _data: TempDir,
}

impl Fixture {
    async fn new(extra: Vec<Domain>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let world = World::start(WorldConfig { extra, ..WorldConfig::new(data.path()) }).await.unwrap();
        let dns = dns(&world, world.trust_anchor());
        Self { world, dns, _data: data }
    }

    /// A domain with one host, a TXT record, TLSA records, and a CNAME `alias.NAME` to `mx.tls.example`.
    async fn of(signing: Signing) -> Self {
        let odd = Domain::new("odd.example", Behaviour::tls())
            .signing(signing)
            .tlsa("mx.odd.example", [Tlsa::host()])
            .txt("odd.example", "words")
            .cname("out.odd.example", "mx.tls.example")
            .cname("in.odd.example", "mx.odd.example");
        let into =
            Domain::new("into.example", Behaviour::tls()).cname("in.into.example", "mx.verified.example");
        Self::new(vec![odd, into]).await
    }

    async fn ask(&self, kind: &str, name: &str) -> String {
        told(&self.dns, kind, name, Age::Cached).await
    }
}

fn dns(world: &World, anchor: &str) -> Dns {
    let servers = DnsServers::At(vec![world.dns_addr()]);
    Dns::new(&servers, &Dnssec::Validate { anchor: anchor.to_owned() }, Duration::from_secs(1)).unwrap()
}

/// An answer in words, without what differs from world to world.
pub(crate) async fn told(dns: &Dns, kind: &str, name: &str, age: Age) -> String {
    match kind {
        "MX" => words(dns.mx(name, age).await, |(preference, host)| format!("{preference} {host}")),
        "A" => words(dns.addresses(name, age).await, |_| "address".to_owned()),
        "TLSA" => words(dns.tlsa(25, name, age).await, |tlsa| {
            format!("{} {} {}", tlsa.usage, tlsa.selector, tlsa.matching)
        }),
        "TXT" => words(dns.txt(name, age).await, |text| format!("{text:?}")),
        _ => panic!("{kind}"),
    }
}

fn words<T>(answer: Answer<T>, record: impl Fn(T) -> String) -> String {
    let proof = |proof| match proof {
        Proof::Secure => "secure",
        Proof::Insecure => "insecure",
    };
    match answer {
        Answer::Found(found) => {
            let records: Vec<String> = found.records.into_iter().map(record).collect();
            format!("{} {}", proof(found.proof), records.join(", "))
        }
        Answer::NoData(proven) => format!("{} no such record", proof(proven)),
        Answer::NxDomain(proven) => format!("{} no such name", proof(proven)),
        Answer::Failed(failure) => match failure.kind {
            LookupFailureKind::Bogus => "bogus".to_owned(),
            LookupFailureKind::Unanswered => "unanswered".to_owned(),
            LookupFailureKind::OwnFault => "own fault".to_owned(),
        },
    }
}

/// What a zone proves of its records, of their absence, and of names that it does not have.
// rfc 7672 2.1.1: MUST A security-aware resolver MUST be used for
// rfc 7672 2.1.1: MUST As noted in Section 4.3 of [RFC4035]
// rfc 7672 2.1.1: MUST All "insecure" RRsets MUST be handled identically
// rfc 7672 2.1.1: MUST NOT Security-oblivious stub resolvers [RFC4033] MUST NOT be
#[rstest]
#[case::unsigned(Signing::Unsigned, "insecure")]
#[case::signed(Signing::Signed, "secure")]
#[case::dated(Signing::Dated, "secure")]
#[case::forged(Signing::Bogus(Flaw::Forged), "bogus")]
#[case::expired(Signing::Bogus(Flaw::Expired), "bogus")]
#[case::not_yet_valid(Signing::Bogus(Flaw::NotYetValid), "bogus")]
#[case::wrong_key(Signing::Bogus(Flaw::WrongKey), "bogus")]
#[case::no_signatures(Signing::Bogus(Flaw::NoSignatures), "bogus")]
#[case::orphan_ds(Signing::Bogus(Flaw::OrphanDs), "bogus")]
#[tokio::test]
async fn a_zone_proves_all_it_says_or_nothing(#[case] signing: Signing, #[case] proof: &str) {
    let fixture = Fixture::of(signing).await;
    for (kind, name, answer) in [
        ("MX", "odd.example", "10 mx.odd.example"),
        ("A", "mx.odd.example", "address"),
        ("TLSA", "mx.odd.example", "3 1 1"),
        ("TXT", "odd.example", "\"words\""),
        ("A", "in.odd.example", "address"),
        ("MX", "mx.odd.example", "no such record"),
        ("TXT", "mx.odd.example", "no such record"),
        ("MX", "in.odd.example", "no such record"),
        ("TXT", "_mta-sts.odd.example", "no such name"),
        ("TLSA", "gone.odd.example", "no such name"),
        ("A", "gone.odd.example", "no such name"),
        ("MX", "gone.odd.example", "no such name"),
    ] {
        let expected = if proof == "bogus" { proof.to_owned() } else { format!("{proof} {answer}") };
        // Once more: an answer is the same from what is kept.
        for time in ["first", "second"] {
            assert_eq!(fixture.ask(kind, name).await, expected, "{kind} {name}, {time}");
        }
    }
}

/// The weakest record on the way counts, also where a secure one comes after it.
// rfc 7672 2.1.3: MUST Whether a chain of CNAME records was
// rfc 7672 2.1.3: MUST If at any stage of CNAME expansion
#[rstest]
#[case::secure_to_insecure(Signing::Signed, "out.odd.example", "insecure address")]
#[case::insecure_to_secure(Signing::Unsigned, "in.into.example", "insecure address")]
#[case::bogus_to_insecure(Signing::Bogus(Flaw::Forged), "out.odd.example", "bogus")]
#[case::insecure_to_insecure(Signing::Unsigned, "out.odd.example", "insecure address")]
#[tokio::test]
async fn aliases(#[case] signing: Signing, #[case] name: &str, #[case] expected: &str) {
    let fixture = Fixture::of(signing).await;
    assert_eq!(fixture.ask("A", name).await, expected);
}

#[tokio::test]
async fn an_alias_tells_of_its_end_and_its_beginning() {
    let fixture = Fixture::of(Signing::Signed).await;
    let alias = async |name| {
        let Answer::Found(found) = fixture.dns.addresses(name, Age::Cached).await else { panic!("{name}") };
        found.alias.map(|alias| (alias.target, alias.first))
    };
    assert_eq!(alias("mx.odd.example").await, None);
    assert_eq!(alias("in.odd.example").await, Some(("mx.odd.example".to_owned(), Proof::Secure)));
    assert_eq!(alias("out.odd.example").await, Some(("mx.tls.example".to_owned(), Proof::Secure)));
    assert_eq!(alias("in.into.example").await, Some(("mx.verified.example".to_owned(), Proof::Insecure)));
}

#[tokio::test]
async fn aliases_that_never_end_are_no_answer() {
    let fixture = Fixture::new(vec![
        Domain::alias("round.example", "about.example"),
        Domain::alias("about.example", "round.example"),
        Domain::alias("to-bogus.example", "bogus.example"),
        Domain::alias("nowhere.example", "gone.example"),
    ])
    .await;
    assert_eq!(fixture.ask("MX", "round.example").await, "unanswered");
    assert_eq!(fixture.ask("MX", "to-bogus.example").await, "bogus");
    assert_eq!(fixture.ask("MX", "nowhere.example").await, "secure no such name");
}

/// Who answers in a server's place, or takes away what it signs, is noticed wherever there are signatures.
// rfc 7672 2.1.1: MUST NOT a security-aware stub resolver MUST NOT
#[rstest]
#[case::stripped(Signing::Signed, DnsFault::NoSignatures, "bogus", "bogus")]
#[case::stripped_unsigned(
    Signing::Unsigned,
    DnsFault::NoSignatures,
    "insecure 10 mx.odd.example",
    "insecure 3 1 1"
)]
#[case::forged(Signing::Signed, DnsFault::Forged(Ipv4Addr::LOCALHOST), "bogus", "bogus")]
#[case::forged_unsigned(
    Signing::Unsigned,
    DnsFault::Forged(Ipv4Addr::LOCALHOST),
    "insecure 0 odd.example",
    "insecure no such record"
)]
#[case::servfail(Signing::Signed, DnsFault::ServFail, "unanswered", "unanswered")]
#[case::refused(Signing::Unsigned, DnsFault::Refused, "unanswered", "unanswered")]
#[case::garbage(Signing::Signed, DnsFault::Garbage, "unanswered", "unanswered")]
#[case::silence(Signing::Unsigned, DnsFault::Silence, "unanswered", "unanswered")]
#[tokio::test]
async fn attacks_and_failures(
    #[case] signing: Signing,
    #[case] fault: DnsFault,
    #[case] mx: &str,
    #[case] tlsa: &str,
) {
    let fixture = Fixture::of(signing).await;
    fixture.world.set_dns_fault("odd.example", Some(fault)).unwrap();
    fixture.world.set_dns_fault("_25._tcp.mx.odd.example", Some(fault)).unwrap();
    assert_eq!(fixture.ask("MX", "odd.example").await, mx);
    assert_eq!(fixture.ask("TLSA", "mx.odd.example").await, tlsa);
}

/// What could not be proven since a key was not to be had is not bogus, and not insecure either.
// rfc 7672 2.1.1: MUST If a resolver does signal an [RFC4035]
#[rstest]
#[case::key_refused(DnsFault::Refused)]
#[case::key_not_served(DnsFault::ServFail)]
#[tokio::test]
async fn without_a_key_there_is_no_answer(#[case] fault: DnsFault) {
    let fixture = Fixture::of(Signing::Signed).await;
    fixture.world.set_dns_fault("odd.example", Some(fault)).unwrap();
    assert_eq!(fixture.ask("A", "mx.odd.example").await, "unanswered");
    fixture.world.set_dns_fault("odd.example", None).unwrap();
    assert_eq!(fixture.ask("A", "mx.odd.example").await, "secure address");
}

/// A zone that is mended, or signed anew, is believed at once: old keys are not held against it.
#[tokio::test]
async fn keys_that_are_kept_are_replaced() {
    let fixture = Fixture::of(Signing::Signed).await;
    for (signing, expected) in [
        (Signing::Signed, "secure"),
        (Signing::Bogus(Flaw::Expired), "bogus"),
        (Signing::Signed, "secure"),
        (Signing::Dated, "secure"),
    ] {
        fixture.world.set_signing("odd.example", signing).unwrap();
        let answer = told(&fixture.dns, "MX", "odd.example", Age::Fresh).await;
        assert!(answer.starts_with(expected), "{signing:?}: {answer}");
    }
}

/// The first answer comes from its source, the next from what is kept; a fresh one from its source again.
#[tokio::test]
async fn age_is_told() {
    let fixture = Fixture::of(Signing::Signed).await;
    let age = async |wanted| match fixture.dns.tlsa(25, "mx.odd.example", wanted).await {
        Answer::Found(found) => found.age,
        other => panic!("{other:?}"),
    };
    assert_eq!(age(Age::Cached).await, Age::Fresh);
    assert_eq!(age(Age::Cached).await, Age::Cached);
    fixture.world.set_tlsa("mx.odd.example", [Tlsa::mismatch(), Tlsa::host()]).unwrap();
    assert_eq!(fixture.ask("TLSA", "mx.odd.example").await, "secure 3 1 1");
    assert_eq!(age(Age::Fresh).await, Age::Fresh);
    assert_eq!(fixture.ask("TLSA", "mx.odd.example").await, "secure 3 1 1, 3 1 1");
}

/// A server that is silent costs the wait once, and is asked again for other names.
#[tokio::test]
async fn silence_is_remembered_for_a_while() {
    let fixture = Fixture::of(Signing::Unsigned).await;
    fixture.world.set_dns_fault("mx.odd.example", Some(DnsFault::Silence)).unwrap();
    assert_eq!(fixture.ask("A", "mx.odd.example").await, "unanswered");
    let begun = Instant::now();
    assert_eq!(fixture.ask("A", "mx.odd.example").await, "unanswered");
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    assert_eq!(fixture.ask("MX", "odd.example").await, "insecure 10 mx.odd.example");
}

/// A wildcard's records are proven by what proves that there is no closer name.
#[rstest]
#[case::nsec(Signing::Signed)]
#[case::nsec3(Signing::Dated)]
#[tokio::test]
async fn wildcards(#[case] signing: Signing) {
    let odd = Domain::new("odd.example", Behaviour::tls())
        .signing(signing)
        .tlsa_at(TlsaPorts::Wildcard, "mx.odd.example", [Tlsa::host()])
        .txt("*.odd.example", "any");
    let fixture = Fixture::new(vec![odd]).await;
    assert_eq!(fixture.ask("TLSA", "mx.odd.example").await, "secure 3 1 1");
    assert_eq!(fixture.ask("TXT", "x.y.odd.example").await, "secure \"any\"");
    assert_eq!(fixture.ask("MX", "x.odd.example").await, "secure no such record");
    assert_eq!(fixture.ask("TXT", "mx.odd.example").await, "secure no such record");
}

/// When nothing holds, the fault is ours: no domain is blamed.
#[tokio::test]
async fn an_old_trust_anchor_is_our_own_fault() {
    let fixture = Fixture::of(Signing::Signed).await;
    for anchor in [ROOT_ANCHOR, Fixture::new(Vec::new()).await.world.trust_anchor()] {
        let dns = dns(&fixture.world, anchor);
        for (kind, name) in [("MX", "odd.example"), ("MX", "tls.example"), ("A", "gone.odd.example")] {
            assert_eq!(told(&dns, kind, name, Age::Cached).await, "own fault", "{kind} {name}");
        }
        let error = dns.check().await.unwrap_err();
        assert!(error.contains("trust anchor is out of date"), "{error}");
    }
    assert_eq!(fixture.dns.check().await, Ok(()));
}

#[tokio::test]
async fn a_check_tells_silence_from_an_old_anchor() {
    let nobody = DnsServers::At(vec!["127.0.0.1:1".parse().unwrap()]);
    let validating = Dnssec::Validate { anchor: ROOT_ANCHOR.to_owned() };
    for dnssec in [validating, Dnssec::TrustAd] {
        let dns = Dns::new(&nobody, &dnssec, Duration::from_secs(1)).unwrap();
        let error = dns.check().await.unwrap_err();
        assert!(error.contains("do not answer"), "{error}");
        assert_eq!(told(&dns, "MX", "odd.example", Age::Cached).await, "unanswered");
    }
}

/// A resolver elsewhere is not believed: anybody on the way could set the bit.
#[test]
fn the_ad_bit_is_believed_on_this_machine_only() {
    let servers = |address: &str| DnsServers::At(vec![address.parse().unwrap()]);
    let dns = |address| Dns::new(&servers(address), &Dnssec::TrustAd, Duration::from_secs(1)).map(|_dns| ());
    assert_eq!(dns("127.0.0.1:53"), Ok(()));
    assert_eq!(dns("[::1]:53"), Ok(()));
    let error = dns("192.0.2.1:53").unwrap_err();
    assert!(error.contains("192.0.2.1") && error.contains("validating resolver on loopback"), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_validate_sets_no_bit() {
    let fixture = Fixture::of(Signing::Signed).await;
    let servers = DnsServers::At(vec![fixture.world.dns_addr()]);
    let dns = Dns::new(&servers, &Dnssec::TrustAd, Duration::from_secs(1)).unwrap();
    assert_eq!(told(&dns, "MX", "odd.example", Age::Cached).await, "insecure 10 mx.odd.example");
    assert_eq!(told(&dns, "MX", "mx.odd.example", Age::Cached).await, "insecure no such record");
    let error = dns.check().await.unwrap_err();
    assert!(error.contains("does not check signatures"), "{error}");
}

/// A long TXT record has several character-strings.
// rfc 8461 3.1: MUST If the resulting TXT record contains multiple
#[tokio::test]
async fn texts_are_joined_without_spaces() {
    let text = "v=STSv1; ".repeat(60);
    let odd = Domain::new("odd.example", Behaviour::tls()).txt("odd.example", &text);
    let fixture = Fixture::new(vec![odd]).await;
    assert_eq!(fixture.ask("TXT", "odd.example").await, format!("insecure {text:?}"));
}
