//! The report's content: what happened to whom, in all languages.

use std::sync::LazyLock;

use bounce::{Cause as Said, Ground, Grounds, Notice, Report, Reported, Returns, Texts};
use guarantee::{Authentication, Cause, EXPIRES_AFTER, Wish};
use jiff::Timestamp;
use serde::Deserialize;
use smtp::envelope::Ret;
use store::{Evidence, MessageFacts, PendingRecipient, PendingReport, ReportKind};

use crate::acceptance::{new_message_id, new_queue_id};

// `CATALOGUES`: the catalogue's part for reports of each language, from the same folders as the browser's texts.
include!(concat!(env!("OUT_DIR"), "/catalogues.rs"));

static WORDS: LazyLock<Vec<Texts>> = LazyLock::new(|| CATALOGUES.iter().map(|json| texts(json)).collect());

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    stopped: String,
    stopped_downgrade: String,
    stopped_mismatch: String,
    stopped_unproven: String,
    stopped_requiretls: String,
    stopped_demanded: String,
    ways: String,
    bound: String,
    failed: String,
    delayed: String,
    delivered: String,
    relayed: String,
    closing: String,
}

fn texts(json: &str) -> Texts {
    // Part of the program, and tested below: it can't be wrong at run time.
    let all: Catalogue = serde_json::from_str(json).expect("the catalogue has the report's texts");
    Texts {
        stopped: Grounds {
            no_encryption: all.stopped,
            downgrade: all.stopped_downgrade,
            mismatch: all.stopped_mismatch,
            unproven: all.stopped_unproven,
            requiretls: all.stopped_requiretls,
            demanded: all.stopped_demanded,
        },
        ways: all.ways,
        bound: all.bound,
        failed: all.failed,
        delayed: all.delayed,
        delivered: all.delivered,
        relayed: all.relayed,
        closing: all.closing,
    }
}

/// In which report a recipient is told of.
pub(super) fn notice(kind: ReportKind) -> Notice {
    match kind {
        ReportKind::Stopped | ReportKind::Failed => Notice::Failed,
        ReportKind::Delayed => Notice::Delayed,
        ReportKind::Delivered | ReportKind::Relayed => Notice::Succeeded,
    }
}

/// Writes the report of everything in `about`, whose recipients all belong to this notice.
pub(super) fn compose(about: &PendingReport, notice: Notice, server_name: &str, now: Timestamp) -> Vec<u8> {
    bounce::write(&Report {
        notice,
        own_name: server_name.to_owned(),
        queue_id: about.facts.queue_id.clone(),
        to: about.facts.reverse_path.as_str().to_owned(),
        date: now,
        message_id: new_message_id(server_name),
        boundary: new_queue_id(),
        arrival: about.facts.accepted_at,
        envelope_id: about.facts.envid.clone(),
        recipients: about.recipients.iter().map(|one| reported(one, &about.facts)).collect(),
        original: &about.content,
        // RFC 3461 §4.3: headers only, unless the whole is asked for; only a failure ever returns it.
        returns: match (about.facts.ret, notice) {
            // RFC 8689 §5: of REQUIRETLS mail never more than the header.
            (Some(Ret::Full), Notice::Failed) if !about.facts.wish.goes_on() => Returns::Full,
            _ => Returns::Headers,
        },
        words: WORDS.clone(),
    })
}

fn reported(one: &PendingRecipient, message: &MessageFacts) -> Reported {
    let delayed = one.kind == ReportKind::Delayed;
    let cause_host = one.cause.as_ref().and_then(Cause::host);
    let host = cause_host.or_else(|| one.evidence.as_ref().and_then(|evidence| evidence.host.as_ref()));
    Reported {
        address: one.address.clone(),
        orcpt: one.orcpt.clone(),
        status: match &one.cause {
            Some(cause) if delayed => cause.deferred_status(),
            Some(cause) => cause.status(),
            // `250 2.1.5 taken`; without an enhanced code the report has the general one.
            None => reply(one).split(' ').nth(1).unwrap_or_default().to_owned(),
        },
        cause: said(one, message.wish),
        remote: host.map(|host| host.name.clone()),
        evidence: evidence(one),
        last_attempt: Some(one.at),
        will_retry_until: if delayed { message.accepted_at.checked_add(EXPIRES_AFTER).ok() } else { None },
    }
}

