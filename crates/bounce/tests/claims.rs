//! What a mail claims, seen with the eyes of somebody who forges one.

use bounce::{Claim, claim, read};
use rstest::rstest;

const TITLE: &str = "Undelivered Mail Returned to Sender";
const SENTENCE: &str =
    "<carla@plain.example>: TLS is required, but was not offered by host mx.plain.example[192.0.2.1]";
const STOP: &str = "Final-Recipient: rfc822; carla@plain.example\nAction: failed\nStatus: 5.7.4\n\
    Diagnostic-Code: X-TLS-Guarantee; TLS is required, but was not offered by host\n mx.plain.example[192.0.2.1]\n";
const UNKNOWN: &str = "Final-Recipient: rfc822; carla@plain.example\nAction: failed\nStatus: 5.1.1\n\
    Diagnostic-Code: smtp; 550 5.1.1 unknown user\n";
const DELAYED: &str = "Final-Recipient: rfc822; carla@plain.example\nAction: delayed\nStatus: 4.7.4\n\
    Diagnostic-Code: X-TLS-Guarantee; TLS is required, but host mx refused to start TLS: 454 later\n";
const DELIVERED: &str = "Final-Recipient: rfc822; carla@plain.example\nAction: delivered\nStatus: 2.0.0\n";

/// A report in the usual form.
fn report(subject: &str, text: &str, reporter: &str, recipient: &str) -> String {
    format!(
        "From: MAILER-DAEMON@x.example\nSubject: {subject}\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\n{text}\n\
         --b\nContent-Type: message/delivery-status\n\n{reporter}\n\n{recipient}\n--b--\n"
    )
}

fn kind(mail: &str) -> &'static str {
    match claim(&read(mail.as_bytes()), "home.example") {
        Claim::NotABounce => "none",
        Claim::ClaimsOurStop { .. } => "ours",
        Claim::OtherBounce { .. } => "other",
    }
}

#[rstest]
#[case::genuine(TITLE, SENTENCE, "Reporting-MTA: dns; home.example", STOP, "ours")]
#[case::any_title("Hello", "", "Reporting-MTA: dns; home.example", STOP, "ours")]
#[case::dot_and_case(TITLE, "", "REPORTING-MTA:DNS;Home.EXAMPLE.", STOP, "ours")]
#[case::folded(TITLE, "", "Reporting-MTA: dns;\n home.example\n (by us)", STOP, "ours")]
#[case::no_type(TITLE, "", "Reporting-MTA: home.example", STOP, "ours")]
#[case::two_names(TITLE, "", "Reporting-MTA: dns; a.example\nReporting-MTA: dns; home.example", STOP, "ours")]
#[case::sentence_only_for_people(TITLE, SENTENCE, "Reporting-MTA: dns; home.example", UNKNOWN, "ours")]
#[case::delay_under_the_title(TITLE, SENTENCE, "Reporting-MTA: dns; home.example", DELAYED, "ours")]
#[case::delivered_but_for_people(TITLE, SENTENCE, "Reporting-MTA: dns; home.example", DELIVERED, "ours")]
#[case::nobody_to_read(TITLE, "Your mail was stopped", "Reporting-MTA: dns; home.example", "", "ours")]
#[case::empty_name(TITLE, SENTENCE, "Reporting-MTA: dns;", UNKNOWN, "ours")]
#[case::no_name(TITLE, SENTENCE, "Arrival-Date: today", UNKNOWN, "ours")]
#[case::guarantee_by_name(
    TITLE,
    "Ihre TLS-Versand-Garantie hat gestoppt",
    "Arrival-Date: today",
    UNKNOWN,
    "ours"
)]
#[case::unknown_user_of_ours(TITLE, "no such user", "Reporting-MTA: dns; home.example", UNKNOWN, "other")]
#[case::delay_of_ours(
    "Delayed Mail (still being retried)",
    "",
    "Reporting-MTA: dns; home.example",
    DELAYED,
    "other"
)]
#[case::other_system(TITLE, SENTENCE, "Reporting-MTA: dns; mx.a.example", STOP, "other")]
#[case::sub_domain(TITLE, SENTENCE, "Reporting-MTA: dns; mx.home.example", STOP, "other")]
#[case::no_name_other_words(TITLE, "mailbox full", "Arrival-Date: today", UNKNOWN, "other")]
#[case::no_name_other_title("Delivery failed", SENTENCE, "Arrival-Date: today", UNKNOWN, "other")]
#[case::success("Success", "", "Reporting-MTA: dns; home.example", DELIVERED, "none")]
fn reports(
    #[case] subject: &str,
    #[case] text: &str,
    #[case] reporter: &str,
    #[case] recipient: &str,
    #[case] expected: &str,
) {
    assert_eq!(kind(&report(subject, text, reporter, recipient)), expected);
}

#[rstest]
#[case::plain("Content-Type: text/plain", SENTENCE, "ours")]
#[case::html(
    "Content-Type: text/html",
    "TLS&nbsp;is <b>required</b>,<br>\nbut <i></i>was not offered by host",
    "ours"
)]
#[case::no_html_type("Content-Type: TEXT/HTML; charset=x", "tls is REQU<!---->IRED, but", "ours")]
#[case::utf16(
    "Content-Type: text/plain; charset=utf-16be\nContent-Transfer-Encoding: quoted-printable",
    "=00T=00L=00S=00 =00i=00s=00 =00r=00e=00q=00u=00i=00r=00e=00d=00,=00 =00b=00u=00t",
    "ours"
)]
#[case::another_multipart(
    "Content-Type: multipart/x-odd; boundary=z",
    "--z\n\nTLS is required, but\n--z--",
    "ours"
)]
#[case::missing_boundary(
    "Content-Type: multipart/mixed; boundary=z",
    "TLS is required, but was not offered",
    "ours"
)]
#[case::other("Content-Type: text/plain", "Your invoice", "none")]
fn mails_without_a_report(#[case] headers: &str, #[case] body: &str, #[case] expected: &str) {
    assert_eq!(
        kind(&format!("From: a@evil.example\nSubject: {TITLE}\nMIME-Version: 1.0\n{headers}\n\n{body}\n")),
        expected
    );
}

#[rstest]
#[case("Undelivered Mail Returned To Sender", "ours")]
#[case("=?utf-8?b?VW5kZWxpdmVyZWQgTWFpbCBSZXR1cm5lZCB0byBTZW5kZXI=?=", "ours")]
#[case("Undelivered\n  Mail\tReturned to Sender", "ours")]
#[case("[extern] Undelivered Mail Returned to Sender", "ours")]
#[case("x\nSubject: Undelivered Mail Returned to Sender", "ours")]
#[case("Undelivered Mail Returned to Sender\nSubject: x", "ours")]
#[case("Re: Undelivered Mail Returned to Sender", "none")]
#[case("Fwd: Undelivered Mail Returned to Sender", "none")]
#[case("Delivered", "none")]
fn titles(#[case] subject: &str, #[case] expected: &str) {
    let mail = format!(
        "From: a@evil.example\nSubject: {subject}\nIn-Reply-To: <x@y>\n\nTLS is required, but was not offered\n"
    );
    assert_eq!(kind(&mail), expected);
}
