//! What comes of STARTTLS, host by host, with and without the guarantee.

use rstest::rstest;
use small_internet::{
    Action, Behaviour, Certificate, Dated, Domain, Handshake, Rule, Stage, StartTls, Versions,
};

use crate::fixture::{Encrypted, Fixture, Opportunistic};

const ENCRYPTED: &str = "delivered encrypted in TLSv1.3 by mx.odd.example[1]";
const ENCRYPTED_12: &str = "delivered encrypted in TLSv1.2 by mx.odd.example[1]";
const IN_CLEAR: &str = "delivered none in clear by mx.odd.example[1]";
const FAILED: &str = "TLS is required, but the handshake with host mx.odd.example[1] failed: ";
const REFUSED: &str = "TLS is required, but host mx.odd.example[1] refused to start TLS: ";
const NOT_OFFERED: &str = "TLS is required, but was not offered by host mx.odd.example[1]";

fn modern(certificate: Certificate, versions: Versions) -> Behaviour {
    Behaviour::offering(Handshake::Modern { certificate, versions })
}

fn dated(dated: Dated) -> Behaviour {
    Behaviour::offering(Handshake::Dated(dated))
}

fn injecting(text: &str) -> Behaviour {
    let handshake = Handshake::Modern { certificate: Certificate::SelfSigned, versions: Versions::Both };
    Behaviour { starttls: StartTls::Injecting { text: text.to_owned(), handshake }, ..Behaviour::tls() }
}

fn at_starttls(action: Action) -> Behaviour {
    Behaviour::tls().rule(Rule::at(Stage::StartTls, action))
}