/// What was found or proven of the transport, for whoever has to explain it afterwards.
fn evidence(one: &PendingRecipient) -> Option<String> {
    let at = one.at.strftime("%Y-%m-%dT%H:%M:%SZ");
    match (&one.cause, &one.evidence) {
        (Some(cause), _) if one.kind == ReportKind::Stopped => {
            let host = cause.host().map(|host| format!("host={host}; ")).unwrap_or_default();
            Some(format!("{host}found={}; at={at}", cause.kind()))
        }
        (None, Some(evidence)) => {
            let Evidence { protection, authentication, host, tls, .. } = evidence;
            let mut told = vec![format!("protection={protection}")];
            told.extend(host.as_ref().map(|host| format!("host={host}")));
            if let Some(tls) = tls {
                told.push(format!("tls={}; cipher={}", tls.version, tls.cipher));
                told.push(format!("key-exchange={}", tls.key_exchange));
                told.push(format!("certificate-sha256={}", tls.certificate_sha256));
            }
            told.extend(match authentication {
                Authentication::Nothing => None,
                Authentication::UnprovenHost { record } => Some(format!("tlsa-of-unproven-host={record}")),
                Authentication::Certificate { name } => Some(format!("certificate-for={name}")),
                Authentication::MtaSts { name } => Some(format!("mta-sts=certificate for {name}")),
                Authentication::Dane { record } => Some(format!("tlsa={record}")),
            });
            told.push(format!("at={at}"));
            Some(told.join("; "))
        }
        _ => None,
    }
}

/// What the host that took the mail replied.
fn reply(one: &PendingRecipient) -> &str {
    one.evidence.as_ref().map_or("", |evidence| &evidence.reply)
}

fn said(one: &PendingRecipient, wish: Wish) -> Said {
    match (one.kind, &one.cause) {
        (ReportKind::Delivered, _) => Said::Delivered,
        (ReportKind::Relayed, _) => Said::Relayed(reply(one).to_owned()),
        (ReportKind::Stopped, Some(cause)) => Said::Stop(ground(cause, wish), cause.text()),
        (ReportKind::Failed | ReportKind::Delayed, Some(Cause::Rejected { reply, .. })) => {
            Said::Reply(reply.clone())
        }
        (ReportKind::Failed | ReportKind::Delayed, Some(cause)) => Said::Own(cause.text()),
        (ReportKind::Stopped | ReportKind::Failed | ReportKind::Delayed, None) => Said::Own(String::new()),
    }
}

