//! DNSSEC, through a validating resolver that asks the world's server for everything.

use std::{net::Ipv4Addr, sync::Arc};

use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        dnssec::{Proof, TrustAnchors},
        op::ResponseCode,
        rr::{RecordType, RecordType::*},
    },
};
use rstest::rstest;
use small_internet::{Behaviour, Coordinates, DnsFault, Domain, Flaw, MxHost, Signing, World, WorldConfig};

use crate::Fixture;

/// A resolver that trusts this world's root key, with an empty cache.
pub(crate) fn resolver(world: &World) -> TokioResolver {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = world.dns_addr().port();
        connection
    });
    let server = NameServerConfig::new(world.dns_addr().ip(), true, connections.to_vec());
    let config = ResolverConfig::from_parts(None, vec![], vec![server]);
    let anchor = world.trust_anchor().parse::<TrustAnchors>().unwrap();
    Resolver::builder_with_config(config, TokioRuntimeProvider::new())
        .with_trust_anchor(Arc::new(anchor))
        .build()
        .unwrap()
}

/// What a validating client makes of a question: how far the answer is proven, and what it is.
pub(crate) async fn ask(world: &World, name: &str, kind: RecordType) -> String {
    let proof = |proofs: Vec<Proof>| {
        let weakest = proofs.into_iter().min_by_key(|proof| match proof {
            Proof::Bogus => 0,
            Proof::Indeterminate => 1,
            Proof::Insecure => 2,
            Proof::Secure => 3,
        });
        format!("{:?}", weakest.unwrap_or(Proof::Indeterminate)).to_lowercase()
    };
    match resolver(world).lookup(format!("{name}."), kind).await {
        Ok(lookup) => {
            let records = || lookup.answers().iter().filter(|record| record.record_type() != RRSIG);
            let mut data: Vec<_> =
                records().filter(|r| r.record_type() == kind).map(|r| r.data.to_string()).collect();
            data.sort();
            format!("{} {}", proof(records().map(|record| record.proof).collect()), data.join(", "))
        }
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
            let what = match none.response_code {
                ResponseCode::NXDomain => "no such name",
                ResponseCode::NoError => "no such record",
                code => return code.to_string(),
            };
            let authorities = none.authorities.iter().flat_map(|records| records.iter());
            let proven = authorities.filter(|r| r.record_type() != RRSIG).map(|r| r.proof);
            format!("{} {what}", proof(proven.chain(none.soa.iter().map(|soa| soa.proof)).collect()))
        }
        Err(NetError::Dns(DnsError::DnssecBogus | DnsError::Nsec { proof: Proof::Bogus, .. })) => {
            "bogus".to_owned()
        }
        Err(error) => format!("{error}"),
    }
}

fn signed() -> Domain {
    Domain::new("odd.example", Behaviour::tls()).signed()
}

#[rstest]
#[case::root_keys(".", NS, "secure ns.example.")]
#[case::mx("verified.example", MX, "secure 10 mx.verified.example.")]
#[case::upper_case("Verified.EXAMPLE", MX, "secure 10 mx.verified.example.")]
#[case::no_type("mx.verified.example", AAAA, "secure no such record")]
#[case::no_type_at_the_apex("verified.example", TLSA, "secure no such record")]
#[case::no_name("_25._tcp.mx.verified.example", TLSA, "secure no such name")]
#[case::no_domain("unknown.example", MX, "secure no such name")]
#[case::no_top_level_domain("gmail.com", MX, "secure no such name")]
#[case::before_all("0.verified.example", A, "secure no such name")]
#[case::after_all("zz.verified.example", A, "secure no such name")]
#[case::no_key_in_the_parent("tls.example", DS, "secure no such record")]
#[case::insecure_mx("tls.example", MX, "insecure 10 mx.tls.example.")]
#[case::insecure_no_type("nothing.example", MX, "insecure no such record")]
#[case::insecure_no_name("_25._tcp.mx.tls.example", TLSA, "insecure no such name")]
#[case::secure_alias_to_insecure("alias.example", MX, "insecure 10 mx.tls.example.")]
#[case::bogus("bogus.example", MX, "bogus")]
#[case::bogus_no_type("bogus.example", TXT, "bogus")]
#[case::bogus_no_name("_25._tcp.mx.bogus.example", TLSA, "bogus")]
#[tokio::test]
async fn answers_validate(#[case] name: &str, #[case] kind: RecordType, #[case] expected: &str) {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    assert_eq!(ask(world, name.trim_end_matches('.'), kind).await, expected);
}

#[tokio::test]
async fn the_parent_vouches_for_a_signed_zone() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    for zone in ["example", "verified.example", "bogus.example"] {
        let ds = ask(world, zone, DS).await;
        assert!(ds.starts_with("secure ") && ds.contains(" 13 2 "), "{zone}: {ds}");
    }
}