/// Fate and number of connections with the guarantee, and the same without.
// rfc 3207 4: SHOULD If, after having issued the STARTTLS command
// rfc 3207 6: MUST In order to defend against such attacks
// rfc 3207 6: SHOULD The additional option of using TLS when possible
// rfc 7672 8.2: SHOULD Since many SMTP servers either do not support
// rfc 8461 7.2: MUST MTAs supporting MTA-STS MUST have support for TLS 1.2
// rfc 8461 7.2: SHOULD The general TLS usage guidance
// rfc 8689 4.2.1: SHOULD The SMTP client SHOULD follow the recommendations
#[rstest]
#[case::expired(Behaviour::certified(Certificate::Expired), (ENCRYPTED, 1), (ENCRYPTED, 1))]
#[case::unknown_ca(Behaviour::certified(Certificate::UnknownCa), (ENCRYPTED, 1), (ENCRYPTED, 1))]
#[case::other_name(Behaviour::certified(Certificate::TrustedFor("other.example".to_owned())), (ENCRYPTED, 1), (ENCRYPTED, 1))]
#[case::tls_12(modern(Certificate::SelfSigned, Versions::Tls12), (ENCRYPTED_12, 1), (ENCRYPTED_12, 1))]
#[case::tls_13(modern(Certificate::SelfSigned, Versions::Tls13), (ENCRYPTED, 1), (ENCRYPTED, 1))]
#[case::x509_v1(dated(Dated::X509v1), (ENCRYPTED, 1), (ENCRYPTED, 1))]
#[case::rsa_1024(dated(Dated::Rsa1024), (ENCRYPTED, 1), (ENCRYPTED, 1))]
#[case::static_rsa(dated(Dated::StaticRsa), ("stopped 5.7.5: FAILEDthe host answered with the alert handshake_failure: perhaps no cipher with ECDHE and AEAD in common", 2), (IN_CLEAR, 2))]
#[case::tls_11(dated(Dated::Tls10And11), ("stopped 5.7.5: FAILEDthe host answered with the alert protocol_version: no common protocol version, TLS 1.2 or 1.3", 2), (IN_CLEAR, 2))]
#[case::alert(Behaviour::broken(), ("stopped 5.7.5: FAILEDthe host answered with the alert handshake_failure: perhaps no cipher with ECDHE and AEAD in common", 2), (IN_CLEAR, 2))]
#[case::close(Behaviour::offering(Handshake::Close), ("deferred 4.7.5: FAILEDtls handshake eof", 1), (IN_CLEAR, 2))]
#[case::garbage(Behaviour::offering(Handshake::Garbage), ("deferred 4.7.5: FAILEDreceived corrupt message of type InvalidContentType", 1), (IN_CLEAR, 2))]
#[case::silence(Behaviour::offering(Handshake::Silence), ("deferred 4.7.5: FAILEDtimed out", 1), (IN_CLEAR, 2))]
#[case::not_offered(Behaviour::plain(), ("stopped 5.7.4: NOT_OFFERED", 1), (IN_CLEAR, 1))]
#[case::refused_454(Behaviour::refusing_tls("454 4.7.0 Later"), ("deferred 4.7.4: REFUSED454 4.7.0 Later", 1), (IN_CLEAR, 1))]
#[case::refused_554(Behaviour::refusing_tls("554 5.7.0 No"), ("stopped 5.7.4: REFUSED554 5.7.0 No", 1), (IN_CLEAR, 1))]
#[case::refused_501(Behaviour::refusing_tls("501 5.5.4 No"), ("stopped 5.7.4: REFUSED501 5.5.4 No", 1), (IN_CLEAR, 1))]
#[case::refused_421(Behaviour::refusing_tls("421 4.7.0 Bye"), ("deferred 4.7.4: REFUSED421 4.7.0 Bye", 1), (IN_CLEAR, 2))]
#[case::starttls_closed(at_starttls(Action::Close), ("deferred 4.7.5: FAILEDthe server closed the connection", 1), (IN_CLEAR, 2))]
#[case::starttls_unanswered(at_starttls(Action::Silence), ("deferred 4.7.5: FAILEDthe server did not answer in time", 1), (IN_CLEAR, 2))]
#[case::injected_reply(
    injecting("250 mx.odd.example\r\n"),
    ("deferred 4.7.5: FAILEDthe server's reply to STARTTLS was followed by more in clear: possibly an attack", 1),
    (IN_CLEAR, 2)
)]
#[case::injected_octet(
    injecting("2"),
    ("deferred 4.7.5: FAILEDthe server's reply to STARTTLS was followed by more in clear: possibly an attack", 1),
    (IN_CLEAR, 2)
)]
#[tokio::test(flavor = "multi_thread")]
async fn hosts(
    #[case] behaviour: Behaviour,
    #[case] encrypted: (&str, usize),
    #[case] opportunistic: (&str, usize),
) {
    let with = async |requirement, (fate, connections): (&str, usize)| {
        let fixture = Fixture::hurried([Domain::new("odd.example", behaviour.clone())]).await;
        let fate =
            fate.replace("FAILED", FAILED).replace("REFUSED", REFUSED).replace("NOT_OFFERED", NOT_OFFERED);
        assert_eq!(fixture.send("odd.example", requirement).await, fate);
        assert_eq!(fixture.connections("mx.odd.example"), connections, "connections");
        if fate == ENCRYPTED || fate == ENCRYPTED_12 {
            assert_eq!(fixture.envelopes_in_clear(), []);
        }
    };
    futures_util::future::join(with(Encrypted, encrypted), with(Opportunistic, opportunistic)).await;
}

/// HELO means: no extensions, and so no TLS.
// rfc 5321 2.2.1: MUST SMTP clients and servers MUST support the original HELO
// rfc 5321 3.2: SHOULD For a particular connection attempt
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_knows_only_helo_is_one_without_tls() {
    let fixture = Fixture::odd(Behaviour::helo_only()).await;
    assert_eq!(fixture.send("odd.example", Encrypted).await, format!("stopped 5.7.4: {NOT_OFFERED}"));
    assert_eq!(fixture.send("odd.example", Opportunistic).await, IN_CLEAR);
}
