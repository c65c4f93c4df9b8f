//! From a domain to hosts: look-ups that fail, loops, addresses that mail never goes to, routes.

use std::time::{Duration, Instant};

use delivery::{Patience, Route, Settings};
use rstest::rstest;
use small_internet::{Behaviour, DnsFault, Domain, MxHost, Site};

use crate::fixture::{Encrypted, Fixture, Opportunistic};

async fn with_settings(
    extra: impl IntoIterator<Item = Domain>,
    change: impl FnOnce(&mut Settings),
) -> Fixture {
    Fixture::with(extra, Patience::default(), change).await
}

/// What DNS does not answer is not known, and what is not known is deferred.
// rfc 5321 5.1: MUST If a temporary error is returned
#[rstest]
#[case::mx("tls.example", "tls.example", DnsFault::ServFail)]
#[case::mx_refused("tls.example", "tls.example", DnsFault::Refused)]
#[case::address("tls.example", "mx.tls.example", DnsFault::ServFail)]
#[case::implicit("implicit.example", "implicit.example", DnsFault::ServFail)]
#[case::behind_an_alias("alias.example", "tls.example", DnsFault::ServFail)]
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_look_up(#[case] domain: &str, #[case] asked: &str, #[case] fault: DnsFault) {
    let fixture = Fixture::new([]).await;
    fixture.world.set_dns_fault(asked, Some(fault)).unwrap();
    for requirement in [Encrypted, Opportunistic] {
        let fate = fixture.send(domain, requirement).await;
        assert!(fate.starts_with("deferred 4.4.3: DNS look-up for "), "{fate}");
    }
    fixture.world.set_dns_fault(asked, None).unwrap();
    let fate = fixture.send(domain, Encrypted).await;
    assert!(fate.starts_with("delivered"), "a failure is not remembered: {fate}");
}

/// A name server that never answers is asked twice, and that is it.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_name_server() {
    let fixture = Fixture::hurried([]).await;
    fixture.world.set_dns_fault("tls.example", Some(DnsFault::Silence)).unwrap();
    let begun = Instant::now();
    let fate = fixture.send("tls.example", Encrypted).await;
    assert!(fate.starts_with("deferred 4.4.3: DNS look-up for tls.example failed: "), "{fate}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

/// A host whose address is not known is away; the others are not.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_an_answer_is_away() {
    let both = [(10, Behaviour::tls()), (20, Behaviour::tls())];
    let insecure = [(10, Behaviour::tls()), (20, Behaviour::plain())];
    let domains = [Domain::with_hosts("odd.example", both), Domain::with_hosts("insecure.example", insecure)];
    let fixture = Fixture::new(domains).await;
    for host in ["mx1.odd.example", "mx1.insecure.example"] {
        fixture.world.set_dns_fault(host, Some(DnsFault::ServFail)).unwrap();
    }
    let by_the_second = "delivered encrypted in TLSv1.3 by mx2.odd.example[1]";
    assert_eq!(fixture.send("odd.example", Encrypted).await, by_the_second);
    let fate = fixture.send("insecure.example", Encrypted).await;
    assert!(fate.starts_with("deferred 4.4.3: DNS look-up for mx1.insecure.example failed: "), "{fate}");
    let in_clear = "delivered none in clear by mx2.insecure.example[1]";
    assert_eq!(fixture.send("insecure.example", Opportunistic).await, in_clear);
}

/// RFC 5321 §5.1: with an MX, the domain's own address is no destination, whatever the MX is worth.
// rfc 5321 5.1: MUST If MX records are present, but none of them are usable, or the implicit
// rfc 5321 5.1: MUST If MX records are present, but none of them are usable, this situation
// rfc 5321 5.1: MUST NOT If one or more MX RRs are found
#[tokio::test(flavor = "multi_thread")]
async fn an_mx_without_an_address_is_final() {
    let mx = MxHost { preference: 10, name: "gone.odd.example".to_owned(), site: Site::Own(Vec::new()) };
    let fixture = Fixture::new([Domain::with_mx("odd.example", vec![mx])]).await;
    for requirement in [Encrypted, Opportunistic] {
        assert_eq!(
            fixture.send("odd.example", requirement).await,
            "bounced 5.4.4: No mail host of odd.example has an address that mail may be sent to"
        );
    }
    assert_eq!(fixture.world.commands("odd.example"), []);
}

/// Outside the demo nobody's zone leads mail to loopback or private addresses.
#[rstest]
#[case("tls.example")]
#[case("implicit.example")]
#[tokio::test(flavor = "multi_thread")]
async fn no_zone_leads_into_our_own_network(#[case] domain: &str) {
    let fixture = with_settings([], |settings| settings.own.loopback_is_the_world = false).await;
    for requirement in [Encrypted, Opportunistic] {
        assert_eq!(
            fixture.send(domain, requirement).await,
            format!("bounced 5.4.4: No mail host of {domain} has an address that mail may be sent to")
        );
    }
    for host in ["mx.tls.example", "implicit.example"] {
        assert_eq!(fixture.world.commands(host), []);
    }
}

/// Nor is anything there looked at, whoever asks what would protect mail to it.
#[rstest]
#[case::by_mx("tls.example", &["mx.tls.example"])]
#[case::by_address("implicit.example", &["implicit.example"])]
#[case::this_machine("localhost", &[])]
#[tokio::test(flavor = "multi_thread")]
async fn no_probe_leads_into_our_own_network(#[case] domain: &str, #[case] hosts: &[&str]) {
    let fixture = with_settings([], |settings| settings.own.loopback_is_the_world = false).await;
    for requirement in [Encrypted, Opportunistic] {
        for extent in [delivery::Extent::FirstToServe, delivery::Extent::All] {
            let probe = fixture.courier.probe(domain, requirement, extent).await;
            assert!(matches!(probe.conclusion, Err(guarantee::Conclusion::Stop(_))), "{probe:?}");
            assert_eq!(probe.hosts, [], "none was asked");
        }
    }
    for host in hosts {
        assert_eq!(fixture.world.commands(host), []);
    }
}

