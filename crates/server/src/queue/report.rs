//! One report a message and notice (failures, delays, successes), as soon as each recipient has a first verdict, at
//! latest half a second after the first that belongs to it: no notice waits for another, or hurries it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bounce::Notice;
use guarantee::Wish;
use jiff::Timestamp;
use smtp::{address::Mailbox as Address, envelope::ReversePath};
use store::{
    Filed, FiledReport, MailboxMessage, MessageFacts, NewMessage, NewRecipient, NextHop, PendingReport,
    Progress, ReportTo, Reported, Store, StoreError,
};
use tokio::sync::Notify;

use crate::{
    acceptance::{new_queue_id, same_address},
    events::Events,
    listing::listing,
    local::{Forwarding, Local},
    queue::compose::{compose, notice},
};

/// How long the report waits for the other recipients' first verdicts.
const PATIENCE: Duration = Duration::from_millis(500);

/// After a database failure a report waits so long.
const REST: Duration = Duration::from_secs(1);

/// How often a report that the database refuses is tried before it is left to the next restart.
const TRIES: usize = 60;

/// Files the reports.
#[derive(Clone)]
pub struct Reporter {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    events: Events,
    wake: Arc<Notify>,
    local: Arc<Local>,
    /// Messages' reports that wait, with what ends the wait early.
    waiting: Mutex<HashMap<(String, Notice), Arc<Notify>>>,
}

impl Reporter {
    /// A reporter with nothing to report.
    pub fn new(store: Arc<dyn Store>, events: Events, wake: Arc<Notify>, local: Arc<Local>) -> Self {
        Self { inner: Arc::new(Inner { store, events, wake, local, waiting: Mutex::default() }) }
    }

    /// Reports what a crash has left unreported.
    pub async fn catch_up(&self) {
        match self.inner.store.reports_due().await {
            Ok(queue_ids) => {
                for queue_id in queue_ids {
                    for notice in [Notice::Failed, Notice::Delayed, Notice::Succeeded] {
                        self.due(&queue_id, notice, true);
                    }
                }
            }
            Err(error) => tracing::error!(%error, "the reports left behind can't be read"),
        }
    }

    /// What became of this message is to be reported.
    pub fn follow(&self, queue_id: &str, progress: &Progress) {
        for kind in &progress.reports_pending {
            self.due(queue_id, notice(*kind), progress.first_verdicts_missing == 0);
        }
    }

    /// At once if nothing more can be said, else within [`PATIENCE`].
    fn due(&self, queue_id: &str, notice: Notice, at_once: bool) {
        let mut waiting = self.inner.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (queue_id.to_owned(), notice);
        let hurry = match waiting.get(&key) {
            Some(hurry) => Arc::clone(hurry),
            None => {
                let hurry = Arc::new(Notify::new());
                waiting.insert(key.clone(), Arc::clone(&hurry));
                let (inner, wait) = (Arc::clone(&self.inner), Arc::clone(&hurry));
                tokio::spawn(async move { inner.report_after(&key, &wait).await });
                hurry
            }
        };
        if at_once {
            hurry.notify_one();
        }
    }
}

impl Inner {
    async fn report_after(&self, key: &(String, Notice), hurry: &Notify) {
        let _either_will_do = tokio::time::timeout(PATIENCE, hurry.notified()).await;
        // From here on, what becomes due gets a report of its own.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        let (queue_id, notice) = key;
        for _ in 0..TRIES {
            match self.report(queue_id, *notice).await {
                Ok(()) => return,
                Err(error) => tracing::error!(%error, queue_id, "a report could not be filed"),
            }
            tokio::time::sleep(REST).await;
        }
    }

    /// Files everything that is pending and belongs to this notice.
    async fn report(&self, queue_id: &str, belongs_to: Notice) -> Result<(), StoreError> {
        while let Some(mut pending) = self.store.pending_report(queue_id).await? {
            pending.recipients.retain(|one| notice(one.kind) == belongs_to);
            if pending.recipients.is_empty() {
                break;
            }
            self.file(&pending, belongs_to).await?;
        }
        Ok(())
    }

