//! Reports as they leave the server, byte for byte, and read by others. After a wanted change
//! `UPDATE_GOLDEN=1 cargo test -p bounce` writes the files anew; look at the difference.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bounce::{Action, Cause, Claim, Ground, Kind, Notice, Report, Reported, Returns, claim, read, write};
use common::{refused, report, stopped, time};

const NOT_OFFERED: &str = "TLS is required, but was not offered by host mx.plain.example[192.0.2.1]";

fn one_stop() -> Report<'static> {
    report(vec![stopped("carla@plain.example", NOT_OFFERED)])
}

fn mixed() -> Report<'static> {
    let handshake = "TLS is required, but the handshake with host mx.legacy.example[192.0.2.2] failed: \
        protocol version not supported (TLS 1.1)";
    let mismatch = "TLS is required, but host mx.dane-mismatch.example[192.0.2.4] did not prove its identity (DANE): \
        the certificate is not the one of its TLSA records";
    let mut report = report(vec![
        refused(
            "nobody@verified.example",
            "5.1.1",
            "550-5.1.1 <nobody@verified.example>:\r\n550 5.1.1 User unknown",
        ),
        stopped("carla@plain.example", NOT_OFFERED),
        Reported { status: "5.7.5".into(), ..stopped("dora@legacy.example", handshake) },
        Reported {
            status: "5.7.5".into(),
            cause: Cause::Stop(Ground::Mismatch, mismatch.into()),
            ..stopped("emil@dane-mismatch.example", "")
        },
    ]);
    report.recipients[1].orcpt = Some("rfc822;Carla+2BPrivat@plain.example".into());
    report.recipients[1].evidence = Some(
        "host=mx.plain.example[192.0.2.1]; found=no_starttls; at=2026-11-24T06:00:01Z\r\nX-Evil: yes".into(),
    );
    report.envelope_id = Some("QQ+2B314159".into());
    report
}

fn delayed() -> Report<'static> {
    let mut report = report(vec![Reported {
        status: "4.4.1".into(),
        cause: Cause::Own("connect to mx.down.example[192.0.2.5]:25: connection refused".into()),
        will_retry_until: Some(time("2026-11-29T06:00:00Z")),
        ..stopped("frank@down.example", "")
    }]);
    report.notice = Notice::Delayed;
    report
}

fn succeeded() -> Report<'static> {
    let relayed = |address, status, reply: &str| Reported {
        cause: Cause::Relayed(reply.into()),
        ..refused(address, status, "")
    };
    let mut report = report(vec![
        Reported { cause: Cause::Delivered, ..stopped("bob@home.example", "") },
        relayed("dora@verified.example", "2.1.5", "250 2.1.5 taken"),
        relayed("emil@verified.example", "", "250 TLS is required, but was not offered by host you"),
    ]);
    report.recipients[0].orcpt = Some("rfc822;robert@home.example".into());
    report.envelope_id = Some("QQ+2B314159".into());
    report.notice = Notice::Succeeded;
    report
}

fn full() -> Report<'static> {
    let mut report = one_stop();
    report.returns = Returns::Full;
    report.original = "Message-ID: <voll.2@home.example>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\
        Content-Type: text/plain; charset=utf-8\r\r\nContent-Transfer-Encoding: 8bit\n\n\
        Grüße\n--01JDEFQ7.a8Kx02/home.example--\n.\nEnde ohne Zeilenende"
        .as_bytes();
    report
}

fn international() -> Report<'static> {
    let mut report = report(vec![
        stopped("jörg@müller.example", NOT_OFFERED),
        refused("nobody@verified.example", "5.1.1", "550 5.1.1 unbekannt: Empfänger"),
    ]);
    report.recipients[0].orcpt = Some("utf-8;j\\x{F6}rg@list.example".into());
    report.original = "Message-ID: <utf8.3@home.example>\r\nSubject: Grüße\r\n\r\nHallo\r\n".as_bytes();
    report
}

fn hostile() -> Report<'static> {
    let attack = "550 no\r\n\r\n--01JDEFQ7.a8Kx02/home.example--\r\nBcc: eve@evil.example\n\tStatus: 2.0.0\u{0}\u{1b}[31m\
        \u{202e}elpmaxe.live\u{85} <img src=x onerror=alert(1)> TLS is required, but was not offered by host you";
    let mut report = report(vec![
        refused("a@b.example\r\nAction: delivered", "2.0.0\r\nX: y", attack),
        refused("long@b.example", "5.0.0", &"x".repeat(5_000)),
        refused("\"quo ted\"@b.example", "no status", &"много ".repeat(1_000)),
    ]);
    report.recipients[0].orcpt = Some("rfc822;a+0D+0AX-Evil:+20yes@b.example".into());
    report.recipients[0].remote = Some("mx.evil.example\r\nX-Evil: yes".into());
    report.envelope_id = Some("+0D+0A+0D+0AX-Evil: yes".into());
    report.to = "alice@home.example>\r\nBcc: eve@evil.example".into();
    report.queue_id = "01\r\nX-Evil: yes".into();
    report.original = b"Subject: \x00\xff\rX-Evil: yes\r\nMessage-ID: <a b\r\n c>\r\nX-Long: ";
    report
}

