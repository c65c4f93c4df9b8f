use std::{io, sync::Arc, sync::Mutex};

use guarantee::{HostAddress, Protection, Requirement, TlsDetails, TlsVersion, Wish};
use jiff::SignedDuration;
use rstest::rstest;
use smtp::envelope::{Notify, ReversePath};
use store::{MessageFacts, NextHop, RecipientId};

use super::*;

fn host() -> HostAddress {
    HostAddress { name: "mx.dane.example".to_owned(), address: [192, 0, 2, 1].into() }
}

/// What a subscriber writes.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(authentication: Authentication, protection: Protection, mx: Proof) -> String {
    let tls = TlsDetails {
        version: TlsVersion::Tls13,
        cipher: String::new(),
        key_exchange: String::new(),
        certificate_sha256: String::new(),
    };
    let fate = Fate::Delivered {
        protection,
        authentication,
        host: host(),
        tls: Some(tls),
        reply: "250 ok".to_owned(),
        dsn: DsnOffer::NotOffered,
    };
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .finish();
    tracing::subscriber::with_default(subscriber, || log_delivered("7yz0", "hosted.example", mx, &fate));
    let octets = written.0.lock().expect("not poisoned").clone();
    String::from_utf8(octets).expect("UTF-8").trim().to_owned()
}

fn record() -> String {
    "3 1 1 00".to_owned()
}

// rfc 7672 2.2.1: SHOULD Sending MTAs SHOULD log unexpanded MX hostnames
// rfc 7672 2.2.1: MUST NOT Any successful authentication via an insecurely determined
#[rstest]
#[case::proven(
    Authentication::Dane { record: record() }, Protection::Dane, Proof::Secure,
    "mx=\"signed\" host=mx.dane.example[192.0.2.1] protection=dane tls=\"TLSv1.3\" proven_by=\"dane\""
)]
#[case::unproven(
    Authentication::UnprovenHost { record: record() }, Protection::Encrypted, Proof::Insecure,
    "mx=\"unsigned\" host=mx.dane.example[192.0.2.1] protection=encrypted tls=\"TLSv1.3\" proven_by=\"tlsa-of-unproven-host\""
)]
#[case::by_its_policy(
    Authentication::MtaSts { name: host().name }, Protection::Authenticated, Proof::Insecure,
    "mx=\"unsigned\" host=mx.dane.example[192.0.2.1] protection=authenticated tls=\"TLSv1.3\" proven_by=\"mta-sts\""
)]
fn the_log_names_the_host_and_says_if_its_mx_is_unsigned(
    #[case] authentication: Authentication,
    #[case] protection: Protection,
    #[case] mx: Proof,
    #[case] expected: &str,
) {
    let line = logged(authentication, protection, mx);
    let beginning = "INFO delivered queue_id=\"7yz0\" domain=\"hosted.example\" ";
    assert_eq!(line, format!("{beginning}{expected}"));
}

/// What a host says every time it says in the end for good.
// rfc 8689 4.2.2: MUST A non-delivery notification MUST be returned to
#[rstest]
#[case::in_time(SignedDuration::from_hours(1), false)]
#[case::expired(EXPIRES_AFTER, true)]
fn what_waits_too_long_bounces(#[case] waited: SignedDuration, #[case] bounces: bool) {
    let accepted_at = Timestamp::UNIX_EPOCH;
    let recipient = JobRecipient {
        id: RecipientId(1),
        address: "bob@broken.example".to_owned(),
        notify: Notify::Unspecified,
        orcpt: None,
        history: History::default(),
        delay_reported: true,
    };
    let job = Job {
        facts: MessageFacts {
            queue_id: "q".to_owned(),
            origin: guarantee::Origin::Submission,
            account: Some("alice@home.example".to_owned()),
            reverse_path: ReversePath::Address("alice@home.example".to_owned()),
            ret: None,
            envid: None,
            smtputf8: false,
            eight_bit: false,
            wish: Wish::TlsOptional,
            accepted_at,
        },
        size: 0,
        next_hop: NextHop::Domain("broken.example".to_owned()),
        requirement: Requirement::Regardless,
        recipients: vec![recipient.clone()],
    };
    let insists = Cause::Rejected {
        host: host(),
        status: "5.7.0".to_owned(),
        command: "MAIL FROM".to_owned(),
        reply: "530 5.7.0 Must issue a STARTTLS command first".to_owned(),
    };
    let outcome = later(&job, &recipient, insists.clone(), History::default(), accepted_at + waited);
    match outcome {
        Outcome::Bounced(cause) => {
            assert!(bounces, "{cause:?}");
            assert_eq!(cause, Cause::Expired { last: Box::new(insists) });
        }
        other => assert!(!bounces, "{other:?}"),
    }
}
