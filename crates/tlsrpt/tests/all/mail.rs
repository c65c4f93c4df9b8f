//! The report as a mail.

use guarantee::AppliedPolicy;
use rstest::rstest;
use tlsrpt::{Address, Report};

use crate::common::{assert_golden, compose, now, report, rows, success, to};

/// The mail, with a mark for what the version of the compressing library decides.
fn shown(report: &Report) -> String {
    let mail = String::from_utf8(report.mail(&to(), now())).unwrap();
    let start = mail.rfind("\r\n\r\nH4sI").expect("gzip in base64") + 4;
    let end = start + mail[start..].find("\r\n\r\n--").expect("the end of the last part");
    format!("{}[report.json, compressed]{}", &mail[..start], &mail[end..]).replace("\r\n", "\n")
}

// rfc 8460 5.3: MUST These message header fields MUST be included
// rfc 8460 5.3: MUST The "TLS-Report-Submitter" value MUST match the value
// rfc 8460 5.3: SHOULD The RFC5322.Subject field for report submissions SHOULD
#[test]
fn golden() {
    assert_golden("report.eml", &shown(&report(&rows())));
}

#[test]
fn golden_of_an_international_domain() {
    assert_golden(
        "international.eml",
        &shown(&compose("Bücher.example", &[success(AppliedPolicy::None, 1)])),
    );
}

#[test]
fn every_line_fits_whatever_the_names() {
    let domain = format!("{0}.{0}.{0}.example", "a".repeat(60));
    let mail = compose(&domain, &rows()).mail(&to(), now());
    assert!(mail.is_ascii() && mail.ends_with(b"\r\n"));
    let text = String::from_utf8(mail).unwrap();
    assert!(text.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
}

#[test]
fn the_same_mail_twice_is_the_same_and_to_others_is_another() {
    let report = report(&rows());
    assert_eq!(report.mail(&to(), now()), report.mail(&to(), now()));
    let id = |to: &Address| {
        let mail = String::from_utf8(report.mail(to, now())).unwrap();
        mail.lines().find(|line| line.starts_with("Message-ID: ")).unwrap().to_owned()
    };
    assert_ne!(id(&to()), id(&Address::parse("other@receiver.example").unwrap()));
}

// rfc 8460 3: MUST When sending failure reports via SMTP, Sending
// rfc 8460 5.3.1: MUST NOT Note that, when sending failure reports via
#[rstest]
#[case("\r\nTLS-Required: No\r\n")]
#[case("\r\nAuto-Submitted: auto-generated\r\n")]
fn says_that_it_is_to_get_through_and_not_to_be_answered(#[case] field: &str) {
    let mail = String::from_utf8(report(&rows()).mail(&to(), now())).unwrap();
    let header = mail.split("\r\n\r\n").next().unwrap();
    assert!(header.contains(field), "{header}");
}

// rfc 8460 5.4: SHOULD If compressed, the report SHOULD use the
#[test]
fn the_media_type_is_that_of_what_is_compressed() {
    assert_eq!(tlsrpt::MEDIA_TYPE, "application/tlsrpt+gzip");
    assert_eq!(report(&rows()).gzip()[..2], [0x1f, 0x8b]);
}
