//! Messages made to exhaust the reader. That each of these comes back at all shows that nothing recurses without bound
//! and nothing is quadratic: it would take minutes at these lengths.

use bounce::{Claim, Kind, claim, read};
use rstest::rstest;

const HEAD: &str =
    "From: MAILER-DAEMON@home.example\nSubject: Undelivered Mail Returned to Sender\nTo: a@home.example\n";

fn nested(depth: usize, inner: &str) -> String {
    let mut mail = HEAD.to_owned();
    for level in 0..depth {
        mail += &format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n");
    }
    mail + inner
}

#[test]
fn a_report_two_hundred_deep_is_read() {
    let mail = nested(
        200,
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.a.example\n\n\
         Final-Recipient: rfc822; b@c.example\nAction: failed\nStatus: 5.1.1\n",
    );
    assert_eq!(read(mail.as_bytes()).recipients[0].address, "b@c.example");
}

#[test]
fn ten_thousand_recipients_are_read() {
    let mut mail =
        format!("{HEAD}Content-Type: message/delivery-status\n\nReporting-MTA: dns; home.example\n\n");
    for index in 0..10_000 {
        mail +=
            &format!("Final-Recipient: rfc822; u{index}@d{index}.example\nAction: failed\nStatus: 5.7.4\n\n");
    }
    let reading = read(mail.as_bytes());
    assert_eq!(reading.recipients.len(), 10_000);
    assert_eq!(reading.recipients[9_999].address, "u9999@d9999.example");
}

#[test]
fn ten_thousand_recipients_in_words_are_read() {
    let mut mail = format!("{HEAD}\nI was unable to deliver your message to:\n\n");
    for index in 0..10_000 {
        mail += &format!("<u{index}@d{index}.example>: 550 no\n");
    }
    assert_eq!(read(mail.as_bytes()).recipients.len(), 10_000);
}

#[test]
fn what_cannot_be_looked_through_claims_a_stop() {
    let deep = nested(5_000, "TLS is required, but was not offered");
    let long = format!("{HEAD}\n{}", "nothing to see here\n".repeat(200_000));
    for mail in [deep, long] {
        let reading = read(mail.as_bytes());
        assert!(matches!(claim(&reading, "home.example"), Claim::ClaimsOurStop { .. }));
    }
}

#[rstest]
#[case::messages("Content-Type: message/rfc822\n\n", 4_000)]
#[case::missing_boundaries("--b\nContent-Type: multipart/mixed; boundary=m\n\nhi\n", 2_500)]
#[case::delimiters("--b\n", 30_000)]
#[case::dashes("--\n", 30_000)]
#[case::addresses("undeliverable a@b.c ", 6_000)]
#[case::at_signs("\"@[@", 30_000)]
#[case::tags("<", 100_000)]
#[case::comments("<!--", 30_000)]
#[case::styles("<style>", 12_000)]
#[case::entities("&", 100_000)]
#[case::escapes("\u{1b}$B\n", 20_000)]
#[case::groups("Final-Recipient: rfc822; a@b.example\nAction: failed\n\n", 2_500)]
#[case::reporters("Reporting-MTA: dns; home.example\n", 4_000)]
#[case::empty_lines("\n", 120_000)]
#[case::pasted("undeliverable\n--- Below this line is a copy\nReceived: from x\n\n", 2_000)]
fn repetition_ends(#[case] piece: &str, #[case] times: usize) {
    let many = piece.repeat(times);
    for start in [
        "",
        "\n",
        "Content-Type: text/html\n\n",
        "Content-Type: multipart/mixed; boundary=b\n\n",
        "Content-Type: message/delivery-status\n\n",
        "Content-Transfer-Encoding: quoted-printable\n\n",
        "X-A: ",
    ] {
        let reading = read(format!("{HEAD}{start}{many}").as_bytes());
        assert!(reading.recipients.len() <= 20_000 && reading.reporting_mtas.len() <= 100);
    }
}

#[test]
fn long_headers_end() {
    for line in [
        "X-A: b\n",
        " folded\n",
        "To: a@b.example\n",
        "Subject: =?utf-8?q?x?=\n",
        "X-Failed-Recipients: a@b.example\n",
    ] {
        let mail = format!("{HEAD}{}\nundeliverable\n", line.repeat(20_000));
        assert_ne!(read(mail.as_bytes()).kind, Kind::Success);
    }
}
