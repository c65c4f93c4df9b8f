//! Signatures looked at with a small verifier, which is itself tried on the example of RFC 8463; `tests/all/dkim.rs`
//! asks somebody else's.

use std::collections::HashMap;

use aws_lc_rs::signature::{
    ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY as RSA_SHA256, UnparsedPublicKey,
};
use rstest::rstest;

use super::*;

const RSA: &str = include_str!("../../tests/keys/rsa-pkcs8.pem");
const RSA_PKCS1: &str = include_str!("../../tests/keys/rsa-pkcs1.pem");
const ED25519_KEY: &str = include_str!("../../tests/keys/ed25519.pem");
const MESSAGE: &str = "Received: from a by b\r\nCc: c@example.net\r\nCc: d@example.net\r\nFrom: Joe <joe@football.example.com>\r\nTo : a@example.net,\r\n\tb@example.net \r\n\
    Subject: Is  dinner\r\n ready?\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700\r\nX-Other: unsigned\r\n\r\nHi. \r\n\r\nJoe.\r\n\r\n\r\n";

fn signer(pem: &str) -> Signer {
    Signer::new("football.example.com", "brisbane", pem).unwrap()
}

fn signed(pem: &str, message: &str) -> String {
    let field = signer(pem).sign(message.as_bytes(), Timestamp::from_second(1_528_637_909).unwrap()).unwrap();
    String::from_utf8(field).unwrap() + message
}

/// Whether the signature in field number `at` of `message` holds.
fn verify(message: &str, at: usize, record: &str) -> bool {
    let parsed = Message::parse(message.as_bytes()).unwrap();
    let signature = &parsed.fields[at];
    assert_eq!(signature.name, "DKIM-Signature");
    let mut own = Vec::new();
    canonical::field(signature, &mut own);
    let own = String::from_utf8(own).unwrap();
    let tags = tags(own.trim_end().split_once(':').unwrap().1);
    let hash = STANDARD.encode(canonical::body_hash(parsed.body));
    let mut fields = parsed.fields.iter().rev().collect::<Vec<_>>();
    let mut input = Vec::new();
    for name in tags["h"].split(':') {
        if let Some(at) = fields.iter().position(|field| field.name.eq_ignore_ascii_case(name)) {
            canonical::field(fields.remove(at), &mut input);
        }
    }
    let unsigned = own.find(" b=").unwrap() + 3;
    input.extend_from_slice(&own.as_bytes()[..unsigned]);
    let key = STANDARD.decode(record.rsplit_once("p=").unwrap().1).unwrap();
    let bytes = STANDARD.decode(&tags["b"]).unwrap();
    let holds = if tags["a"] == "rsa-sha256" {
        UnparsedPublicKey::new(&RSA_SHA256, key).verify(&input, &bytes)
    } else {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &input);
        UnparsedPublicKey::new(&ED25519, key).verify(hash.as_ref(), &bytes)
    };
    hash == tags["bh"] && holds.is_ok()
}

fn tags(list: &str) -> HashMap<String, String> {
    let pair = |tag: &str| {
        let (name, value) = tag.split_once('=').unwrap();
        (name.trim().to_owned(), value.replace(' ', ""))
    };
    list.split(';').map(pair).collect()
}

const RFC_8463: &str = include_str!("../../tests/rfc8463.eml");

#[rstest]
#[case(0, "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")]
#[case(
    1,
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
)]
fn the_example_of_rfc_8463_holds(#[case] at: usize, #[case] record: &str) {
    let message = RFC_8463.replace("\r\n", "\n").replace('\n', "\r\n");
    assert!(verify(&message, at, record));
    assert!(!verify(&message.replace("hungry", "angry"), at, record));
}

#[test]
fn canonicalizes_as_in_the_example_of_rfc_6376() {
    let message = Message::parse(b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n").unwrap();
    let mut header = Vec::new();
    message.fields.iter().for_each(|field| canonical::field(field, &mut header));
    assert_eq!(header, b"a:X\r\nb:Y Z\r\n");
    assert_eq!(
        canonical::body_hash(message.body).as_ref(),
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b" C\r\nD E\r\n").as_ref()
    );
}

#[rstest]
#[case::nothing("", "")]
#[case::empty_lines("\r\n\r\n", "")]
// RFC 6376 §3.4.4: white space at the end of a line goes first, so that such a line is an empty one.
#[case::blank_lines(" \t\r\n\r\n", "")]
#[case::no_last_line_end("a", "a\r\n")]
#[case::empty_lines_between("a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n")]
fn bodies(#[case] body: &str, #[case] hashed: &str) {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, hashed.as_bytes());
    assert_eq!(canonical::body_hash(body.as_bytes()).as_ref(), hash.as_ref());
}

