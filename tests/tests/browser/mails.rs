//! Mails that others might send.

use black_box::{Report, Smtp, World};

/// Brings a mail for alice from outside.
pub(crate) fn bring(world: &World, message: &str) {
    let mut smtp = Smtp::connect(world.mx());
    smtp.command("EHLO mx.elsewhere.example").expect(250);
    smtp.transact("", &[&format!("alice@{}", world.domain())], message).expect(250);
}

/// The cause of P7.
pub(crate) const SENTENCE: &str = "TLS is required, but was not offered by host mx.plain.example[127.0.0.53]";

fn head(world: &World, from: &str, content: &str) -> String {
    let domain = world.domain();
    let id = from.replace(' ', "-").to_lowercase();
    format!(
        "From: {from} <MAILER-DAEMON@{domain}>\r\nTo: alice@{domain}\r\nSubject: {}\r\n\
         Message-ID: <{id}@elsewhere.example>\r\nDate: Tue, 24 Nov 2026 09:00:00 +0100\r\nMIME-Version: 1.0\r\n\
         Content-Type: {content}\r\n",
        Report::SUBJECT
    )
}

/// A plain text with a bounce's subject.
pub(crate) fn text(world: &World, from: &str, text: &str) -> String {
    format!("{}\r\n{text}", head(world, from, "text/plain; charset=utf-8"))
}

/// An HTML mail with a bounce's subject.
pub(crate) fn html(world: &World, from: &str, html: &str) -> String {
    format!("{}\r\n{html}", head(world, from, "text/html; charset=utf-8"))
}

/// A report of RFC 3464 about carla.
pub(crate) fn bounce(world: &World, from: &str, reporting_mta: &str, status: &str, cause: &str) -> String {
    let domain = world.domain();
    format!(
        "{}\r\n--b\r\nContent-Type: text/plain\r\n\r\n<carla@plain.example>: {cause}\r\nhttps://switch-it-off.example/\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; {reporting_mta}\r\n\r\n\
         Final-Recipient: rfc822; carla@plain.example\r\nAction: failed\r\nStatus: {status}\r\n\
         Diagnostic-Code: X-Postfix; {cause}\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n\
         From: alice@{domain}\r\nTo: carla@plain.example\r\nSubject: An offer\r\n\
         Message-ID: <never-sent@{domain}>\r\n\r\n--b--\r\n",
        head(world, from, "multipart/report; report-type=delivery-status; boundary=b")
    )
}
