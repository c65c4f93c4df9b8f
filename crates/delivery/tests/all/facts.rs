//! What is known of a next hop before its hosts are spoken to: which they are, and what they publish for DANE.

use delivery::{Patience, Route};
use guarantee::{Addresses, Age, Facts, LookupFailureKind, MxAnswer, Proof, Tlsa};
use rstest::rstest;
use small_internet::{Behaviour, DnsFault, Domain, MxHost, Signing, Tlsa as Record};

use crate::fixture::Fixture;

async fn facts(fixture: &Fixture, next_hop: &str) -> Facts {
    fixture.courier.facts(next_hop, Age::Cached).await.0
}

/// In words: how far the MX is proven, the name at the end of its CNAMEs, and each host with its TLSA records.
fn told(facts: &Facts) -> String {
    let proof = |proof| match proof {
        Proof::Secure => "secure",
        Proof::Insecure => "insecure",
    };
    let failed = |kind| match kind {
        LookupFailureKind::Bogus => "bogus",
        LookupFailureKind::Unanswered => "unanswered",
        LookupFailureKind::OwnFault => "own fault",
    };
    let (mut told, hosts) = match &facts.mx {
        MxAnswer::Hosts { proof: proven, expanded, hosts } => {
            let expanded = expanded.as_ref().map(|name| format!(" as {name}")).unwrap_or_default();
            (format!("{}{expanded}:", proof(*proven)), hosts)
        }
        MxAnswer::NullMx => return "null MX".to_owned(),
        MxAnswer::NoSuchDomain => return "no such domain".to_owned(),
        MxAnswer::Failed(failure) => return failed(failure.kind).to_owned(),
    };
    for host in hosts {
        let tlsa = match &host.tlsa {
            Tlsa::None => "no TLSA".to_owned(),
            Tlsa::Published { base, records, .. } => format!("{} TLSA at {base}", records.len()),
            Tlsa::Failed(failure) => format!("TLSA {}", failed(failure.kind)),
        };
        let addresses = match &host.addresses {
            Addresses::Found(_) => "",
            Addresses::NoAddress | Addresses::Forbidden => " without address",
            Addresses::Failed(failure) => &*format!(" {}", failed(failure.kind)),
        };
        told += &format!(" {}{addresses} with {tlsa}", host.name);
    }
    told
}

fn by(name: &str, host: &str) -> Domain {
    Domain::with_mx(name, vec![MxHost::elsewhere(10, host)])
}

/// Domains whose MX hosts are aliases, in zones signed or not.
fn aliases() -> Vec<Domain> {
    let zone = |name: &str| {
        Domain::new(name, Behaviour::tls())
            .cname(&format!("to-dane.{name}"), "mx.dane.example")
            .cname(&format!("to-tls.{name}"), "mx.tls.example")
            .cname(&format!("to-verified.{name}"), "mx.verified.example")
            .tlsa(&format!("to-dane.{name}"), [Record::mismatch()])
            .tlsa(&format!("to-tls.{name}"), [Record::mismatch()])
            .tlsa(&format!("to-verified.{name}"), [Record::mismatch()])
    };
    let signed = zone("signed.example").signed();
    let unsigned = zone("unsigned.example");
    let customers = ["signed", "unsigned"].into_iter().flat_map(|zone| {
        ["dane", "tls", "verified"].map(|host| {
            by(&format!("{host}-by-{zone}.example"), &format!("to-{host}.{zone}.example")).signed()
        })
    });
    let mut domains: Vec<Domain> = customers.collect();
    domains.extend([signed, unsigned]);
    domains
}

/// RFC 7672 §2.2: which records count, and under which name.
// rfc 7672 2.1.2: MUST When a particular SMTP server is securely
// rfc 7672 2.2.1: MUST In the absence of DNS lookup errors
// rfc 7672 2.2.2: MUST To avoid problems delivering mail to domains
// rfc 7672 2.2.3: MUST As noted previously (in Section 2.2.2), when
#[rstest]
#[case::secure("dane.example", "secure: mx.dane.example with 1 TLSA at mx.dane.example")]
#[case::nsec3("alg7.example", "secure: mx.alg7.example with 1 TLSA at mx.alg7.example")]
#[case::absent("verified.example", "secure: mx.verified.example with no TLSA")]
#[case::insecure("tls.example", "insecure: mx.tls.example with no TLSA")]
#[case::bogus("bogus.example", "bogus")]
#[case::null_mx("nomail.example", "null MX")]
#[case::unknown("unknown.example", "no such domain")]
#[case::nothing("nothing.example", "no such domain")]
#[case::insecure_mx("hosted.example", "insecure: mx.dane.example with 1 TLSA at mx.dane.example")]
#[case::to_bogus("to-bogus.example", "secure: mx.bogus.example bogus with no TLSA")]
#[case::implicit("implicit.example", "insecure: implicit.example with no TLSA")]
#[case::secure_implicit("own.example", "secure: own.example with 1 TLSA at own.example")]
#[case::bogus_implicit("own-bogus.example", "bogus")]
#[case::alias("alias.example", "insecure: mx.tls.example with no TLSA")]
#[case::secure_alias(
    "other.example",
    "secure as dane.example: mx.dane.example with 1 TLSA at mx.dane.example"
)]
#[case::secure_alias_to_implicit(
    "other-own.example",
    "secure as own.example: other-own.example with 1 TLSA at own.example"
)]
#[case::expanded_host(
    "dane-by-signed.example",
    "secure: to-dane.signed.example with 1 TLSA at mx.dane.example"
)]
#[case::unexpanded_host(
    "verified-by-signed.example",
    "secure: to-verified.signed.example with 1 TLSA at to-verified.signed.example"
)]
#[case::host_in_an_unsigned_zone(
    "tls-by-signed.example",
    "secure: to-tls.signed.example with 1 TLSA at to-tls.signed.example"
)]
#[case::insecure_alias_to_dane("dane-by-unsigned.example", "secure: to-dane.unsigned.example with no TLSA")]
#[case::insecure_alias("tls-by-unsigned.example", "secure: to-tls.unsigned.example with no TLSA")]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_published(#[case] next_hop: &str, #[case] expected: &str) {
    let bogus = Signing::Bogus(small_internet::Flaw::Expired);
    let mut domains = aliases();
    domains.extend([
        by("hosted.example", "mx.dane.example"),
        by("to-bogus.example", "mx.bogus.example").signed(),
        Domain::implicit("own.example", Behaviour::tls()).signed().tlsa("own.example", [Record::host()]),
        Domain::implicit("own-bogus.example", Behaviour::tls()).signing(bogus),
        Domain::alias("other.example", "dane.example"),
        Domain::alias("other-own.example", "own.example"),
    ]);
    let fixture = Fixture::new(domains).await;
    assert_eq!(told(&facts(&fixture, next_hop).await), expected);
}