// rfc 8460 3: MUST NOT DKIM signatures MUST NOT use the "l="
#[rstest]
#[case::rsa(RSA)]
#[case::rsa_pkcs1(RSA_PKCS1)]
#[case::ed25519(ED25519_KEY)]
fn signatures_hold_until_something_is_changed(#[case] pem: &str) {
    let (message, record) = (signed(pem, MESSAGE), signer(pem).record(Service::Any));
    assert!(verify(&message, 0, &record), "{message}");
    assert!(!message.contains(" l="));
    for (what, by) in [
        ("Joe.\r\n", "Jim.\r\n"),
        ("Joe.\r\n", "Joe.\r\nP.S. no\r\n"),
        ("From: Joe", "From: Jim"),
        ("From: Joe", "From: jim@example.com\r\nFrom: Joe"),
        ("\r\nSubject:", "\r\nSubject: another\r\nSubject:"),
        ("To :", "X-To:"),
        ("t=1528637909", "t=1528637910"),
    ] {
        let changed = message.replace(what, by);
        assert_ne!(changed, message);
        assert!(!verify(&changed, 0, &record), "{what} -> {by}");
    }
    for (what, by) in
        [("X-Other: unsigned", "X-Other: changed"), ("Is  dinner\r\n ready?", "Is dinner ready?")]
    {
        assert!(verify(&message.replace(what, by), 0, &record), "{what} -> {by}");
    }
}

// rfc 8460 5.3: SHOULD These additional headers SHOULD be included in
#[test]
fn signs_what_there_is_and_once_more() {
    let message = "TLS-Required: No\r\nTLS-Report-Submitter: a\r\nTLS-Report-Domain: b\r\nReceived: c\r\nfrom: d@e\r\n\r\n";
    let signed = signed(ED25519_KEY, message);
    let header = signed.split("bh=").next().unwrap().replace("\r\n ", "");
    let names = "h=From:From:TLS-Required:TLS-Required:TLS-Report-Domain:TLS-Report-Domain:\
        TLS-Report-Submitter:TLS-Report-Submitter;";
    assert!(header.contains(names), "{header}");
    assert!(signed.lines().all(|line| line.len() <= 78), "{signed}");
}

#[rstest]
#[case::bare_lf("From: a@b\n\nx", Error::LineEnd)]
#[case::bare_cr("From: a@b\r\n\r\nx\rx\r\n", Error::LineEnd)]
#[case::cr_at_the_end("From: a@b\r\n\r\nx\r", Error::LineEnd)]
#[case::no_from("To: a@b\r\n\r\nFrom: a@b\r\n", Error::NoFrom)]
#[case::no_field("From: a@b\r\nnothing\r\n\r\n", Error::Header)]
#[case::continues_nothing(" From: a@b\r\n\r\n", Error::Header)]
#[case::nothing("", Error::NoFrom)]
fn refuses_what_is_no_message(#[case] message: &str, #[case] expected: Error) {
    let result = signer(ED25519_KEY).sign(message.as_bytes(), Timestamp::UNIX_EPOCH);
    assert_eq!(result.unwrap_err(), expected);
}

#[rstest]
#[case::too_short(include_str!("../../tests/keys/rsa-1024.pem"))]
#[case::another_algorithm(include_str!("../../tests/keys/ec.pem"))]
#[case::not_pem("secret")]
#[case::cut(&RSA[..RSA.len() / 2])]
fn refuses_keys(#[case] pem: &str) {
    let error = Signer::new("example.com", "s", pem).unwrap_err();
    assert!(matches!(error, Error::Key(_)));
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[rstest]
#[case("no domain", "s", Error::Domain("no domain".into()))]
#[case("example.com", "s; l=0", Error::Selector("s; l=0".into()))]
fn refuses_names(#[case] domain: &str, #[case] selector: &str, #[case] expected: Error) {
    assert_eq!(Signer::new(domain, selector, RSA).unwrap_err(), expected);
}

#[test]
fn says_what_to_publish_and_no_secret() {
    let signer = Signer::new("Bücher.example", "Mail2026", ED25519_KEY).unwrap();
    assert_eq!(signer.record_name(), "mail2026._domainkey.xn--bcher-kva.example");
    let key = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    assert_eq!(signer.record(Service::Any), format!("v=DKIM1; k=ed25519; p={key}"));
    assert_eq!(signer.record(Service::TlsReports), format!("v=DKIM1; k=ed25519; s=tlsrpt; p={key}"));
    assert_eq!(format!("{signer:?}"), "Signer(mail2026._domainkey.xn--bcher-kva.example)");
}
