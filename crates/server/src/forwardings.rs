//! Watches over the ways of users' permanent forwardings (P17): forwarded mail is exempt from the guarantee, so whoever
//! wants to is told when a target's way loses protection.

mod mail;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use delivery::Fate;
use guarantee::Protection;
use jiff::{SignedDuration, Timestamp};
use rand::Rng;
use smtp::envelope::ReversePath;
use store::{
    Filed, ForwardingSeen, Job, MailboxMessage, NextHop, ReportTo, Store, StoreError, WatchedForwarding,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    events::Events, headers::Headers, listing::listing, local::Local, owner::owner_of, queue::report_message,
    senders::Senders,
};

/// How often it is seen what is due.
const LOOK_FOR_DUE: Duration = Duration::from_secs(60);

/// Ways looked at at a time.
const AT_A_TIME: usize = 10;

/// A way is looked at again after a day, give or take two hours, so that looks spread by themselves.
const AGAIN_AFTER_MINUTES: std::ops::RangeInclusive<i64> = 22 * 60..=26 * 60;

/// One that could not be found out after about three.
const SOONER_AFTER_MINUTES: std::ops::RangeInclusive<i64> = 150..=210;

/// Finds out what protects the way to an address.
#[async_trait]
pub trait Ways: Send + Sync + 'static {
    /// What would protect forwarded mail to this address now; none if that can't be said.
    async fn way(&self, address: &str) -> Option<Protection>;
}

/// The watch. Clones are one.
#[derive(Clone)]
pub struct Forwardings {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    ways: Arc<dyn Ways>,
    senders: Senders,
    local: Arc<Local>,
    events: Events,
    wake: Arc<Notify>,
}

/// When to look at a way next, of which this is known.
pub fn next_look(known: Option<Protection>, now: Timestamp) -> Timestamp {
    let minutes = if known.is_some() { AGAIN_AFTER_MINUTES } else { SOONER_AFTER_MINUTES };
    now + SignedDuration::from_mins(rand::rng().random_range(minutes))
}

/// What the watch works with.
pub struct ForwardingsParts {
    /// Who watches what.
    pub store: Arc<dyn Store>,
    /// How ways are found out.
    pub ways: Arc<dyn Ways>,
    /// Whose address is whose.
    pub senders: Senders,
    /// Where mailboxes are.
    pub local: Arc<Local>,
    /// Tells users' pages.
    pub events: Events,
    /// New work for the queue.
    pub wake: Arc<Notify>,
}

impl Forwardings {
    /// A watch at rest.
    pub fn new(parts: ForwardingsParts) -> Self {
        let ForwardingsParts { store, ways, senders, local, events, wake } = parts;
        Self { inner: Arc::new(Inner { store, ways, senders, local, events, wake }) }
    }

    /// Looks at what is due until the shutdown. When that is lies in the store, so that a restart neither loses nor
    /// repeats a look.
    pub async fn run(self, shutdown: CancellationToken) {
        let watch = async {
            loop {
                if let Err(error) = self.inner.round(Timestamp::now()).await {
                    tracing::error!(%error, "the watched forwardings can't be read");
                }
                tokio::time::sleep(LOOK_FOR_DUE).await;
            }
        };
        shutdown.run_until_cancelled(watch).await;
    }

    /// A mail has gone through the mail store's entry, and this is what became of it: if it was forwarded for a user who
    /// watches that target, what protected it is compared at once.
    pub async fn passed(&self, job: &Job, content: &[u8], fates: &[Fate]) {
        if let Err(error) = self.inner.passed(job, content, fates).await {
            tracing::error!(error = &*error, "what protected a forwarded mail could not be noted");
        }
    }
}

impl Inner {
    async fn round(&self, now: Timestamp) -> Result<(), StoreError> {
        loop {
            let due = self.store.forwardings_due(now, AT_A_TIME).await?;
            if due.is_empty() {
                return Ok(());
            }
            let looks = due.iter().map(|of| self.look(of));
            for looked in futures_util::future::join_all(looks).await {
                looked?;
            }
        }
    }

    /// Looks at one way; twice, before it is said that it has lost something: a moment's trouble is no loss.
    async fn look(&self, of: &WatchedForwarding) -> Result<(), StoreError> {
        let mut found = self.ways.way(&of.address).await;
        if found.is_some_and(|found| lost(of, found)) {
            let again = self.ways.way(&of.address).await;
            found = found.max(again).filter(|_| again.is_some());
        }
        self.note(of.clone(), found).await
    }

