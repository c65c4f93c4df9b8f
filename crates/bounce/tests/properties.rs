//! What holds for every input.

mod common;

use bounce::{Action, Cause, Ground, Notice, Reported, claim, read, write};
use common::{report, stopped};
use proptest::prelude::*;

/// An address as SMTP lets it in.
fn address() -> impl Strategy<Value = String> {
    let local = prop_oneof![
        "[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\\.[a-z0-9]{1,5}){0,2}",
        "\"[a-z .,;:<>()@]{1,20}\"",
        "[a-zäöüß]{1,12}",
    ];
    (local, "[a-z]{1,10}(\\.[a-zü]{2,8}){1,3}").prop_map(|(local, domain)| format!("{local}@{domain}"))
}

/// A cause on one line, as a well-behaved server gives it.
fn cause() -> impl Strategy<Value = Cause> {
    let words = prop::collection::vec("[!-~]{1,30}", 1..20).prop_map(|words| words.join(" "));
    words.prop_flat_map(|text| {
        prop_oneof![
            Just(Cause::Stop(Ground::NoEncryption, format!("TLS is required, but {text}"))),
            Just(Cause::Own(text.clone())),
            Just(Cause::Reply(format!("550 {text}"))),
        ]
    })
}

fn recipient() -> impl Strategy<Value = Reported> {
    (address(), "[45]\\.(0|[1-9][0-9]?)\\.(0|[1-9][0-9]{0,2})", cause())
        .prop_map(|(address, status, cause)| Reported { status, cause, ..stopped(&address, "") })
}

/// Bits of messages, put together at random.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n",
        "Content-Type: message/rfc822\n",
        "Content-Type: message/delivery-status\n",
        "Content-Type: text/html; charset=utf-16\n",
        "Content-Transfer-Encoding: base64\n",
        "Content-Transfer-Encoding: quoted-printable\n",
        "From: MAILER-DAEMON <>\nSubject: Undelivered Mail Returned to Sender\n",
        "X-Failed-Recipients: a@b.example\n",
        "\n",
        "\r",
        "--b\n",
        "--b--\n",
        "Reporting-MTA: dns; home.example\n",
        "Final-Recipient: rfc822; \"a b\"@c.example\n",
        "Original-Recipient: utf-8; \\x{E4}\\303\\x{@b.example\n",
        "Action: failed\nStatus: 5.7.4\n",
        "Diagnostic-Code: X-Postfix; TLS is required, but\n  was not offered\n",
        "<a@b.example>: ",
        "550 5.1.1 <c@d.example>... unknown\n",
        "> quoted @ @x.example \"@y.example\n",
        "--- Below this line is a copy of the message.\n\nReturn-Path: <a@b.example>\n",
        "=?utf-8?q?=C3?=",
        "&lt;<b&#x0;>&",
        "\u{1b}$B\u{1b}(B",
        "ä\u{0}=E4=\n",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_written_is_read(recipients in prop::collection::vec(recipient(), 1..8), delayed: bool) {
        let mut report = report(recipients);
        report.notice = if delayed { Notice::Delayed } else { Notice::Failed };
        let action = if delayed { Action::Delayed } else { Action::Failed };
        let reading = read(&write(&report));
        prop_assert!(reading.is_bounce());
        let mut expected: Vec<&Reported> = Vec::new();
        for recipient in &report.recipients {
            if !expected.iter().any(|r| r.address.to_lowercase() == recipient.address.to_lowercase()) {
                expected.push(recipient);
            }
        }
        prop_assert_eq!(reading.recipients.len(), expected.len());
        for (got, sent) in reading.recipients.iter().zip(expected) {
            prop_assert_eq!(&got.address, &sent.address);
            prop_assert_eq!(got.action, action);
            prop_assert_eq!(got.status.as_ref(), Some(&sent.status));
            let (kind, text) = match &sent.cause {
                Cause::Reply(text) => ("smtp", text),
                Cause::Stop(_, text) | Cause::Own(text) => ("X-TLS-Guarantee", text),
                Cause::Delivered | Cause::Relayed(_) => unreachable!("no trouble"),
            };
            let diagnostic = got.diagnostic.as_ref().unwrap();
            prop_assert_eq!(diagnostic.kind.as_deref(), Some(kind));
            prop_assert_eq!(&diagnostic.text, text);
            prop_assert!(got.tls.is_some() || !matches!(sent.cause, Cause::Stop(..)));
        }
    }

    #[test]
    fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        claim(&read(&bytes), "home.example");
    }

    #[test]
    fn no_mixture_makes_it_panic(bytes in pieces()) {
        let reading = read(&bytes);
        claim(&reading, "home.example");
        // and what it made of it can be reported again
        let recipients: Vec<_> = reading.recipients.iter().map(|r| stopped(&r.address, "TLS is required, but")).collect();
        let again = read(&write(&report(recipients)));
        prop_assert_eq!(again.recipients.len(), reading.recipients.len());
    }
}