fn reports() -> [(&'static str, Report<'static>); 7] {
    [
        ("one-stop", one_stop()),
        ("mixed", mixed()),
        ("delayed", delayed()),
        ("succeeded", succeeded()),
        ("full", full()),
        ("international", international()),
        ("hostile", hostile()),
    ]
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/written").join(name).with_extension("eml")
}

// rfc 3464 2.1: MUST "7bit" encoding is sufficient
// rfc 3464 2.2.3: MUST NOT This field
// rfc 3464 2.2.5: MUST Numeric timezones
// rfc 3464 2.3.2: MUST This field MUST be present in each set of per-recipient data
// rfc 3464 2.3.3: MUST This field MUST be present for each recipient
// rfc 3464 2.3.4: MUST This field MUST be present for each delivery attempt
// rfc 3464 2.3.5: MUST NOT It MUST NOT be included if no remote MTA was involved
// rfc 3464 2.3.7: MUST Numeric timezones
// rfc 3464 2.3.9: MUST NOT The Will-Retry-Until field is optional
// rfc 3464 2.3.9: MUST Numeric timezones
// rfc 3464 2.4: MUST DSN field names NOT beginning with "X-"
#[test]
fn reports_are_written_as_written_down() {
    for (name, report) in reports() {
        let written = write(&report);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(golden(name), &written).unwrap();
        }
        let expected = fs::read(golden(name)).unwrap_or_default();
        let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(show(&written), show(&expected), "{name}");
    }
}

#[test]
fn every_line_is_fit_for_smtp() {
    let long = "y".repeat(3_000) + &"ä".repeat(3_000);
    let long = format!("Subject: {long}\r\nX: {long}\n\n{long}\r\r\n\rx\r\n");
    for (name, report) in reports() {
        for original in [report.original, long.as_bytes()] {
            let written = write(&Report { original, ..report.clone() });
            for line in written.split_inclusive(|byte| *byte == b'\n') {
                let line = line
                    .strip_suffix(b"\r\n")
                    .unwrap_or_else(|| panic!("{name}: a line does not end with CRLF"));
                assert!(line.len() <= 998, "{name}: {} octets", line.len());
                assert!(!line.iter().any(|b| matches!(b, b'\r' | b'\0')), "{name}: control characters");
            }
        }
    }
}

// rfc 3464 2.3.2: MUST Instead, it MUST report exactly the address received in the envelope, unless
// rfc 3464 2.3.3: MUST This field MUST be present for each recipient
// rfc 3464 2.3.4: MUST This field MUST be present for each delivery attempt
#[test]
fn nothing_hostile_gets_a_line_of_its_own() {
    let written = String::from_utf8(write(&hostile())).unwrap();
    for line in written.lines() {
        let lower = line.to_lowercase();
        assert!(
            !lower.starts_with("bcc:") && !lower.starts_with("x-evil") && !lower.starts_with("x: y"),
            "{line}"
        );
    }
    assert_eq!(written.matches("\r\nStatus: ").count(), 3);
    assert_eq!(written.matches("\r\nAction: failed\r\n").count(), 3);
    assert_eq!(
        written.lines().filter(|line| line.starts_with("--01JDEFQ7")).count(),
        4,
        "three parts and the end"
    );
}

// rfc 3464 2.2.1: SHOULD If such an envelope identifier was present
// rfc 3464 2.2.1: MUST The DSN MUST preserve the original case and spelling
// rfc 3464 2.3.2: MUST The generic-address sub-field of the Final-Recipient field
// rfc 3464 2.3.6: SHOULD However, this field SHOULD be included
#[test]
fn we_read_what_we_write() {
    let reading = read(&write(&mixed()));
    assert_eq!(reading.reporting_mta(), Some("home.example"));
    assert_eq!(reading.queue_id.as_deref(), Some("01JDEFQ7"));
    assert_eq!(reading.envelope_id.as_deref(), Some("QQ+314159"));
    assert_eq!(reading.message_id.as_deref(), Some("protokoll.1@home.example"));
    let statuses: Vec<_> =
        reading.recipients.iter().map(|r| (r.address.as_str(), r.status.as_deref().unwrap())).collect();
    assert_eq!(
        statuses,
        [
            ("nobody@verified.example", "5.1.1"),
            ("carla@plain.example", "5.7.4"),
            ("dora@legacy.example", "5.7.5"),
            ("emil@dane-mismatch.example", "5.7.5"),
        ]
    );
    assert_eq!(reading.recipients[1].original.as_deref(), Some("Carla+Privat@plain.example"));
    let said = |at: usize| {
        reading.recipients[at].diagnostic.as_ref().map(|d| (d.kind.as_deref().unwrap(), d.text.as_str()))
    };
    assert_eq!(said(0), Some(("smtp", "550-5.1.1 <nobody@verified.example>: 550 5.1.1 User unknown")));
    assert_eq!(said(1), Some(("X-TLS-Guarantee", NOT_OFFERED)));
    assert!(reading.tls_stop().is_some());

    let delay = read(&write(&delayed()));
    assert_eq!(delay.recipients[0].action, Action::Delayed);
    let utf8 = read(&write(&international()));
    assert_eq!(utf8.recipients[0].address, "jörg@müller.example");
    assert_eq!(utf8.recipients[0].original.as_deref(), Some("jörg@list.example"));
}

