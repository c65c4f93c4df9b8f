//! TLSA, TXT and CNAME records, beside the certificates that the hosts really present.

use hickory_resolver::proto::{
    dnssec::rdata::DNSSECRData,
    rr::{
        RData, Record, RecordType,
        RecordType::{CNAME, MX, NSEC, NSEC3, RRSIG, SOA, TLSA, TXT},
    },
};
use openssl::{
    sha::{sha256, sha512},
    x509::X509,
};
use rstest::rstest;
use small_internet::{
    Behaviour, Certificate, Dated, Domain, Handshake, MxHost, Of, Signing, Tlsa, TlsaPorts, World,
};
use tokio::task::block_in_place;

use crate::{
    Fixture,
    client::{Client, Demand},
    dns::{Dnssec, ask as ask_raw},
    dnssec::ask,
};

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn key(certificate: &X509) -> Vec<u8> {
    certificate.public_key().unwrap().public_key_to_der().unwrap()
}

fn presented(world: &World, host: &str) -> X509 {
    block_in_place(|| {
        let mut client = Client::connect((world.addresses(host)[0], world.smtp_port()).into()).unwrap();
        client.expect("EHLO c", "250");
        client.starttls(&Demand::anything()).unwrap().certificate().unwrap()
    })
}

#[rstest]
#[case::dane("dane.example", true)]
#[case::algorithm_7("alg7.example", true)]
#[case::mismatch("dane-mismatch.example", false)]
#[tokio::test(flavor = "multi_thread")]
async fn the_rows(#[case] domain: &str, #[case] matches: bool) {
    let fixture = Fixture::new().await;
    let (world, host) = (&fixture.world, format!("mx.{domain}"));
    let expected = format!("secure 3 1 1 {}", hex(&sha256(&key(&presented(world, &host)))));
    for port in [25, world.smtp_port()] {
        let found = ask(world, &format!("_{port}._tcp.{host}"), TLSA).await;
        assert_eq!(found.to_lowercase() == expected, matches, "{found} beside {expected}");
        assert!(found.starts_with("secure 3 1 1 "), "{found}");
    }
    assert_eq!(ask(world, domain, MX).await, format!("secure 10 {host}."));
    assert_eq!(ask(world, &format!("_tcp.{host}"), TLSA).await, "secure no such record");
    assert_eq!(ask(world, &format!("_26._tcp.{host}"), TLSA).await, "secure no such name");
}

#[rstest]
#[case::whole_certificate(3, 0, 0)]
#[case::certificate_sha256(3, 0, 1)]
#[case::certificate_sha512(3, 0, 2)]
#[case::whole_key(3, 1, 0)]
#[case::key_sha256(3, 1, 1)]
#[case::key_sha512(1, 1, 2)]
#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_made_of_what_it_says(#[case] usage: u8, #[case] selector: u8, #[case] matching: u8) {
    let records = |of| [Tlsa::new(usage, selector, matching, of)];
    let domain = Domain::new("odd.example", Behaviour::verified()).signed();
    let fixture = Fixture::with([domain.tlsa("mx.odd.example", records(Of::Host))]).await;
    let world = &fixture.world;
    let ca = X509::from_pem(world.ca_pem().as_bytes()).unwrap();
    let host = presented(world, "mx.odd.example");
    for (of, certificate) in
        [(Of::Host, host.clone()), (Of::Ca, ca), (Of::Certificate(Certificate::Trusted), host)]
    {
        world.set_tlsa("mx.odd.example", records(of)).unwrap();
        let selected = if selector == 0 { certificate.to_der().unwrap() } else { key(&certificate) };
        let matched = match matching {
            0 => selected,
            1 => sha256(&selected).to_vec(),
            _ => sha512(&selected).to_vec(),
        };
        let found = ask(world, "_25._tcp.mx.odd.example", TLSA).await;
        let expected = format!("secure {usage} {selector} {matching} {}", hex(&matched));
        assert_eq!(found.to_lowercase(), expected);
    }
    world.set_tlsa("mx.odd.example", records(Of::Octets(vec![0xab, 0xcd]))).unwrap();
    let found = ask(world, "_25._tcp.mx.odd.example", TLSA).await;
    assert_eq!(found.to_lowercase(), format!("secure {usage} {selector} {matching} abcd"));
    world.set_tlsa("mx.odd.example", []).unwrap();
    assert_eq!(ask(world, "_25._tcp.mx.odd.example", TLSA).await, "secure no such name");
}

