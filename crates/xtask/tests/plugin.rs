//! The parts of Roundcube's plugin that decide something, asked directly.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Calls the plugin's functions, all in one process.
fn ask(calls: &[Value]) -> Vec<Value> {
    let mut php = Command::new("php")
        .arg(here("tests/plugin.php"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("php");
    let lines: String = calls.iter().map(|call| format!("{call}\n")).collect();
    let mut input = php.stdin.take().expect("piped");
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = php.wait_with_output().expect("php");
    writer.join().expect("no panic").expect("php reads all");
    let answers = String::from_utf8(output.stdout).expect("UTF-8");
    let answers: Vec<Value> =
        answers.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    assert_eq!(answers.len(), calls.len(), "{answers:?}");
    answers
}

#[test]
fn php_can_read_it() {
    for folder in ["", "/localization"] {
        let folder = here(&format!("../../www/roundcube/tls_guarantee{folder}"));
        for file in fs::read_dir(folder).expect("there") {
            let file = file.expect("a file").path();
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if [".php", ".inc", ".php.dist"].iter().any(|ending| name.ends_with(ending)) {
                let checked = Command::new("php").arg("-l").arg(&file).output().expect("php");
                assert!(checked.status.success(), "{checked:?}");
            }
        }
    }
}

/// As OpenSSL computes it.
#[test]
fn a_token_is_signed() {
    let call = json!(["sign", {"alg": "HS256"}, {"sub": "ä/b@example.org"}, "k"]);
    let expected = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiLDpC9iQGV4YW1wbGUub3JnIn0.h4hrV-zqXPriizVcVHbXVKh1vxMTx4sHzY43avhbPXs";
    assert_eq!(ask(&[call]), [json!(expected)]);
}

#[test]
fn message_ids() {
    let long = "a".repeat(65);
    let cases = [
        ("0123456789abcdef@example.org", true),
        ("a.b_c-d0@localhost", true),
        ("short@example.org", false),
        ("", false),
        ("0123456789abcdef", false),
        ("0123456789abcdef@", false),
        ("0123456789abcdef@example..org", false),
        ("0123456789abcdef@-example.org", false),
        ("0123456789abcdef@example.org\n", false),
        ("0123456789abcdef@example.org\r\nBcc: x@evil.example", false),
        ("0123456789abcdef@exa mple.org", false),
        ("<0123456789abcdef@example.org>", false),
        ("0123456789abcdef@example.org>", false),
        ("äöü456789abcdef@example.org", false),
        (&format!("{long}@example.org"), false),
    ];
    let calls: Vec<Value> = cases.iter().map(|(id, _)| json!(["is_message_id", id])).collect();
    for ((id, expected), answer) in cases.iter().zip(ask(&calls)) {
        assert_eq!(answer, json!(expected), "{id:?}");
    }
}

/// The words of one list of the crate `bounce`.
fn words(list: &str) -> Vec<String> {
    let source = fs::read_to_string(here("../bounce/src/signs.rs")).expect("there");
    let (_, after) = source.split_once(&format!("const {list}: &[&str] =")).expect("the list");
    let (inside, _) = after.split_once("];").expect("its end");
    inside.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Else the module would not be loaded for a message in which it sees a report.
#[test]
fn what_the_module_takes_for_a_sign_is_one_here() {
    let mut calls = Vec::new();
    for (field, list) in [("From", "DAEMONS"), ("Subject", "SUBJECTS"), ("Subject", "DELAYS")] {
        let words = words(list);
        assert!(words.len() > 3, "{list}: {words:?}");
        calls.extend(
            words.iter().map(|word| json!(["may_be_report", format!("{field}: x {word} y\r\n"), []])),
        );
    }
    for (call, answer) in calls.iter().zip(ask(&calls)) {
        assert_eq!(answer, json!(true), "{call}");
    }
}

#[test]
fn reports_may_be_reports() {
    let own = "Undelivered Mail Returned to Sender";
    let full_width: String = own
        .chars()
        .map(|c| if c == ' ' { c } else { char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c) })
        .collect();
    let cases = [
        (format!("Subject: {own}\r\n"), vec![], true),
        (format!("Subject: Hello\nSubject: {own}\n"), vec![], true),
        ("Subject: *** Undelivered\r\n  Mail\r\n Returned to Sender\r\n".to_owned(), vec![], true),
        ("Subject: =?utf-8?Q?Undeliv=65red_Mail_Returned?= to Sender\r\n".to_owned(), vec![], true),
        ("Subject: =?utf-8?B?VW5kZWxpdmVyZWQ?= =?us-ascii?Q?_Mail?=\r\n".to_owned(), vec![], true),
        ("Subject: =?x-none?Q?=FF?= and =?broken\r\n".to_owned(), vec![], true),
        (format!("Subject: {full_width}\r\n"), vec![], true),
        ("Subject: U\u{200b}ndeli\u{200b}vered Mail Ret\u{ad}urned to Sender\r\n".to_owned(), vec![], true),
        ("Return-Path: <>\r\nSubject: x\r\n".to_owned(), vec![], true),
        ("X-Failed-Recipients: a@b.example\r\n".to_owned(), vec![], true),
        ("Subject: x\r\n".to_owned(), vec!["text/plain", "message/global-delivery-status"], true),
        ("Content-Type: multipart/report;\r\n boundary=b\r\n".to_owned(), vec![], true),
        ("From: =?utf-8?Q?Mailer-Daem=6Fn?= <x@y.example>\r\n".to_owned(), vec![], true),
        (
            "Return-Path: <bob@example.org>\r\nFrom: Bob <bob@example.org>\r\nSubject: Lunch\r\n".to_owned(),
            vec!["text/plain", "multipart/alternative", "application/pdf"],
            false,
        ),
        (String::new(), vec![], false),
        // More than PCRE's stack has room for, whatever stands behind it.
        (format!("X-Filler: a{}\r\nSubject: {own}\r\n", "\r\n a".repeat(200_000)), vec![], true),
        (format!("Subject: {} {own}\r\n", "\r\n a".repeat(200_000)), vec![], true),
        (format!("X-Filler: a{}\r\nSubject: Lunch\r\n", "\r\n a".repeat(200_000)), vec![], false),
    ];
    let calls: Vec<Value> =
        cases.iter().map(|(header, types, _)| json!(["may_be_report", header, types])).collect();
    for ((header, _, expected), answer) in cases.iter().zip(ask(&calls)) {
        assert_eq!(answer, json!(expected), "{:?}", header.get(..200).unwrap_or(header));
    }
}
