//! The report's content: what happened to whom, in both languages.

use std::sync::LazyLock;

use bounce::{Cause as Said, Notice, Report, Reported, Returns, Texts, Words};
use guarantee::{Cause, EXPIRES_AFTER};
use jiff::Timestamp;
use serde::Deserialize;
use smtp::envelope::Ret;
use store::{PendingRecipient, PendingReport, ReportKind};

use crate::acceptance::{new_message_id, new_queue_id};

/// The catalogue's part for reports, the same files that the browser's texts come from.
static WORDS: LazyLock<Words> = LazyLock::new(|| Words {
    de: texts(include_str!("../../../plugin/locales/de/bounce.json")),
    en: texts(include_str!("../../../plugin/locales/en/bounce.json")),
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    stopped: String,
    ways: String,
    failed: String,
    delayed: String,
    closing: String,
}

fn texts(json: &str) -> Texts {
    // Part of the program, and tested below: it can't be wrong at run time.
    let Catalogue { stopped, ways, failed, delayed, closing } =
        serde_json::from_str(json).expect("the catalogue has the report's texts");
    Texts { stopped, ways, failed, delayed, closing }
}

/// Writes the report of everything in `about`, which is all failures or all delays.
pub(super) fn compose(about: &PendingReport, server_name: &str, now: Timestamp) -> Vec<u8> {
    let delayed = about.recipients.iter().all(|one| one.kind == ReportKind::Delayed);
    bounce::write(&Report {
        notice: if delayed { Notice::Delayed } else { Notice::Failed },
        own_name: server_name.to_owned(),
        queue_id: about.queue_id.clone(),
        to: about.reverse_path.as_str().to_owned(),
        date: now,
        message_id: new_message_id(server_name),
        boundary: new_queue_id(),
        arrival: about.accepted_at,
        envelope_id: about.envid.clone(),
        recipients: about.recipients.iter().map(|one| reported(one, about.accepted_at)).collect(),
        original: &about.content,
        // RFC 3461 §4.3: headers only, unless the whole is asked for; a delay notice never returns it.
        returns: if about.ret == Some(Ret::Full) && !delayed { Returns::Full } else { Returns::Headers },
        words: WORDS.clone(),
    })
}

fn reported(one: &PendingRecipient, accepted_at: Timestamp) -> Reported {
    let delayed = one.kind == ReportKind::Delayed;
    Reported {
        address: one.address.clone(),
        orcpt: one.orcpt.clone(),
        status: if delayed { one.cause.deferred_status() } else { one.cause.status() },
        cause: said(one),
        remote: one.cause.host().map(|host| host.name.clone()),
        last_attempt: Some(one.at),
        will_retry_until: if delayed { accepted_at.checked_add(EXPIRES_AFTER).ok() } else { None },
    }
}

fn said(one: &PendingRecipient) -> Said {
    match (&one.cause, one.kind) {
        (cause, ReportKind::Stopped) => Said::Stop(cause.text()),
        (Cause::Rejected { reply, .. }, ReportKind::Failed | ReportKind::Delayed) => {
            Said::Reply(reply.clone())
        }
        (cause, ReportKind::Failed | ReportKind::Delayed) => Said::Own(cause.text()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use guarantee::HostAddress;
    use smtp::envelope::ReversePath;
    use store::RecipientId;

    fn host() -> HostAddress {
        HostAddress { name: "mx.plain.example".into(), address: [192, 0, 2, 1].into() }
    }

    fn pending(cause: Cause, kind: ReportKind) -> PendingReport {
        PendingReport {
            queue_id: "7yz0y9pcxavq".into(),
            account: Some("alice@home.example".into()),
            reverse_path: ReversePath::Address("alice@home.example".into()),
            ret: None,
            envid: None,
            accepted_at: Timestamp::UNIX_EPOCH,
            first_verdicts_missing: 0,
            recipients: vec![PendingRecipient {
                id: RecipientId(1),
                address: "carla@plain.example".into(),
                orcpt: None,
                kind,
                cause,
                at: Timestamp::UNIX_EPOCH,
            }],
            content: Bytes::from_static(
                b"From: alice@home.example\r\nMessage-ID: <m1@home.example>\r\n\r\nsecret\r\n",
            ),
        }
    }

    fn read(about: &PendingReport) -> (String, bounce::Reading) {
        let raw = compose(about, "home.example", Timestamp::UNIX_EPOCH);
        let reading = bounce::read(&raw);
        (String::from_utf8(raw).expect("a report of ASCII mail is UTF-8"), reading)
    }

    #[test]
    fn a_stop_names_recipient_and_cause_and_returns_the_header_only() {
        let (text, reading) = read(&pending(Cause::NoStarttls { host: host() }, ReportKind::Stopped));
        assert!(text.contains("Subject: Undelivered Mail Returned to Sender\r\n"));
        assert!(text.contains("Ihre TLS-Versand-Garantie hat diesen Versand gestoppt."));
        assert!(text.contains("Your TLS sending guarantee stopped this mail."));
        assert!(!text.contains("secret"));
        assert_eq!(reading.recipients.len(), 1);
        let recipient = &reading.recipients[0];
        assert_eq!(recipient.address, "carla@plain.example");
        assert_eq!(recipient.status.as_deref(), Some("5.7.4"));
        let claim = bounce::claim(&reading, "home.example");
        assert!(matches!(claim, bounce::Claim::ClaimsOurStop { .. }), "{claim:?}");
    }

    #[test]
    fn a_remote_refusal_is_told_as_the_hosts_words() {
        let cause = Cause::Rejected {
            host: host(),
            status: "5.1.1".into(),
            command: "RCPT TO".into(),
            reply: "550 5.1.1 no such user".into(),
        };
        let (text, reading) = read(&pending(cause, ReportKind::Failed));
        assert!(text.contains("Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"));
        assert!(!text.contains("TLS-Versand-Garantie hat diesen Versand gestoppt"));
        let claim = bounce::claim(&reading, "home.example");
        assert!(matches!(claim, bounce::Claim::OtherBounce { .. }), "{claim:?}");
    }

    #[test]
    fn a_delay_says_until_when_and_never_returns_the_whole() {
        let cause = Cause::Unreachable { host: host(), detail: "connection refused".into() };
        let about = PendingReport { ret: Some(Ret::Full), ..pending(cause, ReportKind::Delayed) };
        let (text, _) = read(&about);
        assert!(text.contains("Action: delayed\r\n"));
        assert!(text.contains("Status: 4.4.1\r\n"));
        assert!(text.contains("Will-Retry-Until: "));
        assert!(!text.contains("Undelivered Mail"));
        assert!(!text.contains("secret"));
    }
}
