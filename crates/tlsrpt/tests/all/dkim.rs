//! Signatures as dkimpy sees them.

use rstest::rstest;
use tlsrpt::{Signer, dkim::Service};

use crate::common::{ask, assert_golden, now, report, rows, to};

const RSA: &str = include_str!("../keys/rsa-pkcs8.pem");
const RSA_PKCS1: &str = include_str!("../keys/rsa-pkcs1.pem");
const ED25519: &str = include_str!("../keys/ed25519.pem");
const MAIL: &str = "Received: from a by b\r\nFrom:  Zoë <z@sender.example>\r\nTo: a@example.net,\r\n\tb@example.net \r\n\
    Cc: c@example.net\r\nSubject: Grüße  an\r\n alle \r\nDate: Tue, 24 Nov 2026 02:30:00 +0000\r\n\
    Message-ID: <1@sender.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\n  Grüße,\t \r\n\r\n.\r\nZoë \r\n\r\n\r\n";

fn signer(pem: &str) -> Signer {
    Signer::new("sender.example", "tls", pem).unwrap()
}

fn signed(pem: &str, message: &[u8]) -> Vec<u8> {
    [signer(pem).sign(message, now()).unwrap(), message.to_vec()].concat()
}

/// What dkimpy says; `None` if it is not there. `kind` is its word for the kind of message.
fn verdict(message: &[u8], pem: &str, service: Service, kind: &str) -> Option<String> {
    let signer = signer(pem);
    let answer = ask("signature.py", &[&signer.record_name(), &signer.record(service), kind], message)?;
    if answer == "no dkimpy" {
        println!("not run: no dkimpy");
        return None;
    }
    Some(answer)
}

fn assert_verdict(message: &[u8], pem: &str, service: Service, kind: &str, expected: &str) {
    if let Some(answer) = verdict(message, pem, service, kind) {
        assert_eq!(answer, expected, "{}", String::from_utf8_lossy(message));
    }
}

// rfc 8460 3: MUST Reports sent via SMTP MUST contain a
#[rstest]
#[case::rsa(RSA)]
#[case::rsa_pkcs1(RSA_PKCS1)]
#[case::ed25519(ED25519)]
fn a_report_is_signed(#[case] pem: &str) {
    let message = signed(pem, &report(&rows()).mail(&to(), now()));
    // its record says that it is for reports, and the reader insists
    assert_verdict(&message, pem, Service::TlsReports, "strict", "pass");
    assert_verdict(&message, pem, Service::Any, "report", "pass");
    // such a key is good for nothing else
    assert_verdict(&message, pem, Service::TlsReports, "mail", "fail");
    if let Some(answer) = ask("strict.py", &[], &message) {
        assert_eq!(answer, "ok");
    }
}

#[rstest]
#[case::rsa(RSA)]
#[case::ed25519(ED25519)]
fn any_mail_can_be_signed(#[case] pem: &str) {
    let message = signed(pem, MAIL.as_bytes());
    assert_verdict(&message, pem, Service::Any, "mail", "pass");
    let text = String::from_utf8(message).unwrap();
    for (what, by) in [
        ("Zoë \r\n", "Zoe \r\n"),
        ("Zoë \r\n", "Zoë \r\nP.S.\r\n"),
        ("\r\nFrom:  Zoë <z@", "\r\nFrom:  Zoë <x@"),
        ("\r\nFrom:", "\r\nFrom: x@example.com\r\nFrom:"),
        ("\r\nSubject:", "\r\nSubject: x\r\nSubject:"),
        ("\r\nCc: c@", "\r\nCc: d@"),
    ] {
        let changed = text.replace(what, by);
        assert_ne!(changed, text);
        assert_verdict(changed.as_bytes(), pem, Service::Any, "mail", "fail");
    }
}

#[rstest]
#[case::no_body("From: a@sender.example\r\n\r\n")]
#[case::header_only("From: a@sender.example\r\n")]
#[case::empty_lines("From: a@sender.example\r\n\r\n\r\n\r\n")]
#[case::no_line_end("From: a@sender.example\r\n\r\nx")]
#[case::blank_lines("From: a@sender.example\r\nSubject:\r\nTo: \r\n\r\n \r\n\tx \t y\r\n \t\r\n")]
#[case::name_in_capitals("FROM: a@sender.example\r\nX: y\r\n\r\nx\r\n")]
#[case::several("From: a@sender.example\r\nTo: b@example.net\r\nX: y\r\nTo: c@example.net\r\n\r\nx\r\n")]
#[case::folded_twice("From:\r\n a@sender.example\r\nSubject: a\r\n \r\n\tb\r\n\r\nx\r\n")]
fn edges(#[case] message: &str) {
    let message = signed(ED25519, message.as_bytes());
    assert_verdict(&message, ED25519, Service::Any, "mail", "pass");
}

// rfc 8460 3: MUST NOT DKIM signatures MUST NOT use the "l="
// rfc 8460 5.3: SHOULD These additional headers SHOULD be included in
#[test]
fn golden() {
    let message = report(&rows()).mail(&to(), now());
    let field = String::from_utf8(signer(ED25519).sign(&message, now()).unwrap()).unwrap();
    // what depends on the version of the compressing library
    let fixed = field.split(" bh=").next().unwrap().replace("\r\n", "\n");
    assert_golden("signature.txt", &fixed);
    assert!(field.ends_with("\r\n"));
}
