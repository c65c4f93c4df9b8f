//! What `POST /checks` and `tls-guarantee check` ask.

use delivery::Extent;
use guarantee::{Conclusion, Protection, Requirement::Encrypted};
use rstest::rstest;
use small_internet::{Behaviour, Domain};

use crate::fixture::Fixture;

/// As sending with the guarantee on would end, host by host, without an envelope.
#[rstest]
#[case("tls.example", Ok(Protection::Encrypted), &[("mx.tls.example", "encrypted")])]
#[case("mixed.example", Ok(Protection::Encrypted), &[("mx1.mixed.example", "5.7.4"), ("mx2.mixed.example", "encrypted")])]
#[case("plain.example", Err("stop 5.7.4"), &[("mx.plain.example", "5.7.4")])]
#[case("legacy.example", Err("stop 5.7.5"), &[("mx.legacy.example", "5.7.5")])]
#[case("broken.example", Err("stop 5.7.5"), &[("mx.broken.example", "5.7.5")])]
#[case("down.example", Err("defer 5.4.1"), &[("mx.down.example", "5.4.1")])]
#[case("half.example", Err("defer 5.4.1"), &[("mx1.half.example", "5.7.4"), ("mx2.half.example", "5.4.1")])]
#[case("nomail.example", Err("stop 5.1.10"), &[])]
#[case("unknown.example", Err("stop 5.1.2"), &[])]
#[tokio::test(flavor = "multi_thread")]
async fn a_probe(
    #[case] domain: &str,
    #[case] conclusion: Result<Protection, &str>,
    #[case] hosts: &[(&str, &str)],
) {
    let half = [(10, Behaviour::plain()), (20, Behaviour::down())];
    let fixture = Fixture::new([Domain::with_hosts("half.example", half)]).await;
    let probe = fixture.courier.probe(domain, Encrypted, Extent::FirstToServe).await;
    let told = probe.conclusion.map_err(|conclusion| match conclusion {
        Conclusion::Stop(cause) => format!("stop {}", cause.status()),
        Conclusion::Defer(cause) => format!("defer {}", cause.status()),
    });
    assert_eq!(told.as_ref().map_err(String::as_str), conclusion.as_ref().map_err(|text| *text));
    let found: Vec<(&str, String)> = probe
        .hosts
        .iter()
        .map(|host| {
            assert_eq!(host.tls.is_some(), host.found.is_ok());
            let found = match &host.found {
                Ok(protection) => protection.to_string(),
                Err(cause) => cause.status(),
            };
            (host.name.as_str(), found)
        })
        .collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(name, found)| (*name, found.as_str())).collect();
    assert_eq!(found, hosts);
    for host in fixture.world.coordinates().hosts.keys() {
        assert_eq!(fixture.envelopes(host), []);
    }
}

/// A probe looks for itself: nothing kept from a delivery answers for the host.
#[tokio::test(flavor = "multi_thread")]
async fn a_probe_is_fresh() {
    let fixture = Fixture::odd(Behaviour::tls()).await;
    fixture.send("odd.example", crate::fixture::Encrypted).await;
    let address = fixture.world.addresses("mx.odd.example")[0];
    fixture.world.set_behaviour(address, Behaviour::plain()).await.unwrap();
    let probe = fixture.courier.probe("odd.example", Encrypted, Extent::FirstToServe).await;
    assert!(matches!(probe.conclusion, Err(Conclusion::Stop(_))), "{probe:?}");
}
