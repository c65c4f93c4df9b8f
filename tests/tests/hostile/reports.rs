//! Malformed reports, as strangers can send them: they are kept and shown, and `tls-guarantee bounce` reads what can
//! be read.

use std::process::Command;

use black_box::{Demo, Smtp, binary, run};
use rstest::rstest;
use serde_json::Value;

const HEAD: &str = "From: MAILER-DAEMON@home.example\r\nTo: alice@home.example\r\n\
    Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n";
const REPORT: &str = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n";

fn report(body: &str) -> String {
    format!("{HEAD}{REPORT}{body}")
}

fn status(fields: &str) -> String {
    report(&format!(
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n{fields}\r\n--b--\r\n"
    ))
}

const GOOD: &str = "Reporting-MTA: dns; home.example\r\n\r\nFinal-Recipient: rfc822; carla@plain.example\r\n\
    Action: failed\r\nStatus: 5.7.4\r\n";

#[rstest]
#[case::no_parts(&report(""))]
#[case::no_boundary(&format!("{HEAD}Content-Type: multipart/report; report-type=delivery-status\r\n\r\nx\r\n"))]
#[case::no_status_part(&report("--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b--\r\n"))]
#[case::empty_status(&status(""))]
#[case::no_recipient(&status("Reporting-MTA: dns; home.example\r\n"))]
#[case::no_reporting_mta(&status("\r\n\r\nFinal-Recipient: rfc822; carla@plain.example\r\nAction: failed\r\nStatus: 5.7.4\r\n"))]
#[case::no_action(&status("Reporting-MTA: dns; home.example\r\n\r\nFinal-Recipient: rfc822; carla@plain.example\r\n"))]
#[case::unknown_action(&status(&GOOD.replace("failed", "exploded")))]
#[case::status_nonsense(&status(&GOOD.replace("5.7.4", "five")))]
#[case::status_huge(&status(&GOOD.replace("5.7.4", "5.99999999999999999999.1")))]
#[case::no_address(&status(&GOOD.replace("rfc822; carla@plain.example", "")))]
#[case::address_without_type(&status(&GOOD.replace("rfc822; ", "")))]
#[case::address_of_markup(&status(&GOOD.replace("carla", "<img src=x onerror=alert(1)>")))]
#[case::fields_twice(&status(&format!("{GOOD}Status: 2.0.0\r\nAction: delivered\r\n")))]
#[case::recipients_by_the_thousand(&status(&format!("Reporting-MTA: dns; home.example\r\n{}", "\r\nFinal-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.0.0\r\n".repeat(5000))))]
#[case::diagnostic_endless(&status(&format!("{GOOD}Diagnostic-Code: smtp; 550 {}\r\n", "x\r\n ".repeat(10_000))))]
#[case::no_field_lines(&status("this is\r\nno list of fields\r\n\r\nnor is this\r\n"))]
#[case::base64_status(&report(&format!("--b\r\nContent-Type: message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n", "UmVwb3J0aW5nLU1UQTogZG5z")))]
#[case::report_in_a_report(&report(&format!("--b\r\nContent-Type: message/rfc822\r\n\r\n{}--b--\r\n", status(GOOD))))]
#[case::nested_parts(&report(&(0..300).map(|n| format!("--b\r\nContent-Type: multipart/report; boundary=b{n}\r\n\r\n--b{n}\r\n")).collect::<String>()))]
#[case::wrong_report_type(&status(GOOD).replace("report-type=delivery-status", "report-type=disposition-notification"))]
#[case::latin1(&status(GOOD).replace("Sorry.", "Entschuldigung f\u{fc}r alles"))]
fn a_malformed_report(#[case] message: &str) {
    let mut demo = Demo::start();
    let alice = demo.alice();
    let mut mx = Smtp::connect(demo.mx());
    mx.command("EHLO mx.plain.example").expect(250);
    mx.transact("", &["alice@home.example"], message).expect(250);
    let listed = alice.wait_until("the report in the INBOX", || alice.list("INBOX").into_iter().next());
    let raw = alice.raw("INBOX", &listed.id());
    assert!(raw.ends_with(&message.as_bytes()[message.len() - 10..]), "kept as it came");
    assert!(alice.stops().is_empty());

    let file = demo.data().join("report.eml");
    std::fs::write(&file, message).expect("a file");
    let output = run(Command::new(binary()).arg("bounce").arg(&file).arg("--json"), b"");
    let said = String::from_utf8_lossy(&output.stdout);
    let line: Value =
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said} {output:?}"));
    assert!(
        line["is_bounce"].is_boolean() && line["tls_stop"].is_boolean() && line["recipients"].is_array(),
        "{line}"
    );
    demo.assert_alive();
}