fn ground(cause: &Cause, wish: Wish) -> Ground {
    match cause {
        // Not the guarantee's doing, which may be off.
        Cause::Mismatch { .. } if wish == Wish::Demanded => Ground::DemandedMismatch,
        _ if wish == Wish::Demanded => Ground::Demanded,
        Cause::Downgrade { .. } => Ground::Downgrade,
        Cause::Mismatch { .. } => Ground::Mismatch,
        Cause::NotAuthenticated { .. } => Ground::Unproven,
        Cause::RequireTlsNotOffered { .. } | Cause::RequireTlsFailed { .. } => Ground::RequireTls,
        _ => Ground::NoEncryption,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use guarantee::{HostAddress, Mechanism, Protection};
    use rstest::rstest;
    use smtp::envelope::ReversePath;
    use store::RecipientId;

    fn host() -> HostAddress {
        HostAddress { name: "mx.plain.example".into(), address: [192, 0, 2, 1].into() }
    }

    fn pending(cause: impl Into<Option<Cause>>, kind: ReportKind) -> PendingReport {
        PendingReport {
            facts: MessageFacts {
                queue_id: "7yz0y9pcxavq".into(),
                origin: guarantee::Origin::Submission,
                account: Some("alice@home.example".into()),
                reverse_path: ReversePath::Address("alice@home.example".into()),
                ret: None,
                envid: None,
                smtputf8: false,
                eight_bit: false,
                wish: guarantee::Wish::None,
                accepted_at: Timestamp::UNIX_EPOCH,
            },
            first_verdicts_missing: 0,
            recipients: vec![PendingRecipient {
                id: RecipientId(1),
                address: "carla@plain.example".into(),
                orcpt: None,
                kind,
                cause: cause.into(),
                evidence: None,
                at: Timestamp::UNIX_EPOCH,
            }],
            content: Bytes::from_static(
                b"From: alice@home.example\r\nMessage-ID: <m1@home.example>\r\n\r\nsecret\r\n",
            ),
        }
    }

    fn read(about: &PendingReport) -> (String, bounce::Reading) {
        let raw = compose(about, notice(about.recipients[0].kind), "home.example", Timestamp::UNIX_EPOCH);
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

    // rfc 3464 2.3.6: SHOULD However, this field SHOULD be included
    // rfc 8689 5: MUST If a REQUIRETLS message is bounced, the
    // rfc 8689 5: MUST If both RET=FULL and REQUIRETLS are present
    #[test]
    fn a_report_about_requiretls_mail_returns_the_header_only() {
        let mut about = pending(Cause::NoStarttls { host: host() }, ReportKind::Stopped);
        about.facts.ret = Some(Ret::Full);
        assert!(read(&about).0.contains("secret"), "asked for and allowed");
        for wish in [Wish::RequireTls, Wish::Demanded] {
            about.facts.wish = wish;
            assert!(!read(&about).0.contains("secret"), "{wish:?}");
        }
    }

    #[rstest]
    #[case::in_clear(Cause::NoStarttls { host: host() }, "3. Send without the TLS guarantee")]
    #[case::unproven(
        Cause::NotAuthenticated { host: host(), detail: "self-signed".into() },
        "3. Send without the TLS guarantee"
    )]
    #[case::mismatch(
        Cause::Mismatch { host: host(), mechanism: Mechanism::Dane, detail: "no record matches".into() },
        "What the domain requires holds for every mail"
    )]
    fn a_stop_that_was_demanded_for_this_mail_does_not_blame_the_guarantee(
        #[case] cause: Cause,
        #[case] remedy: &str,
    ) {
        let mut about = pending(cause, ReportKind::Stopped);
        about.facts.wish = Wish::Demanded;
        let (text, reading) = read(&about);
        let unwrapped = text.replace("\r\n", " ");
        assert!(unwrapped.contains("Sie haben für diese E-Mail verlangt"), "{text}");
        assert!(unwrapped.contains("You asked for this mail"), "{text}");
        assert!(unwrapped.contains(remedy), "{text}");
        assert!(!text.contains("Ihre TLS-Versand-Garantie") && !text.contains("Your TLS sending guarantee"));
        let claim = bounce::claim(&reading, "home.example");
        assert!(matches!(claim, bounce::Claim::ClaimsOurStop { .. }), "{claim:?}");
    }

    #[test]
    fn a_stop_says_in_its_header_what_was_found() {
        let (text, _) = read(&pending(Cause::NoStarttls { host: host() }, ReportKind::Stopped));
        let (header, _) = text.split_once("\r\n\r\n").expect("a header");
        let unfolded = header.replace("\r\n    ", " ");
        assert!(
            unfolded.contains(
                "X-TLS-Guarantee-Evidence: rcpt=carla@plain.example; host=mx.plain.example[192.0.2.1]; \
                 found=no_starttls; at=1970-01-01T00:00:00Z"
            ),
            "{header}"
        );
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
        let mut about = pending(cause, ReportKind::Delayed);
        about.facts.ret = Some(Ret::Full);
        let (text, _) = read(&about);
        assert!(text.contains("Action: delayed\r\n"));
        assert!(text.contains("Status: 4.4.1\r\n"));
        assert!(text.contains("Will-Retry-Until: "));
        assert!(!text.contains("Undelivered Mail"));
        assert!(!text.contains("secret"));
    }

    #[test]
    fn a_success_has_the_hosts_reply_and_never_returns_the_whole() {
        let mut about = pending(None, ReportKind::Relayed);
        about.facts.ret = Some(Ret::Full);
        about.recipients[0].evidence = Some(Evidence {
            protection: Protection::None,
            authentication: guarantee::Authentication::Nothing,
            host: Some(host()),
            tls: None,
            reply: "250 2.1.5 taken".into(),
        });
        about.recipients.push(PendingRecipient {
            address: "bob@home.example".into(),
            kind: ReportKind::Delivered,
            evidence: None,
            ..about.recipients[0].clone()
        });
        let (text, reading) = read(&about);
        assert!(text.contains("Subject: Successful Mail Delivery Report\r\n"));
        assert!(
            text.contains("Remote-MTA: dns; mx.plain.example\r\nDiagnostic-Code: smtp; 250 2.1.5 taken\r\n")
        );
        assert!(!text.contains("secret"));
        let told: Vec<_> =
            reading.recipients.iter().map(|one| (one.action, one.status.as_deref().unwrap_or(""))).collect();
        assert_eq!(told, [(bounce::Action::Relayed, "2.1.5"), (bounce::Action::Delivered, "2.0.0")]);
        assert_eq!(bounce::claim(&reading, "home.example"), bounce::Claim::NotABounce);
    }
}
