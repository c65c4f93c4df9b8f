//! The people, messages and moments of the tests.

use std::any::Any;
use std::ops::Deref;
use std::sync::Arc;

use api::{MessageRecipient, RecipientState};
use bytes::Bytes;
use guarantee::{
    Age, AppliedPolicy, Cause, History, HostAddress, Origin, Protection, ResultType, Sighted, Sighting,
    StsMode, StsPolicy, TlsDetails, TlsVersion, Wish,
};
use jiff::{SignedDuration, Timestamp};
use smtp::envelope::{Notify, NotifyOn, ReversePath};
use store::{
    DsnDuty, Evidence, Job, Listing, MailboxMessage, MessageFacts, NewMessage, NewRecipient, NextHop,
    Outcome, OverrideRow, Progress, RecipientOutcome, Store, StoredPolicy,
};

pub(crate) const ALICE: &str = "alice@home.example";
pub(crate) const BOB: &str = "bob@home.example";

/// An empty store, and what it lives in.
pub(crate) struct Fresh {
    pub(crate) store: Arc<dyn Store>,
    /// Dropped after the store.
    pub(crate) _home: Box<dyn Any>,
}

impl Deref for Fresh {
    type Target = dyn Store;
    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

/// A fresh store with the accounts of Alice and Bob.
pub(crate) async fn home() -> Fresh {
    let store = crate::fresh();
    for address in [ALICE, BOB] {
        store.add_account(address, "$argon2id$", at(0)).await.unwrap();
    }
    store
}

/// So many seconds after the tests' beginning of time.
pub(crate) fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(seconds)
}

/// A submission of Alice's to these recipients, accepted at 0.
pub(crate) fn message(queue_id: &str, to: &[&str]) -> NewMessage {
    NewMessage {
        facts: MessageFacts {
            queue_id: queue_id.to_owned(),
            origin: Origin::Submission,
            account: Some(ALICE.to_owned()),
            reverse_path: ReversePath::Address(ALICE.to_owned()),
            ret: None,
            envid: None,
            smtputf8: false,
            eight_bit: false,
            wish: Wish::None,
            accepted_at: at(0),
        },
        message_id: Some(format!("{queue_id}@home.example")),
        subject: format!("Subject of {queue_id}"),
        recipients: to.iter().map(|address| recipient(address)).collect(),
        content: Bytes::from(format!("Subject: {queue_id}\r\n\r\nHello\r\n")),
        end_to_end: false,
        sent_copy: None,
        replaces: None,
    }
}

/// A message with a difference.
pub(crate) trait With {
    fn with(self, change: impl FnOnce(&mut Self)) -> Self;
}

impl With for NewMessage {
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// A recipient at its domain; those at `home.example` are local.
pub(crate) fn recipient(address: &str) -> NewRecipient {
    let domain = address.rsplit('@').next().unwrap();
    let next_hop =
        if domain == "home.example" { NextHop::Local } else { NextHop::Domain(domain.to_lowercase()) };
    NewRecipient { address: address.to_owned(), next_hop, notify: Notify::Unspecified, orcpt: None }
}

/// `NOTIFY=FAILURE`, `NOTIFY=DELAY`, `NOTIFY=SUCCESS`.
pub(crate) fn only(event: &str) -> Notify {
    Notify::On(NotifyOn { success: event == "success", failure: event == "failure", delay: event == "delay" })
}

/// A message for a mailbox.
pub(crate) fn letter(subject: &str) -> MailboxMessage {
    MailboxMessage {
        listing: Listing {
            message_id: Some(format!("{subject}@tls.example")),
            from: "Dora <dora@tls.example>".to_owned(),
            to: ALICE.to_owned(),
            subject: subject.to_owned(),
            date: Some(at(-60)),
        },
        raw: Bytes::from(format!("Subject: {subject}\r\n\r\n")),
    }
}

/// Alice's decision to send that message to these recipients without the guarantee, good from 0 to 600.
pub(crate) fn decision(queue_id: &str, recipients: &[&str]) -> OverrideRow {
    OverrideRow {
        account: ALICE.to_owned(),
        message_id: format!("{queue_id}@home.example"),
        recipients: recipients.iter().map(|&to| to.to_owned()).collect(),
        recorded_at: at(0),
        expires_at: at(600),
    }
}

fn host() -> HostAddress {
    HostAddress { name: "mx.plain.example".to_owned(), address: "127.0.1.2".parse().unwrap() }
}

pub(crate) fn no_starttls() -> Cause {
    Cause::NoStarttls { host: host() }
}

pub(crate) fn unreachable() -> Cause {
    Cause::Unreachable { host: host(), detail: "connection refused".to_owned() }
}

pub(crate) fn stopped() -> Outcome {
    Outcome::Stopped(no_starttls())
}

pub(crate) fn bounced() -> Outcome {
    Outcome::Bounced(Cause::NullMx { domain: "nomail.example".to_owned() })
}

pub(crate) fn delivered() -> Outcome {
    Outcome::Delivered { evidence: evidence(), dsn: DsnDuty::Ours }
}

pub(crate) fn passed_on() -> Outcome {
    Outcome::Delivered { evidence: evidence(), dsn: DsnDuty::PassedOn }
}

pub(crate) fn evidence() -> Evidence {
    Evidence {
        authentication: guarantee::Authentication::Nothing,
        protection: Protection::Encrypted,
        host: Some(host()),
        tls: Some(TlsDetails {
            key_exchange: "X25519".to_owned(),
            version: TlsVersion::Tls13,
            cipher: "TLS_AES_256_GCM_SHA384".to_owned(),
            certificate_sha256: "00ff".to_owned(),
        }),
        reply: "250 2.0.0 taken".to_owned(),
    }
}

/// Deferred until then, without a report.
pub(crate) fn deferred(seconds: i64) -> Outcome {
    Outcome::Deferred {
        cause: unreachable(),
        history: History { attempts: 1, insecure_since: Some(at(0)), ..History::default() },
        next_attempt_at: at(seconds),
        report_delay: false,
    }
}

/// Deferred until then; the sender is to be told.
pub(crate) fn delayed(seconds: i64) -> Outcome {
    Outcome::Deferred {
        cause: unreachable(),
        history: History::default(),
        next_attempt_at: at(seconds),
        report_delay: true,
    }
}

impl Fresh {
    /// All jobs due at that moment, the more the merrier.
    pub(crate) async fn claim(&self, seconds: i64) -> Vec<Job> {
        self.claim_due(at(seconds), 1000, &[]).await.unwrap()
    }

