//! A report to vary.

#![allow(unreachable_pub, reason = "each test takes what it needs")]
#![allow(dead_code, reason = "each test takes what it needs")]

use bounce::{Cause, Ground, Grounds, Notice, Report, Reported, Returns, Texts};
use jiff::Timestamp;

pub const ORIGINAL: &[u8] = b"Received: from [192.0.2.7] by home.example with ESMTPSA id 01JDEFQ7;\r\n\
    \tTue, 24 Nov 2026 06:00:00 +0000\r\n\
    From: Alice <alice@home.example>\r\n\
    To: carla@plain.example\r\n\
    Subject: Protokoll\r\n\
    Message-ID: <protokoll.1@home.example>\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: text/plain; charset=us-ascii\r\n\
    \r\n\
    Hello Carla,\r\n\
    -- \r\n\
    Alice\r\n";

pub fn time(text: &str) -> Timestamp {
    text.parse().expect("a time of RFC 3339")
}

pub fn stopped(address: &str, text: &str) -> Reported {
    Reported {
        address: address.into(),
        orcpt: None,
        status: "5.7.4".into(),
        cause: Cause::Stop(Ground::NoEncryption, text.into()),
        remote: None,
        last_attempt: Some(time("2026-11-24T06:00:01Z")),
        evidence: None,
        will_retry_until: None,
    }
}

pub fn refused(address: &str, status: &str, reply: &str) -> Reported {
    let cause = Cause::Reply(reply.into());
    let remote = Some("mx.verified.example[192.0.2.3]".into());
    Reported { status: status.into(), cause, remote, ..stopped(address, "") }
}

pub fn report(recipients: Vec<Reported>) -> Report<'static> {
    Report {
        notice: Notice::Failed,
        own_name: "home.example".into(),
        queue_id: "01JDEFQ7".into(),
        to: "alice@home.example".into(),
        date: time("2026-11-24T06:00:02Z"),
        message_id: "01JDEFQ8.bounce@home.example".into(),
        boundary: "01JDEFQ7.a8Kx02/home.example".into(),
        arrival: time("2026-11-24T06:00:00Z"),
        envelope_id: None,
        recipients,
        original: ORIGINAL,
        returns: Returns::Headers,
        words: words(),
    }
}

fn words() -> Vec<Texts> {
    let de = Texts {
        stopped: Grounds {
            no_encryption: "Ihre TLS-Versand-Garantie hat diesen Versand gestoppt.\n\nDie E-Mail wurde an die folgenden Empfänger \
            nicht gesendet, auch wenn sie im Ordner „Gesendet“ liegt:".into(),
            mismatch: "Der Server ist es nicht. / The server is not the one:".into(),
            ..Grounds::default()
        },
        bound: "Das gilt für jede E-Mail. / That binds on every mail.".into(),
        ways: "Bitten Sie um eine andere Adresse, möglichst auf einem anderen Weg.".into(),
        failed: "Die E-Mail konnte diesen Empfängern nicht zugestellt werden. Mit der TLS-Versand-Garantie hat das \
            nichts zu tun:"
            .into(),
        delayed: "Die E-Mail wartet noch. Sie müssen nichts tun:".into(),
        delivered: "Die E-Mail liegt im Postfach dieser Empfänger:".into(),
        relayed: "Der Server dieser Empfänger hat die E-Mail angenommen:".into(),
        closing: String::new(),
    };
    let en = Texts {
        stopped: Grounds {
            no_encryption: "Your TLS sending guarantee stopped this mail.\n\nIt was not sent to the following recipients, even \
            though it lies in \"Sent\":".into(),
            mismatch: "Der Server ist es nicht. / The server is not the one:".into(),
            ..Grounds::default()
        },
        bound: "Das gilt für jede E-Mail. / That binds on every mail.".into(),
        ways: "Ask for another address, best by another way.".into(),
        failed: "The mail could not be delivered to these recipients. This has nothing to do with the TLS sending \
            guarantee:"
            .into(),
        delayed: "The mail is still waiting. You need not do anything:".into(),
        delivered: "The mail is in these recipients' mailboxes:".into(),
        relayed: "The server of these recipients has taken the mail:".into(),
        closing: "The mail system of home.example".into(),
    };
    vec![de, en]
}
