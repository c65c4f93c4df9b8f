//! MX hosts with several addresses.

use std::time::{Duration, Instant};

use rstest::rstest;
use small_internet::{Behaviour, Domain, Handshake, MxHost, Site};

use crate::fixture::{Encrypted, Fixture, Opportunistic};

fn host_at(addresses: impl IntoIterator<Item = Behaviour>) -> Domain {
    let site = Site::Own(addresses.into_iter().collect());
    Domain::with_mx("odd.example", vec![MxHost { preference: 10, name: "mx.odd.example".to_owned(), site }])
}

/// The DNS gives the addresses in any order, so every expectation holds in any.
// rfc 5321 5.1: MUST To provide reliable mail transmission, the SMTP client MUST be able to try
// rfc 5321 5.1: SHOULD In any case, the SMTP client SHOULD try at least two addresses
#[rstest]
#[case::one_dead(
    [Behaviour::down(), Behaviour::tls()],
    "delivered encrypted in TLSv1.3 by mx.odd.example[2]",
    "delivered encrypted in TLSv1.3 by mx.odd.example[2]"
)]
#[case::one_insecure(
    [Behaviour::plain(), Behaviour::tls()],
    "delivered encrypted in TLSv1.3 by mx.odd.example[2]",
    "delivered"
)]
// The address that could be reached tells what the host is like.
#[case::one_dead_one_insecure(
    [Behaviour::down(), Behaviour::plain()],
    "stopped 5.7.4: TLS is required, but was not offered by host mx.odd.example[2]",
    "delivered none in clear by mx.odd.example[2]"
)]
#[case::one_shaky_one_insecure(
    [Behaviour::offering(Handshake::Close), Behaviour::plain()],
    "stopped 5.7.4: TLS is required, but was not offered by host mx.odd.example[2]",
    "delivered none in clear by mx.odd.example"
)]
#[case::one_dead_one_shaky(
    [Behaviour::down(), Behaviour::offering(Handshake::Close)],
    "deferred 4.7.5: TLS is required, but the handshake with host mx.odd.example[2] failed: tls handshake eof",
    "delivered none in clear by mx.odd.example[2]"
)]
#[case::both_dead(
    [Behaviour::down(), Behaviour::down()],
    "deferred 4.4.1: connect to mx.odd.example[",
    "deferred 4.4.1: connect to mx.odd.example["
)]
#[tokio::test(flavor = "multi_thread")]
async fn of_one_host(
    #[case] behaviours: [Behaviour; 2],
    #[case] encrypted: &str,
    #[case] opportunistic: &str,
) {
    let fixture = Fixture::new([host_at(behaviours)]).await;
    for (requirement, expected) in [(Encrypted, encrypted), (Opportunistic, opportunistic)] {
        let fate = fixture.send("odd.example", requirement).await;
        assert!(fate.starts_with(expected), "{fate} instead of {expected}");
    }
}

/// An address that swallows connection requests costs its time once; the next mail goes to the other one first.
// rfc 5321 4.5.4.1: SHOULD A client SHOULD keep a list of hosts it cannot reach
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_address_is_tried_last_from_then_on() {
    let fixture = Fixture::hurried([host_at([Behaviour::black_hole(), Behaviour::plain()])]).await;
    let mut slow = 0;
    for _ in 0..6 {
        let begun = Instant::now();
        let fate = fixture.send("odd.example", Opportunistic).await;
        assert_eq!(fate, "delivered none in clear by mx.odd.example[2]");
        slow += usize::from(begun.elapsed() >= Duration::from_secs(1));
    }
    assert!(slow <= 1, "{slow} of six mails waited for the silent address");
}

/// It is tried all the same, and mail flows as soon as it answers.
// rfc 5321 4.5.4.1: SHOULD SMTP clients SHOULD use great care in caching
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_address_is_tried_again_each_time() {
    let fixture = Fixture::hurried([Domain::new("odd.example", Behaviour::black_hole())]).await;
    for _ in 0..2 {
        let fate = fixture.send("odd.example", Encrypted).await;
        assert_eq!(fate, "deferred 4.4.1: connect to mx.odd.example[1]: timed out");
    }
    let address = fixture.world.addresses("mx.odd.example")[0];
    fixture.world.set_behaviour(address, Behaviour::tls()).await.unwrap();
    let fate = fixture.send("odd.example", Encrypted).await;
    assert_eq!(fate, "delivered encrypted in TLSv1.3 by mx.odd.example[1]");
}