    /// Claims what is due at that moment and records the same outcome for each recipient of that address.
    pub(crate) async fn record_for(
        &self,
        queue_id: &str,
        address: &str,
        outcome: Outcome,
        seconds: i64,
    ) -> Progress {
        let jobs = self.claim(seconds).await;
        let mut outcomes = Vec::new();
        for recipient in jobs.iter().flat_map(|job| &job.recipients) {
            if recipient.address == address {
                outcomes.push(RecipientOutcome { recipient: recipient.id, outcome: outcome.clone() });
            } else {
                self.release(&[recipient.id]).await.unwrap();
            }
        }
        assert!(!outcomes.is_empty(), "{address} is not due at {seconds}");
        self.record(queue_id, outcomes, at(seconds)).await.unwrap()
    }

    /// Alice's message's recipient of that address.
    pub(crate) async fn shown(&self, queue_id: &str, address: &str) -> MessageRecipient {
        let status = self.message_status(ALICE, queue_id).await.unwrap().unwrap();
        status.recipients.into_iter().find(|recipient| recipient.address == address).unwrap()
    }

    pub(crate) async fn state(&self, queue_id: &str, address: &str) -> RecipientState {
        self.shown(queue_id, address).await.state
    }

    /// The subjects in Alice's INBOX, newest first.
    pub(crate) async fn inbox(&self) -> Vec<String> {
        let list = self.mailbox(ALICE, store::Mailbox::Inbox, None).await.unwrap();
        list.into_iter().map(|listed| listed.subject).collect()
    }
}

/// That host of the domain.
pub(crate) fn mx(name: &str) -> HostAddress {
    HostAddress { name: name.to_owned(), address: "127.0.1.9".parse().unwrap() }
}

pub(crate) fn tls() -> TlsDetails {
    evidence().tls.unwrap()
}

/// What a connection to a host of `x.example` showed.
pub(crate) fn sighting(host: &str, outcome: Sighted) -> Sighting {
    let policy = AppliedPolicy::None;
    Sighting { domain: "x.example".to_owned(), host: Some(mx(host)), policy, outcome }
}

pub(crate) fn with_tls(protection: Protection) -> Sighted {
    Sighted::Tls { tls: tls(), protection }
}

pub(crate) fn without_tls() -> Sighted {
    Sighted::NoTls { result: ResultType::StarttlsNotSupported, detail: "EHLO without STARTTLS".to_owned() }
}

/// A policy, good for ten minutes after it was fetched.
pub(crate) fn policy(domain: &str, fetched: i64) -> StoredPolicy {
    let policy = StsPolicy {
        domain: domain.to_owned(),
        id: "20261124".to_owned(),
        mode: StsMode::Enforce,
        mx: vec![format!("mx.{domain}"), format!("*.{domain}")],
        max_age: 600,
        age: Age::Cached,
    };
    StoredPolicy { policy, fetched_at: at(fetched) }
}