#[rstest]
#[case(Dated::X509v1)]
#[case(Dated::Rsa1024)]
#[tokio::test(flavor = "multi_thread")]
async fn dated_hosts_have_records_too(#[case] dated: Dated) {
    let domain = Domain::new("odd.example", Behaviour::offering(Handshake::Dated(dated)));
    let fixture = Fixture::with([domain.signed().tlsa("mx.odd.example", [Tlsa::host()])]).await;
    let expected = hex(&sha256(&key(&presented(&fixture.world, "mx.odd.example"))));
    let found = ask(&fixture.world, "_25._tcp.mx.odd.example", TLSA).await;
    assert_eq!(found.to_lowercase(), format!("secure 3 1 1 {expected}"));
}

/// A key is published before it is used, and the old one is withdrawn afterwards (RFC 7671 §8.1).
#[tokio::test(flavor = "multi_thread")]
async fn keys_roll_over() {
    let [old, new] = [Certificate::Trusted, Certificate::TrustedFor("mx.odd.example".to_owned())];
    let record = |kind: &Certificate| Tlsa::new(3, 1, 1, Of::Certificate(kind.clone()));
    let domain = Domain::new("odd.example", Behaviour::certified(old.clone()));
    let fixture = Fixture::with([domain.signed().tlsa("mx.odd.example", [record(&old)])]).await;
    let world = &fixture.world;
    let published = async || ask(world, "_25._tcp.mx.odd.example", TLSA).await.to_lowercase();
    let digest = || hex(&sha256(&key(&presented(world, "mx.odd.example"))));
    let before = digest();
    assert_eq!(published().await, format!("secure 3 1 1 {before}"));

    world.set_tlsa("mx.odd.example", [record(&old), record(&new)]).unwrap();
    let both = published().await;
    world
        .set_behaviour(world.addresses("mx.odd.example")[0], Behaviour::certified(new.clone()))
        .await
        .unwrap();
    let after = digest();
    assert_ne!(before, after);
    assert!(both.contains(&before) && both.contains(&after), "{both}");

    world.set_tlsa("mx.odd.example", [Tlsa::host()]).unwrap();
    assert_eq!(published().await, format!("secure 3 1 1 {after}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn dane_ta_hosts_present_their_ca() {
    let domain = Domain::new("odd.example", Behaviour::certified(Certificate::TrustedWithCa));
    let fixture = Fixture::with([domain.signed().tlsa("mx.odd.example", [Tlsa::new(2, 0, 1, Of::Ca)])]).await;
    let ca = X509::from_pem(fixture.world.ca_pem().as_bytes()).unwrap().to_der().unwrap();
    let chain = block_in_place(|| {
        let client = fixture.connect("mx.odd.example").starttls(&Demand::modern()).unwrap();
        client.chain()
    });
    assert_eq!(chain.last().unwrap().to_der().unwrap(), ca);
    assert_eq!(chain.len(), 2);
    let found = ask(&fixture.world, "_25._tcp.mx.odd.example", TLSA).await;
    assert_eq!(found.to_lowercase(), format!("secure 2 0 1 {}", hex(&sha256(&ca))));
}

#[rstest]
#[case(Signing::Signed)]
#[case(Signing::Dated)]
#[tokio::test]
async fn names_may_be_aliases(#[case] signing: Signing) {
    let domain = Domain::with_mx("odd.example", vec![MxHost::elsewhere(10, "mx.odd.example")]);
    let domain = domain
        .signing(signing)
        .cname("mx.odd.example", "mx.dane.example")
        .cname("_25._tcp.mx.odd.example", "_25._tcp.mx.dane.example")
        .cname("nowhere.odd.example", "no-such-name.dane.example");
    let fixture = Fixture::with([domain]).await;
    let world = &fixture.world;
    let direct = ask(world, "_25._tcp.mx.dane.example", TLSA).await;
    assert!(direct.starts_with("secure 3 1 1 "));
    assert_eq!(ask(world, "_25._tcp.mx.odd.example", TLSA).await, direct);
    assert_eq!(ask(world, "mx.odd.example", CNAME).await, "secure mx.dane.example.");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_takes_mail_for_those_who_name_it() {
    let domain = Domain::with_mx("odd.example", vec![MxHost::elsewhere(10, "mx.odd.example")]);
    let fixture = Fixture::with([domain.cname("mx.odd.example", "mx.tls.example")]).await;
    block_in_place(|| {
        let mut client = fixture.connect("mx.tls.example");
        client.expect("HELO c", "250");
        assert!(client.bring("bob@odd.example", b"x").unwrap().starts_with("250"));
    });
}

#[tokio::test]
async fn texts() {
    let long = "a".repeat(600);
    let domain = Domain::new("odd.example", Behaviour::tls())
        .signed()
        .txt("_smtp._tls.odd.example", "v=TLSRPTv1; rua=mailto:tls@odd.example")
        .txt("_smtp._tls.odd.example", "something else")
        .txt("long.odd.example", &long)
        .txt("*.odd.example", "everywhere");
    let fixture = Fixture::with([domain]).await;
    let world = &fixture.world;
    assert_eq!(
        ask(world, "_smtp._tls.odd.example", TXT).await,
        "secure something else, v=TLSRPTv1; rua=mailto:tls@odd.example"
    );
    assert_eq!(ask(world, "long.odd.example", TXT).await, format!("secure {long}"));
    world
        .set_txt("odd.example", "_smtp._tls.odd.example", &["v=TLSRPTv1; rua=mailto:x@odd.example"])
        .unwrap();
    assert_eq!(
        ask(world, "_smtp._tls.odd.example", TXT).await,
        "secure v=TLSRPTv1; rua=mailto:x@odd.example"
    );
    world.set_txt("odd.example", "_smtp._tls.odd.example", &[]).unwrap();
    assert!(!ask(world, "_smtp._tls.odd.example", TXT).await.contains("TLSRPT"));
    assert!(world.set_txt("unknown.example", "x.unknown.example", &["x"]).is_err());
}

/// A validator knows a wildcard's answer by its signature's label count, and wants the proof that nothing is closer
/// (RFC 4035 §3.1.3.3).
#[rstest]
#[case::nsec(Signing::Signed, NSEC)]
#[case::nsec3(Signing::Dated, NSEC3)]
#[tokio::test]
async fn wildcards(#[case] signing: Signing, #[case] proof: RecordType) {
    let domain = Domain::new("odd.example", Behaviour::tls()).signing(signing);
    let domain = domain.tlsa_at(TlsaPorts::Wildcard, "mx.odd.example", [Tlsa::host()]);
    let fixture = Fixture::with([domain]).await;
    // Through hickory's validator only in the NSEC3 zone: in the other it calls such an answer bogus.
    if signing == Signing::Dated {
        let found = ask(&fixture.world, "_25._tcp.mx.odd.example", TLSA).await;
        assert!(found.starts_with("secure 3 1 1 "), "{found}");
    }
    let answer = ask_raw(&fixture, "_25._tcp.mx.odd.example.", TLSA, Dnssec::Wanted).await.unwrap();
    let labels = answer.answers.iter().filter_map(|record| match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) => Some(signature.input().num_labels),
        _ => None,
    });
    assert_eq!(labels.collect::<Vec<_>>(), [4]);
    let proofs: Vec<_> = answer.authorities.iter().map(Record::record_type).collect();
    assert_eq!(proofs, [proof, RRSIG]);
    assert!(!answer.metadata.authentic_data);
    assert_eq!(ask(&fixture.world, "_25._tcp.mx.odd.example", TXT).await, "secure no such record");
}

#[tokio::test]
async fn who_does_not_ask_for_signatures_gets_none() {
    let fixture = Fixture::new().await;
    for (name, kind) in [("dane.example.", MX), ("unknown.dane.example.", MX), ("dane.example.", TXT)] {
        let answer = ask_raw(&fixture, name, kind, Dnssec::Ignored).await.unwrap();
        let types: Vec<_> = answer.all_sections().map(Record::record_type).collect();
        assert_eq!(types, [if answer.answers.is_empty() { SOA } else { MX }], "{name} {kind}");
    }
}