    async fn file(&self, about: &PendingReport, notice: Notice) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let raw = compose(about, notice, &self.local.server_name, now);
        let to = self.destination(&about.facts, raw, now).await?;
        let mailbox = match &to {
            Some(ReportTo::Mailbox { account, .. }) => Some(account.clone()),
            Some(ReportTo::Queue(_)) | None => None,
        };
        let report = FiledReport {
            about: about.facts.queue_id.clone(),
            recipients: about.recipients.iter().map(Reported::from).collect(),
            to,
            now,
        };
        match (self.store.file_report(report).await?, mailbox) {
            (Filed::Done, Some(account)) => {
                self.events.publish(&account, api::Event::Mailbox { name: "INBOX".to_owned() });
            }
            (Filed::Done, None) => self.wake.notify_one(),
            // What is pending is read again.
            (Filed::Stale, _) => {}
        }
        Ok(())
    }

    /// Where a report goes: straight into a mailbox of this store, into the queue, or nowhere if the sender has no mailbox
    /// here.
    async fn destination(
        &self,
        about: &MessageFacts,
        raw: Vec<u8>,
        now: Timestamp,
    ) -> Result<Option<ReportTo>, StoreError> {
        let Some((address, next_hop)) = self.reader(about, now).await? else { return Ok(None) };
        match next_hop {
            NextHop::Local if self.local.lmtp.is_none() => {
                let raw = [b"Return-Path: <>\r\n", raw.as_slice()].concat();
                let message = MailboxMessage { listing: listing(&raw), raw: raw.into() };
                Ok(Some(ReportTo::Mailbox { account: address, message }))
            }
            next_hop => {
                let mut report = report_message(&address, next_hop, raw, now);
                report.facts.wish = report_wish(about.wish);
                Ok(Some(ReportTo::Queue(Box::new(report))))
            }
        }
    }

    /// Who reads the reports about a message: its reverse-path; of forwarded mail, whoever sent it; if the reverse-path is an
    /// alias without a mailbox, the account.
    async fn reader(
        &self,
        about: &MessageFacts,
        now: Timestamp,
    ) -> Result<Option<(String, NextHop)>, StoreError> {
        let ReversePath::Address(address) = &about.reverse_path else { return Ok(None) };
        let Ok(parsed) = Address::parse(address) else { return Ok(None) };
        if let Forwarding::Of(sender) = self.local.forwarding(&parsed, now) {
            let parsed = Address::parse(&sender);
            return Ok(parsed.ok().map(|parsed| (sender, self.local.next_hop(parsed.domain().as_str()))));
        }
        let next_hop = self.local.next_hop(parsed.domain().as_str());
        if next_hop != NextHop::Local {
            return Ok(Some((address.clone(), next_hop)));
        }
        let account = about.account.as_ref().filter(|account| !same_address(account, address));
        if self.local.lmtp.is_some() {
            let reader = match account {
                Some(account) if self.local.takes(&*self.store, address).await.is_err() => account,
                Some(_) | None => address,
            };
            return Ok(Some((reader.clone(), next_hop)));
        }
        for address in [Some(address), account].into_iter().flatten() {
            if let Some(found) = self.store.account(address).await? {
                return Ok(Some((found.address, next_hop)));
            }
        }
        Ok(None)
    }
}

/// RFC 8689 §5: the report is protected as the message was. `TLS-Required: No` counts only on what local users submit,
/// and reports to them stay here.
fn report_wish(about: Wish) -> Wish {
    match about {
        Wish::RequireTls | Wish::Demanded => Wish::RequireTls,
        Wish::None | Wish::TlsOptional => Wish::None,
    }
}

/// A report for the queue, to that local or foreign reader.
pub fn report_message(to: &str, next_hop: NextHop, raw: Vec<u8>, now: Timestamp) -> NewMessage {
    let listing = listing(&raw);
    NewMessage {
        facts: MessageFacts {
            queue_id: new_queue_id(),
            origin: guarantee::Origin::Report,
            account: None,
            // RFC 3464 §2, RFC 5321 §6.1: never itself reported.
            reverse_path: ReversePath::Null,
            ret: None,
            envid: None,
            smtputf8: !to.is_ascii(),
            eight_bit: !raw.is_ascii(),
            wish: Wish::None,
            accepted_at: now,
        },
        message_id: listing.message_id,
        subject: listing.subject,
        recipients: vec![NewRecipient {
            address: to.to_owned(),
            next_hop,
            notify: smtp::envelope::Notify::Unspecified,
            orcpt: None,
        }],
        content: raw.into(),
        end_to_end: false,
        sent_copy: None,
        replaces: None,
    }
}

#[cfg(test)]
mod tests;