/// Records that can't be looked up take the host away; of the others, nothing is asked.
// rfc 7672 2.1.2: MUST NOT Queries for candidate TLSA records are explicitly
// rfc 7672 2.1.2: MUST If any DNS failure occurs, the SMTP
// rfc 7672 2.1.2: MUST When a DNS lookup failure (an error
// rfc 7672 2.2.2: SHOULD NOT If address records are found but the
// rfc 7672 2.2.3: MUST For SMTP, the destination TCP port is
#[rstest]
#[case::failed("dane.example", "_P._tcp.mx.dane.example", DnsFault::ServFail, "TLSA unanswered")]
#[case::stripped("dane.example", "_P._tcp.mx.dane.example", DnsFault::NoSignatures, "TLSA bogus")]
#[case::forged("dane.example", "_P._tcp.mx.dane.example", FORGED, "TLSA bogus")]
#[case::denied("verified.example", "_P._tcp.mx.verified.example", DnsFault::NoSignatures, "TLSA bogus")]
#[case::another_port("dane.example", "_25._tcp.mx.dane.example", DnsFault::ServFail, "1 TLSA")]
#[case::not_asked("tls.example", "_P._tcp.mx.tls.example", DnsFault::ServFail, "no TLSA")]
#[case::addresses("dane.example", "mx.dane.example", DnsFault::ServFail, "mx.dane.example unanswered")]
#[case::forged_addresses("dane.example", "mx.dane.example", FORGED, "mx.dane.example bogus")]
#[case::mx("dane.example", "dane.example", DnsFault::Refused, "unanswered")]
#[case::forged_mx("dane.example", "dane.example", FORGED, "bogus")]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_answered(
    #[case] next_hop: &str,
    #[case] asked: &str,
    #[case] fault: DnsFault,
    #[case] expected: &str,
) {
    let fixture = Fixture::new([]).await;
    let asked = asked.replace("_P", &format!("_{}", fixture.world.smtp_port()));
    fixture.world.set_dns_fault(&asked, Some(fault)).unwrap();
    let told = told(&facts(&fixture, next_hop).await);
    assert!(told.contains(expected), "{told}");
}

const FORGED: DnsFault = DnsFault::Forged(std::net::Ipv4Addr::new(127, 66, 66, 66));

/// What is looked up anew is what is published now; till then, what is kept may serve.
#[tokio::test(flavor = "multi_thread")]
async fn facts_past_what_is_kept() {
    let fixture = Fixture::new([]).await;
    let tlsa = async |wanted| {
        let (facts, _port) = fixture.courier.facts("dane.example", wanted).await;
        match facts.mx {
            MxAnswer::Hosts { mut hosts, .. } => match hosts.remove(0).tlsa {
                Tlsa::Published { records, age, .. } => (records.len(), age),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(tlsa(Age::Cached).await, (1, Age::Fresh));
    fixture.world.set_tlsa("mx.dane.example", [Record::mismatch(), Record::host()]).unwrap();
    assert_eq!(tlsa(Age::Cached).await, (1, Age::Cached));
    assert_eq!(tlsa(Age::Fresh).await, (2, Age::Fresh));
}

/// The operator's word is proof of where mail goes; the host has its own of how.
#[rstest]
#[case::dane("mx.dane.example", "secure: mx.dane.example with 1 TLSA at mx.dane.example")]
#[case::alias("to-dane.signed.example", "secure: to-dane.signed.example with 1 TLSA at mx.dane.example")]
#[case::unsigned("mx.tls.example", "secure: mx.tls.example with no TLSA")]
#[case::bogus("mx.bogus.example", "secure: mx.bogus.example bogus with no TLSA")]
#[case::address("192.0.2.1", "secure: 192.0.2.1 with no TLSA")]
#[tokio::test(flavor = "multi_thread")]
async fn routes(#[case] host: &str, #[case] expected: &str) {
    let fixture = Fixture::with(aliases(), Patience::default(), |settings| {
        let port = std::mem::replace(&mut settings.port, 26);
        let route = Route { host: host.to_owned(), port };
        settings.routes.insert("routed.example".to_owned(), route);
    })
    .await;
    assert_eq!(told(&facts(&fixture, "routed.example").await), expected);
}