/// The one recipient's fields of a report about it.
fn fields_of(recipient: Reported) -> String {
    let written = String::from_utf8(write(&report(vec![recipient]))).expect("reports are UTF-8");
    let (_, fields) = written.split_once("\r\n\r\nFinal-Recipient: ").expect("a group of fields");
    let (fields, _) = fields.split_once("\r\n\r\n").expect("its end");
    format!("Final-Recipient: {fields}")
}

// rfc 3464 2.3.2: MUST Since mailbox addresses (including those used in the Internet)
#[test]
fn an_address_keeps_its_case() {
    let fields = fields_of(stopped("Carla.MEIER@Plain.Example", NOT_OFFERED));
    assert!(fields.starts_with("Final-Recipient: rfc822; Carla.MEIER@Plain.Example\r\n"), "{fields}");
}

// rfc 3464 2.3.4: MUST Each numeric sub-field within the status-code
#[test]
fn a_status_code_loses_its_leading_zeros() {
    for (given, written) in [("5.07.001", "5.7.1"), ("5.0.00", "5.0.0"), ("5.10.100", "5.10.100")] {
        let fields = fields_of(refused("nobody@verified.example", given, "550 no"));
        assert!(fields.contains(&format!("\r\nStatus: {written}\r\n")), "{given}: {fields}");
    }
}

// rfc 3464 2.3.7: MUST NOT It MUST NOT be included if the actual date
#[test]
fn what_is_not_known_has_no_field() {
    let known = stopped("carla@plain.example", NOT_OFFERED);
    assert!(fields_of(known.clone()).contains("Last-Attempt-Date: "));
    let fields = fields_of(Reported { last_attempt: None, ..known });
    assert!(!fields.contains("Last-Attempt-Date"), "{fields}");
}

#[test]
fn success_is_read_as_success_and_claims_nothing() {
    let reading = read(&write(&succeeded()));
    assert_eq!(reading.kind, Kind::Success);
    assert_eq!(claim(&reading, "home.example"), Claim::NotABounce);
    let told: Vec<_> = reading.recipients.iter().map(|r| (r.action, r.status.as_deref().unwrap())).collect();
    assert_eq!(told, [(Action::Delivered, "2.0.0"), (Action::Relayed, "2.1.5"), (Action::Relayed, "2.0.0")]);
    let said = |at: usize| reading.recipients[at].diagnostic.as_ref().map(|d| d.text.as_str());
    assert_eq!((said(0), said(1)), (None, Some("250 2.1.5 taken")));
}

/// The parser that Roundcube's and Mailman's world is written with.
const PYTHON: &str = r#"
import email, email.policy, json, sys
mail = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
parts = [part for part in mail.walk()]
assert not any(part.defects for part in parts), [part.defects for part in parts]
assert mail.get_content_type() == "multipart/report" and mail["content-type"].params["report-type"] == "delivery-status"
first, second, third = mail.iter_parts()
groups = second.get_payload()
if second.get_content_type() == "message/global-delivery-status":
    text = groups[0].as_bytes(policy=email.policy.SMTPUTF8).decode()
    groups = [email.message_from_string(g) for g in text.replace("\r\n", "\n").split("\n\n") if g.strip()]
print(json.dumps({"subject": mail["subject"], "from": mail["from"].addresses[0].addr_spec, "text": first.get_content(),
    "third": third.get_content_type(), "recipients": [g["final-recipient"] for g in groups if g["final-recipient"]]}))
"#;

#[test]
fn python_reads_what_we_write() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("not run: no python3");
        return;
    }
    for (name, report) in reports() {
        let output = Command::new("python3").args(["-c", PYTHON]).arg(golden(name)).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {error}");
        let read: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(read["from"], "MAILER-DAEMON@home.example", "{name}");
        assert_eq!(read["recipients"].as_array().unwrap().len(), report.recipients.len(), "{name}");
        let text = read["text"].as_str().unwrap();
        let expected =
            if report.notice == Notice::Delayed { "wartet noch" } else { "The mail system of home.example" };
        assert!(text.contains(expected), "{name}: {text}");
    }
}
