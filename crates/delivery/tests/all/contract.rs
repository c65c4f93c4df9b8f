//! The rows of the contract's table that this delivery knows, and three names more.

use rstest::rstest;
use small_internet::Domain;

use crate::fixture::{Encrypted, Fixture, Opportunistic};

/// With and without the guarantee, in the words of `Fixture::told`.
// rfc 5321 5.1: MUST Once an SMTP client lexically identifies a domain
// rfc 5321 5.1: MUST If a non-existent domain error is returned
#[rstest]
#[case::tls(
    "tls.example",
    "delivered encrypted in TLSv1.3 by mx.tls.example[1]",
    "delivered encrypted in TLSv1.3 by mx.tls.example[1]"
)]
#[case::verified(
    "verified.example",
    "delivered encrypted in TLSv1.3 by mx.verified.example[1]",
    "delivered encrypted in TLSv1.3 by mx.verified.example[1]"
)]
#[case::plain(
    "plain.example",
    "stopped 5.7.4: TLS is required, but was not offered by host mx.plain.example[1]",
    "delivered none in clear by mx.plain.example[1]"
)]
#[case::legacy(
    "legacy.example",
    "stopped 5.7.5: TLS is required, but the handshake with host mx.legacy.example[1] failed: the host answered with the alert protocol_version: no common protocol version, TLS 1.2 or 1.3",
    "delivered none in clear by mx.legacy.example[1]"
)]
#[case::broken(
    "broken.example",
    "stopped 5.7.5: TLS is required, but the handshake with host mx.broken.example[1] failed: the host answered with the alert handshake_failure: perhaps no cipher with ECDHE and AEAD in common",
    "delivered none in clear by mx.broken.example[1]"
)]
#[case::mixed(
    "mixed.example",
    "delivered encrypted in TLSv1.3 by mx2.mixed.example[1]",
    "delivered none in clear by mx1.mixed.example[1]"
)]
#[case::down(
    "down.example",
    "deferred 4.4.1: connect to mx.down.example[1]: Connection refused",
    "deferred 4.4.1: connect to mx.down.example[1]: Connection refused"
)]
#[case::nomail(
    "nomail.example",
    "bounced 5.1.10: Domain nomail.example does not accept mail (null MX)",
    "bounced 5.1.10: Domain nomail.example does not accept mail (null MX)"
)]
#[case::implicit(
    "implicit.example",
    "delivered encrypted in TLSv1.3 by implicit.example[1]",
    "delivered encrypted in TLSv1.3 by implicit.example[1]"
)]
#[case::alias(
    "alias.example",
    "delivered encrypted in TLSv1.3 by mx.tls.example[1]",
    "delivered encrypted in TLSv1.3 by mx.tls.example[1]"
)]
#[case::nothing(
    "nothing.example",
    "bounced 5.1.2: Domain nothing.example not found, or it has no mail host",
    "bounced 5.1.2: Domain nothing.example not found, or it has no mail host"
)]
#[case::unknown(
    "unknown.example",
    "bounced 5.1.2: Domain unknown.example not found, or it has no mail host",
    "bounced 5.1.2: Domain unknown.example not found, or it has no mail host"
)]
#[tokio::test(flavor = "multi_thread")]
async fn rows(#[case] domain: &str, #[case] encrypted: &str, #[case] opportunistic: &str) {
    let fixture = Fixture::new([]).await;
    for (requirement, expected) in [(Encrypted, encrypted), (Opportunistic, opportunistic)] {
        let before = fixture.world.deliveries().len();
        assert_eq!(fixture.send(domain, requirement).await, expected);
        let deliveries = fixture.world.deliveries().split_off(before);
        let seen: Vec<String> = deliveries
            .iter()
            .map(|d| match &d.tls {
                Some(version) => format!("delivered encrypted in {version} by {}[1]", d.host),
                None => format!("delivered none in clear by {}[1]", d.host),
            })
            .collect();
        let delivered = if expected.starts_with("delivered") { vec![expected] } else { Vec::new() };
        assert_eq!(seen, delivered);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cause_names_host_and_address_as_administrators_do() {
    let fixture = Fixture::new([]).await;
    let fates = fixture.fates(crate::fixture::attempt("plain.example", Encrypted)).await;
    let address = fixture.world.addresses("mx.plain.example")[0];
    let expected = format!("TLS is required, but was not offered by host mx.plain.example[{address}]");
    assert_eq!(crate::fixture::cause(&fates[0]).text(), expected);
}

/// The server name of the handshake is the MX host's, not the domain's.
// rfc 8461 7.1: MUST SMTP client MUST have support for the TLS Server Name Indication
// rfc 8461 7.1: MUST When connecting to an SMTP server, the SNI extension MUST contain the MX hostname
#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_names_the_mx_host() {
    let fixture = Fixture::new([Domain::alias("other.example", "tls.example")]).await;
    fixture.send("other.example", Encrypted).await;
    let transaction = fixture.world.transaction(0).unwrap();
    assert_eq!(transaction.sni.as_deref(), Some("mx.tls.example"));
    assert_eq!(transaction.helo, "home.example");
}