#[rstest]
#[case(Signing::Unsigned, "insecure")]
#[case(Signing::Signed, "secure")]
#[case(Signing::Dated, "secure")]
#[case(Signing::Bogus(Flaw::Forged), "bogus")]
#[case(Signing::Bogus(Flaw::Expired), "bogus")]
#[case(Signing::Bogus(Flaw::NotYetValid), "bogus")]
#[case(Signing::Bogus(Flaw::WrongKey), "bogus")]
#[case(Signing::Bogus(Flaw::NoSignatures), "bogus")]
#[case(Signing::Bogus(Flaw::OrphanDs), "bogus")]
#[tokio::test]
async fn signings(#[case] signing: Signing, #[case] expected: &str) {
    let fixture = Fixture::with([Domain::new("odd.example", Behaviour::tls()).signing(signing)]).await;
    let world = &fixture.world;
    let address = world.addresses("mx.odd.example")[0];
    for (name, kind, answer) in [
        ("odd.example", MX, "10 mx.odd.example."),
        ("mx.odd.example", A, &*address.to_string()),
        ("odd.example", TLSA, "no such record"),
        ("_25._tcp.mx.odd.example", TLSA, "no such name"),
        ("deep.below._25._tcp.mx.odd.example", TLSA, "no such name"),
    ] {
        let answer = if expected == "bogus" { expected.to_owned() } else { format!("{expected} {answer}") };
        assert_eq!(ask(world, name, kind).await, answer, "{name} {kind}");
    }
    assert_eq!(ask(world, "tls.example", MX).await, "insecure 10 mx.tls.example.");
}

#[tokio::test]
async fn a_zone_may_be_signed_otherwise_later() {
    let fixture = Fixture::with([signed()]).await;
    let world = &fixture.world;
    for (signing, expected) in [
        (Signing::Unsigned, "insecure 10 mx.odd.example."),
        (Signing::Bogus(Flaw::Expired), "bogus"),
        (Signing::Signed, "secure 10 mx.odd.example."),
    ] {
        world.set_signing("odd.example", signing).unwrap();
        assert_eq!(ask(world, "odd.example", MX).await, expected);
    }
    assert!(world.set_signing("unknown.example", Signing::Signed).is_err());
}

#[tokio::test]
async fn aliases_are_followed_through_zones() {
    let fixture = Fixture::with([
        Domain::alias("one.example", "odd.example"),
        Domain::alias("round.example", "about.example"),
        Domain::alias("about.example", "round.example"),
        Domain::with_mx("both.example", vec![MxHost::elsewhere(10, "mx.both.example")]).signed(),
        Domain::alias("mx.both.example", "mx.odd.example"),
        signed(),
    ])
    .await;
    let world = &fixture.world;
    let address = world.addresses("mx.odd.example")[0];
    assert_eq!(ask(world, "one.example", MX).await, "secure 10 mx.odd.example.");
    assert_eq!(ask(world, "mx.both.example", A).await, format!("secure {address}"));
    assert!(!ask(world, "round.example", MX).await.contains("odd"));
}

#[rstest]
#[case::signed("odd.example", "bogus", "bogus")]
#[case::unsigned("tls.example", "insecure 10 mx.tls.example.", "insecure 0 tls.example.")]
#[tokio::test]
async fn an_attacker_is_noticed_in_a_signed_zone(
    #[case] domain: &str,
    #[case] stripped: &str,
    #[case] forged: &str,
) {
    let fixture = Fixture::with([signed()]).await;
    let world = &fixture.world;
    let attacker = Ipv4Addr::new(127, 66, 66, 66);
    world.set_dns_fault(domain, Some(DnsFault::NoSignatures)).unwrap();
    assert_eq!(ask(world, domain, MX).await, stripped);
    world.set_dns_fault(domain, Some(DnsFault::Forged(attacker))).unwrap();
    assert_eq!(ask(world, domain, MX).await, forged);
    let host = format!("mx.{domain}");
    world.set_dns_fault(&host, Some(DnsFault::Forged(attacker))).unwrap();
    let expected = if forged == "bogus" { forged.to_owned() } else { format!("insecure {attacker}") };
    assert_eq!(ask(world, &host, A).await, expected);
    world.set_dns_fault(&host, Some(DnsFault::Garbage)).unwrap();
    let answer = ask(world, &host, A).await;
    assert!(!answer.starts_with("secure") && !answer.starts_with("insecure"), "{answer}");
}

#[tokio::test]
async fn faults_hit_names_below_a_host_too() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    let name = "_25._tcp.mx.dane.example";
    for (fault, expected) in [
        (Some(DnsFault::ServFail), "Server Failure"),
        (Some(DnsFault::NoSignatures), "bogus"),
        (Some(DnsFault::Forged(Ipv4Addr::LOCALHOST)), "bogus"),
        (None, "secure 3 1 1 "),
    ] {
        world.set_dns_fault(name, fault).unwrap();
        let answer = ask(world, name, TLSA).await;
        assert!(answer.contains(expected), "{fault:?}: {answer}");
        assert_eq!(ask(world, "dane.example", MX).await, "secure 10 mx.dane.example.");
    }
    world.set_dns_fault("_mta-sts.sts.example", Some(DnsFault::ServFail)).unwrap();
    assert!(ask(world, "_mta-sts.sts.example", TXT).await.contains("Server Failure"));
}

#[tokio::test]
async fn a_world_keeps_its_keys() {
    let data = tempfile::tempdir().unwrap();
    let first = World::start(WorldConfig::new(data.path())).await.unwrap();
    let (anchor, ds) = (first.trust_anchor().to_owned(), ask(&first, "verified.example", DS).await);
    let file = std::fs::read_to_string(&Coordinates::load(data.path()).unwrap().trust_anchor).unwrap();
    assert_eq!(file, anchor);
    first.shutdown().await;
    drop(first);
    let second = World::start(WorldConfig::new(data.path())).await.unwrap();
    assert_eq!(second.trust_anchor(), anchor);
    assert_eq!(ask(&second, "verified.example", DS).await, ds);
}

#[tokio::test]
async fn nobody_else_vouches_for_a_world() {
    let (one, two) = (Fixture::new().await, Fixture::new().await);
    assert_ne!(one.world.trust_anchor(), two.world.trust_anchor());
}
