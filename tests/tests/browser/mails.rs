//! Mails that others might send.

use black_box::{Demo, Report, Smtp};

/// Brings a mail for alice from outside.
pub(crate) fn bring(demo: &Demo, message: &str) {
    let mut smtp = Smtp::connect(demo.mx());
    smtp.command("EHLO mx.elsewhere.example").expect(250);
    smtp.transact("", &["alice@home.example"], message).expect(250);
}

/// The cause of P7.
pub(crate) const SENTENCE: &str = "TLS is required, but was not offered by host mx.plain.example[127.0.0.53]";

fn head(from: &str, content: &str) -> String {
    let id = from.replace(' ', "-").to_lowercase();
    format!(
        "From: {from} <MAILER-DAEMON@home.example>\r\nTo: alice@home.example\r\nSubject: {}\r\n\
         Message-ID: <{id}@elsewhere.example>\r\nDate: Tue, 24 Nov 2026 09:00:00 +0100\r\nMIME-Version: 1.0\r\n\
         Content-Type: {content}\r\n",
        Report::SUBJECT
    )
}

/// A plain text with a bounce's subject.
pub(crate) fn text(from: &str, text: &str) -> String {
    format!("{}\r\n{text}", head(from, "text/plain; charset=utf-8"))
}

/// An HTML mail with a bounce's subject.
pub(crate) fn html(from: &str, html: &str) -> String {
    format!("{}\r\n{html}", head(from, "text/html; charset=utf-8"))
}

/// A report of RFC 3464 about carla.
pub(crate) fn bounce(from: &str, reporting_mta: &str, status: &str, cause: &str) -> String {
    format!(
        "{}\r\n--b\r\nContent-Type: text/plain\r\n\r\n<carla@plain.example>: {cause}\r\nhttps://switch-it-off.example/\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; {reporting_mta}\r\n\r\n\
         Final-Recipient: rfc822; carla@plain.example\r\nAction: failed\r\nStatus: {status}\r\n\
         Diagnostic-Code: X-Postfix; {cause}\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n\
         From: alice@home.example\r\nTo: carla@plain.example\r\nSubject: An offer\r\n\
         Message-ID: <never-sent@home.example>\r\n\r\n--b--\r\n",
        head(from, "multipart/report; report-type=delivery-status; boundary=b")
    )
}