/// RFC 5321 §5.1: of the hosts, those from ourselves on are left out.
// rfc 5321 5.1: MUST The relay host MUST then inspect the list
// rfc 5321 5.1: MUST If a matching record is found
// rfc 5321 5.1: MUST If there are no records left at that point
// rfc 5321 5.1: SHOULD If records do remain
#[rstest]
#[case::first("mx1.odd.example", "bounced 5.4.6: Mail for odd.example loops back to this server")]
#[case::second("mx2.odd.example", "delivered encrypted in TLSv1.3 by mx1.odd.example[1]")]
#[tokio::test(flavor = "multi_thread")]
async fn we_are_a_host_of_the_domain(#[case] own: &str, #[case] expected: &str) {
    let domain = || Domain::with_hosts("odd.example", [(10, Behaviour::tls()), (20, Behaviour::tls())]);
    let by_name = with_settings([domain()], |settings| settings.own.names.push(own.to_owned())).await;
    assert_eq!(by_name.send("odd.example", Encrypted).await, expected);
    assert_eq!(by_name.world.commands("mx2.odd.example"), []);
}

// rfc 5321 5.1: MUST The relay host MUST then inspect the list
#[tokio::test(flavor = "multi_thread")]
async fn we_are_known_by_our_addresses_too() {
    let fixture = Fixture::new([]).await;
    let address = fixture.world.addresses("mx.tls.example")[0];
    let mut settings = Settings {
        hello_name: "home.example".to_owned(),
        own: delivery::Ownership { loopback_is_the_world: true, ..Default::default() },
        dns: delivery::DnsServers::At(vec![fixture.world.dns_addr()]),
        dnssec: delivery::Dnssec::Validate { anchor: fixture.world.trust_anchor().to_owned() },
        port: fixture.world.smtp_port(),
        https_port: 443,
        roots: Vec::new(),
        policies: std::sync::Arc::new(delivery::MemoryPolicies::default()),
        routes: Default::default(),
    };
    settings.own.addresses.push(address.into());
    let courier = delivery::Courier::new(settings).unwrap();
    let fates = courier.attempt(crate::fixture::attempt("tls.example", Encrypted)).await.fates;
    assert_eq!(crate::fixture::cause(&fates[0]).status(), "5.4.6");
    assert_eq!(fixture.world.commands("mx.tls.example"), []);
}

/// A route is the operator's: it needs no MX, and may lie anywhere.
#[rstest]
#[case::by_name("mx.tls.example".to_owned(), "delivered encrypted in TLSv1.3 by mx.tls.example[1]")]
#[case::unknown_name(
    "gone.example".to_owned(),
    "bounced 5.4.4: No mail host of unknown.example has an address that mail may be sent to"
)]
#[case::insecure(
    "mx.plain.example".to_owned(),
    "stopped 5.7.4: TLS is required, but was not offered by host mx.plain.example[1]"
)]
#[tokio::test(flavor = "multi_thread")]
async fn routes(#[case] host: String, #[case] expected: &str) {
    // The hosts have to know the domain.
    let mx = vec![MxHost::elsewhere(10, "mx.tls.example"), MxHost::elsewhere(10, "mx.plain.example")];
    let known = Domain::with_mx("unknown.example", mx);
    let fixture = with_settings([known], |settings| {
        settings.own.loopback_is_the_world = false;
        let port = std::mem::replace(&mut settings.port, 25);
        settings.routes.insert("unknown.example".to_owned(), Route { host, port });
    })
    .await;
    assert_eq!(fixture.send("unknown.example", Encrypted).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_may_be_an_address() {
    let fixture = Fixture::new([]).await;
    let address = fixture.world.addresses("mx.tls.example")[0];
    let settings = Settings {
        hello_name: "home.example".to_owned(),
        own: delivery::Ownership::default(),
        dns: delivery::DnsServers::At(vec![fixture.world.dns_addr()]),
        dnssec: delivery::Dnssec::Validate { anchor: fixture.world.trust_anchor().to_owned() },
        port: 25,
        https_port: 443,
        roots: Vec::new(),
        policies: std::sync::Arc::new(delivery::MemoryPolicies::default()),
        routes: [(
            "tls.example".to_owned(),
            Route { host: address.to_string(), port: fixture.world.smtp_port() },
        )]
        .into(),
    };
    let courier = delivery::Courier::new(settings).unwrap();
    let fates = courier.attempt(crate::fixture::attempt("tls.example", Encrypted)).await.fates;
    assert!(
        matches!(&fates[0], delivery::Fate::Delivered { host, .. } if host.address == address),
        "{fates:?}"
    );
    // RFC 6066 §3: an address is no server name.
    assert_eq!(fixture.world.transaction(0).unwrap().sni, None);
}

/// Many jobs begin at once after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn many_look_ups_at_a_time() {
    let fixture = Fixture::new([]).await;
    let names: Vec<String> = (0..200).map(|n| format!("n{n}.unknown.example")).collect();
    let all = names.iter().map(|name| fixture.send(name, Encrypted));
    for (fate, name) in futures_util::future::join_all(all).await.iter().zip(&names) {
        assert_eq!(fate, &format!("bounced 5.1.2: Domain {name} not found, or it has no mail host"));
    }
}
