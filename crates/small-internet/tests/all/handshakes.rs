//! Certificates and TLS versions.

use openssl::ssl::SslVersion;
use rstest::rstest;
use small_internet::{Behaviour, Certificate, Dated, Domain, Handshake, Versions};
use tokio::task::block_in_place;

use crate::{Fixture, client::Demand};

async fn with(behaviour: Behaviour) -> Fixture {
    Fixture::with([Domain::new("odd.example", behaviour)]).await
}

#[rstest]
#[case::both(Versions::Both, "TLSv1.3")]
#[case::only_12(Versions::Tls12, "TLSv1.2")]
#[case::only_13(Versions::Tls13, "TLSv1.3")]
#[tokio::test(flavor = "multi_thread")]
async fn the_newest_common_version_is_used(#[case] versions: Versions, #[case] newest: &str) {
    let handshake = Handshake::Modern { certificate: Certificate::SelfSigned, versions };
    let fixture = with(Behaviour::offering(handshake)).await;
    let client = block_in_place(|| fixture.connect("mx.odd.example").starttls(&Demand::modern())).unwrap();
    assert_eq!(client.version(), newest);
}

#[rstest]
#[case::self_signed(Certificate::SelfSigned, Some("self-signed certificate"))]
#[case::trusted(Certificate::Trusted, None)]
#[case::other_name(Certificate::TrustedFor("mx.tls.example".to_owned()), Some("hostname mismatch"))]
#[case::expired(Certificate::Expired, Some("certificate has expired"))]
#[case::unknown_ca(Certificate::UnknownCa, Some("unable to get local issuer certificate"))]
#[tokio::test(flavor = "multi_thread")]
async fn certificates(#[case] certificate: Certificate, #[case] expected: Option<&str>) {
    let fixture = with(Behaviour::certified(certificate)).await;
    let verify = Some((fixture.world.ca_pem(), "mx.odd.example"));
    let started =
        block_in_place(|| fixture.connect("mx.odd.example").starttls(&Demand { verify, ..Demand::modern() }));
    match (started.err(), expected) {
        (None, None) => {}
        (Some(error), Some(expected)) => assert!(error.contains(expected), "{error}"),
        (error, expected) => panic!("{error:?} where {expected:?} was expected"),
    }
}

/// The dated host, and what a modern client says to it.
#[rstest]
#[case::tls_10_and_11(Dated::Tls10And11, "alert protocol version", "TLSv1.1")]
#[case::static_rsa(Dated::StaticRsa, "alert handshake failure", "TLSv1.2")]
#[tokio::test(flavor = "multi_thread")]
async fn dated_tls(#[case] dated: Dated, #[case] modern_says: &str, #[case] newest: &str) {
    let fixture = with(Behaviour::offering(Handshake::Dated(dated))).await;
    block_in_place(|| {
        let error = fixture.connect("mx.odd.example").starttls(&Demand::modern()).err().unwrap();
        assert!(error.contains(modern_says), "{error}");
        let client = fixture.connect("mx.odd.example").starttls(&Demand::anything()).unwrap();
        assert_eq!(client.version(), newest);
    });
}

#[rstest]
#[case::x509v1(Dated::X509v1, (0, 2048))]
#[case::rsa1024(Dated::Rsa1024, (2, 1024))]
#[tokio::test(flavor = "multi_thread")]
async fn dated_certificates(#[case] dated: Dated, #[case] version_and_bits: (i32, u32)) {
    let fixture = with(Behaviour::offering(Handshake::Dated(dated))).await;
    let client = block_in_place(|| fixture.connect("mx.odd.example").starttls(&Demand::anything())).unwrap();
    let certificate = client.certificate().unwrap();
    assert_eq!(client.version(), "TLSv1.3");
    assert_eq!((certificate.version(), certificate.public_key().unwrap().bits()), version_and_bits);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_10_is_recorded_as_such() {
    let fixture = Fixture::new().await;
    block_in_place(|| {
        let demand = Demand::only(SslVersion::TLS1);
        let mut client = fixture.connect("mx.legacy.example").starttls(&demand).unwrap();
        client.expect("EHLO c", "250");
        client.bring("bob@legacy.example", b"x").unwrap();
    });
    assert_eq!(fixture.world.deliveries()[0].tls.as_deref(), Some("TLSv1.0"));
}