    async fn note(&self, of: WatchedForwarding, protection: Option<Protection>) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let mail = match (of.known, protection) {
            (Some(before), Some(found)) if lost(&of, found) => Some(self.to_reader(
                &of.account,
                mail::compose(&mail::Loss {
                    to: &of.account,
                    server_name: &self.local.server_name,
                    target: &of.address,
                    before,
                    now: (found, now),
                }),
                now,
            )),
            _ => None,
        };
        let filed = mail.as_ref().map(|to| matches!(to, ReportTo::Mailbox { .. }));
        let account = of.account.clone();
        let next_look_at = next_look(protection, now);
        let seen = ForwardingSeen { of, protection, now, next_look_at, mail };
        match (self.store.note_forwarding(seen).await?, filed) {
            (Filed::Done, Some(true)) => {
                self.events.publish(&account, api::Event::Mailbox { name: "INBOX".to_owned() });
            }
            (Filed::Done, Some(false)) => self.wake.notify_one(),
            // Somebody else has noted something meanwhile, or it is watched no longer.
            (Filed::Done, None) | (Filed::Stale, _) => {}
        }
        Ok(())
    }

    fn to_reader(&self, account: &str, raw: Vec<u8>, now: Timestamp) -> ReportTo {
        if self.local.lmtp.is_some() {
            return ReportTo::Queue(Box::new(report_message(account, NextHop::Local, raw, now)));
        }
        let raw = [b"Return-Path: <>\r\n", raw.as_slice()].concat();
        let message = MailboxMessage { listing: listing(&raw), raw: raw.into() };
        ReportTo::Mailbox { account: account.to_owned(), message }
    }

    async fn passed(&self, job: &Job, content: &[u8], fates: &[Fate]) -> anyhow::Result<()> {
        let delivered = job.recipients.iter().zip(fates).filter_map(|(recipient, fate)| match fate {
            Fate::Delivered { protection, .. } => Some((recipient.address.as_str(), *protection)),
            Fate::Stopped { .. } | Fate::Bounced(_) | Fate::Deferred { .. } => None,
        });
        // What is sent by no person is no measure: it may be such a mail of ours that a filter forwards, and would cause
        // the next one.
        if job.facts.reverse_path == ReversePath::Null || is_automatic(content) {
            return Ok(());
        }
        let accounts = self.forwarded_by(job, content).await?;
        for (address, protection) in delivered {
            for account in &accounts {
                let Some(of) = self.store.watched_forwarding(account, address).await? else { continue };
                if of.known.is_none_or(|(known, _)| known != protection) {
                    self.note(of, Some(protection)).await?;
                }
            }
        }
        Ok(())
    }

    /// The accounts whose filter has sent this mail: Pigeonhole names the user on top of what the mail brought along, where
    /// no sender can have written; others send under the user's own address.
    async fn forwarded_by(&self, job: &Job, content: &[u8]) -> anyhow::Result<Vec<String>> {
        let headers = Headers::read(content).ok().filter(|_| is_redirected(content));
        let redirected = headers.and_then(|headers| headers.addresses("X-Sieve-Redirected-From"));
        if let Some(user) = redirected.and_then(|addresses| addresses.into_iter().next()) {
            return Ok(self.senders.accounts_of(&user).await?);
        }
        let now = Timestamp::now();
        let owner = owner_of(&*self.store, &self.senders, job.facts.reverse_path.as_str(), now).await?;
        Ok(owner.map(|owner| owner.account).into_iter().collect())
    }
}

/// Whether Pigeonhole's mark stands right below our own trace, itself below Pigeonhole's `X-Sieve`: further down it came with the mail.
fn is_redirected(content: &[u8]) -> bool {
    let lines = content.split(|&byte| byte == b'\n').take(50);
    let names = lines
        .filter(|line| !line.starts_with(b" ") && !line.starts_with(b"\t"))
        .map(|line| line.split(|&byte| byte == b':').next().unwrap_or_default().to_ascii_lowercase())
        .filter(|name| name != b"x-sieve");
    names.take(2).eq([b"received".to_vec(), b"x-sieve-redirected-from".to_vec()])
}

/// Whether no person has sent it: `Auto-Submitted` with another keyword than `no` (RFC 3834 §5).
fn is_automatic(content: &[u8]) -> bool {
    let said = Headers::read(content).ok().and_then(|headers| headers.text("Auto-Submitted"));
    said.is_some_and(|said| {
        let keyword = said.split([';', '(']).next().unwrap_or_default();
        !keyword.trim().eq_ignore_ascii_case("no")
    })
}

/// Whether the way has less protection now than was last known.
fn lost(of: &WatchedForwarding, found: Protection) -> bool {
    of.known.is_some_and(|(before, _)| found < before)
}

#[cfg(test)]
mod tests;
