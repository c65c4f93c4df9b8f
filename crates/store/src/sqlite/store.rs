//! The trait, each operation sent to where it belongs.

use std::sync::mpsc::Sender;

use api::{
    Exception, Forwarding, HostMemory, ListedMessage, MessageStatus, PastOverride, Preferences, Stop, Week,
};
use async_trait::async_trait;
use bytes::Bytes;
use guarantee::{Level, Remembered, Sighting, Switch};
use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::Connection;

use super::operator::{Left, Old};
use super::writer::{Desk, Queued, Task};
use super::{
    Sqlite, accept, accounts, claims, decisions, exceptions, forwardings, history, mailboxes, memory,
    messages, operator, outcomes, policies, replacements, reports, tls_results, weeks,
};
use crate::{
    Account, AccountSecret, AddedException, AddedForwarding, DemandRow, Filed, FiledReport, ForwardingSeen,
    Job, LocalDelivery, Mailbox, MemoryEntry, NewExceptionRow, NewForwardingRow, NewMessage, NextHop,
    OverrideRow, Pause, PendingReport, PolicyResults, Progress, QueueEntry, RecipientId, RecipientOutcome,
    RecordedDemand, ReplacementRow, ReportTo, Result, SessionRow, Store, StoredPolicy, StoredSwitch,
    TlsReportDue, WatchedForwarding,
};

/// Changes when another connection commits, not when the asking one does.
pub(super) fn data_version(connection: &Connection) -> Result<i64> {
    Ok(connection.query_row("PRAGMA data_version", [], |row| row.get(0))?)
}

#[async_trait]
impl Store for Sqlite {
    async fn add_account(&self, address: &str, password_hash: &str, now: Timestamp) -> Result<()> {
        let (address, hash) = (address.to_owned(), password_hash.to_owned());
        self.write(move |tx| accounts::add(tx, &address, &hash, now)).await
    }

    async fn ensure_account(&self, address: &str, now: Timestamp) -> Result<String> {
        // Nearly always it is there, and nobody has to wait for the disk.
        if let Some(account) = self.account(address).await? {
            return Ok(account.address);
        }
        let address = address.to_owned();
        self.write(move |tx| accounts::ensure(tx, &address, now)).await
    }

    async fn set_password(&self, address: &str, password_hash: &str) -> Result<()> {
        let (address, hash) = (address.to_owned(), password_hash.to_owned());
        self.write(move |tx| accounts::set_password(tx, &address, &hash)).await
    }

    async fn remove_account(&self, address: &str) -> Result<()> {
        let address = address.to_owned();
        self.write(move |tx| accounts::remove(tx, &address)).await
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        self.read(accounts::all).await
    }

    async fn account(&self, address: &str) -> Result<Option<AccountSecret>> {
        let address = address.to_owned();
        self.read(move |snapshot| accounts::secret(snapshot, &address)).await
    }

    async fn switch(&self, account: &str) -> Result<StoredSwitch> {
        let account = account.to_owned();
        self.read(move |snapshot| accounts::switch(snapshot, &account)).await
    }

    async fn set_guarantee(
        &self,
        account: &str,
        switch: Switch,
        level: Option<Level>,
    ) -> Result<StoredSwitch> {
        let account = account.to_owned();
        self.write(move |tx| accounts::set_guarantee(tx, &account, switch, level)).await
    }

    async fn pauses(&self) -> Result<Vec<Pause>> {
        self.read(accounts::pauses).await
    }

    async fn end_pause(&self, pause: &Pause) -> Result<Option<StoredSwitch>> {
        let pause = pause.clone();
        self.write(move |tx| accounts::end_pause(tx, &pause)).await
    }

    async fn add_session(&self, session: &SessionRow) -> Result<()> {
        let session = session.clone();
        self.write(move |tx| accounts::add_session(tx, &session)).await
    }

    async fn session(&self, token_hash: &[u8; 32], now: Timestamp) -> Result<Option<SessionRow>> {
        let token_hash = *token_hash;
        self.read(move |snapshot| accounts::session(snapshot, token_hash, now)).await
    }

    async fn remove_session(&self, token_hash: &[u8; 32]) -> Result<()> {
        let token_hash = *token_hash;
        self.write(move |tx| accounts::remove_session(tx, token_hash)).await
    }

    async fn record_override(&self, decision: &OverrideRow) -> Result<()> {
        let decision = decision.clone();
        self.write(move |tx| accounts::record_override(tx, &decision)).await
    }

    async fn record_demand(&self, demand: &DemandRow) -> Result<RecordedDemand> {
        let demand = demand.clone();
        self.write(move |tx| decisions::record_demand(tx, &demand)).await
    }

    async fn demands(&self, account: &str, now: Timestamp) -> Result<bool> {
        let account = account.to_owned();
        self.read(move |snapshot| decisions::demands(snapshot, &account, now)).await
    }

    async fn exceptions(&self, account: &str) -> Result<Vec<Exception>> {
        let account = account.to_owned();
        self.read(move |snapshot| exceptions::all(snapshot, &account)).await
    }

    async fn add_exception(&self, new: NewExceptionRow) -> Result<AddedException> {
        self.write(move |tx| exceptions::add(tx, &new)).await
    }

    async fn remove_exception(&self, account: &str, id: i64) -> Result<()> {
        let account = account.to_owned();
        self.write(move |tx| exceptions::remove(tx, &account, id)).await
    }

    async fn preferences(&self, account: &str) -> Result<Preferences> {
        let account = account.to_owned();
        self.read(move |snapshot| accounts::preferences(snapshot, &account)).await
    }

    async fn set_preferences(&self, account: &str, wanted: Preferences) -> Result<()> {
        let account = account.to_owned();
        self.write(move |tx| accounts::set_preferences(tx, &account, wanted)).await
    }

    async fn announce_replacement(&self, replacement: &ReplacementRow) -> Result<()> {
        let replacement = replacement.clone();
        self.write(move |tx| replacements::announce(tx, &replacement)).await
    }

    async fn accept(&self, message: NewMessage) -> Result<()> {
        let octets = octets(&message);
        self.write_freeing(octets, Vec::new(), move |tx| accept::accept(tx, &message)).await
    }

    async fn claim_due(&self, now: Timestamp, limit: usize, busy: &[NextHop]) -> Result<Vec<Job>> {
        let (claimed, busy) = (self.claimed.clone(), busy.to_vec());
        let groups = self.read(move |snapshot| claims::due(snapshot, &claimed, now, limit, &busy)).await?;
        let tasks = self.tasks.clone();
        let unheard = self
            .look(move |desk| {
                let jobs =
                    claims::claim(&desk.connection, &mut desk.claims, &desk.path, &groups, now, limit)?;
                Ok(Unheard { jobs, tasks })
            })
            .await?;
        Ok(unheard.heard())
    }

    async fn release(&self, recipients: &[RecipientId]) -> Result<()> {
        let recipients = recipients.to_vec();
        self.look(move |desk| {
            desk.claims.free(&recipients);
            Ok(())
        })
        .await
    }

    async fn next_due(&self, busy: &[NextHop]) -> Result<Option<Timestamp>> {
        let (claimed, busy) = (self.claimed.clone(), busy.to_vec());
        self.read(move |snapshot| claims::next_due(snapshot, &claimed, &busy)).await
    }

    async fn content(&self, queue_id: &str) -> Result<Bytes> {
        let queue_id = queue_id.to_owned();
        self.read(move |snapshot| messages::content(snapshot, &queue_id)).await
    }

    async fn record(
        &self,
        queue_id: &str,
        outcomes: Vec<RecipientOutcome>,
        now: Timestamp,
    ) -> Result<Progress> {
        let queue_id = queue_id.to_owned();
        let frees = outcomes.iter().map(|outcome| outcome.recipient).collect();
        self.write_freeing(0, frees, move |tx| outcomes::record(tx, &queue_id, &outcomes, now)).await
    }

    async fn deliver_local(&self, delivery: LocalDelivery) -> Result<Progress> {
        let octets = delivery.message.raw.len();
        let frees = vec![delivery.recipient];
        self.write_freeing(octets, frees, move |tx| outcomes::deliver_local(tx, &delivery)).await
    }

    async fn pending_report(&self, queue_id: &str) -> Result<Option<PendingReport>> {
        let queue_id = queue_id.to_owned();
        self.read(move |snapshot| reports::pending(snapshot, &queue_id)).await
    }

    async fn file_report(&self, report: FiledReport) -> Result<Filed> {
        let octets = match &report.to {
            Some(ReportTo::Mailbox { message, .. }) => message.raw.len(),
            Some(ReportTo::Queue(message)) => octets(message),
            None => 0,
        };
        self.write_freeing(octets, Vec::new(), move |tx| reports::file(tx, &report)).await
    }

    async fn reports_due(&self) -> Result<Vec<String>> {
        self.read(reports::due).await
    }

    async fn changed_outside(&self) -> Result<bool> {
        self.look(|desk| {
            let version = data_version(&desk.connection)?;
            Ok(std::mem::replace(&mut desk.data_version, version) != version)
        })
        .await
    }

    async fn queue(&self) -> Result<Vec<QueueEntry>> {
        self.read(messages::queue).await
    }

    async fn queue_entry(&self, queue_id: &str) -> Result<Option<QueueEntry>> {
        let queue_id = queue_id.to_owned();
        self.read(move |snapshot| messages::entry(snapshot, &queue_id)).await
    }

    async fn retry(&self, queue_id: &str, now: Timestamp) -> Result<usize> {
        let queue_id = queue_id.to_owned();
        self.write(move |tx| operator::retry(tx, &queue_id, now)).await
    }

    async fn remove(&self, queue_id: &str, now: Timestamp) -> Result<usize> {
        let queue_id = queue_id.to_owned();
        self.write(move |tx| operator::remove(tx, &queue_id, now)).await
    }

    async fn message_status(&self, account: &str, queue_id: &str) -> Result<Option<MessageStatus>> {
        let (account, queue_id) = (account.to_owned(), queue_id.to_owned());
        self.read(move |snapshot| messages::status(snapshot, &account, &queue_id)).await
    }

    async fn messages_with(&self, account: &str, message_id: &str) -> Result<Vec<MessageStatus>> {
        let (account, message_id) = (account.to_owned(), message_id.to_owned());
        self.read(move |snapshot| messages::with_message_id(snapshot, &account, &message_id)).await
    }

    async fn stops(&self, account: &str, limit: Option<u32>) -> Result<Vec<Stop>> {
        let account = account.to_owned();
        self.read(move |snapshot| messages::stops(snapshot, &account, limit)).await
    }

    async fn mailbox(
        &self,
        account: &str,
        mailbox: Mailbox,
        limit: Option<u32>,
    ) -> Result<Vec<ListedMessage>> {
        let account = account.to_owned();
        self.read(move |snapshot| mailboxes::list(snapshot, &account, mailbox, limit)).await
    }

    async fn mailbox_raw(&self, account: &str, mailbox: Mailbox, id: i64) -> Result<Option<Bytes>> {
        let account = account.to_owned();
        self.read(move |snapshot| mailboxes::raw(snapshot, &account, mailbox, id)).await
    }

    async fn set_seen(&self, account: &str, mailbox: Mailbox, id: i64, seen: bool) -> Result<()> {
        let account = account.to_owned();
        self.write(move |tx| mailboxes::set_seen(tx, &account, mailbox, id, seen)).await
    }

    async fn remember(&self, account: Option<&str>, sightings: &[Sighting], now: Timestamp) -> Result<()> {
        let (account, sightings) = (account.map(str::to_owned), sightings.to_vec());
        self.write(move |tx| memory::remember(tx, account.as_deref(), &sightings, now)).await
    }

    async fn remembered(&self, account: &str, domain: &str, host: &str) -> Result<Option<Remembered>> {
        let (account, domain, host) = (account.to_owned(), domain.to_owned(), host.to_owned());
        self.read(move |snapshot| memory::remembered(snapshot, &account, &domain, &host)).await
    }

    async fn had_tls(&self, domain: &str, since: Timestamp) -> Result<bool> {
        let domain = domain.to_owned();
        self.read(move |snapshot| memory::had_tls(snapshot, &domain, since)).await
    }

    async fn memory(&self, domain: Option<&str>) -> Result<Vec<MemoryEntry>> {
        let domain = domain.map(str::to_owned);
        self.read(move |snapshot| memory::entries(snapshot, domain.as_deref())).await
    }

    async fn forget(&self, domain: &str, host: Option<&str>) -> Result<usize> {
        let (domain, host) = (domain.to_owned(), host.map(str::to_owned));
        self.write(move |tx| memory::forget(tx, &domain, host.as_deref())).await
    }

    async fn sts_policy(&self, domain: &str) -> Result<Option<StoredPolicy>> {
        let domain = domain.to_owned();
        self.read(move |snapshot| policies::load(snapshot, &domain)).await
    }

    async fn keep_sts_policy(&self, policy: &StoredPolicy) -> Result<()> {
        let policy = policy.clone();
        self.write(move |tx| policies::keep(tx, &policy)).await
    }

    async fn sts_policies_fetched_before(&self, time: Timestamp, limit: usize) -> Result<Vec<String>> {
        self.read(move |snapshot| policies::fetched_before(snapshot, time, limit)).await
    }

    async fn forget_sts_policy(&self, domain: &str) -> Result<()> {
        let domain = domain.to_owned();
        self.write(move |tx| policies::forget(tx, &domain)).await
    }

    async fn count_tls_results(&self, day: Date, sightings: &[Sighting]) -> Result<()> {
        let sightings = sightings.to_vec();
        self.write(move |tx| tls_results::count(tx, day, &sightings)).await
    }

    async fn tls_reports_due(&self, before: Date) -> Result<Vec<TlsReportDue>> {
        self.read(move |snapshot| tls_results::due(snapshot, before)).await
    }

    async fn tls_results(&self, day: Date, domain: &str) -> Result<Vec<PolicyResults>> {
        let domain = domain.to_owned();
        self.read(move |snapshot| tls_results::results(snapshot, day, &domain)).await
    }

    async fn mark_tls_reported(&self, day: Date, domain: &str, now: Timestamp) -> Result<bool> {
        let domain = domain.to_owned();
        self.write(move |tx| tls_results::mark(tx, day, &domain, now)).await
    }

    async fn overrides(&self, account: &str, since: Timestamp) -> Result<Vec<PastOverride>> {
        let account = account.to_owned();
        self.read(move |snapshot| history::overrides(snapshot, &account, since)).await
    }

    async fn own_memory(&self, account: &str) -> Result<Vec<HostMemory>> {
        let account = account.to_owned();
        self.read(move |snapshot| history::memory(snapshot, &account)).await
    }

    async fn weeks(&self, account: &str, now: Timestamp) -> Result<Vec<Week>> {
        let account = account.to_owned();
        self.read(move |snapshot| weeks::all(snapshot, &account, now)).await
    }

    async fn forwardings(&self, account: &str) -> Result<Vec<Forwarding>> {
        let account = account.to_owned();
        self.read(move |snapshot| forwardings::all(snapshot, &account)).await
    }

    async fn add_forwarding(&self, new: NewForwardingRow) -> Result<AddedForwarding> {
        self.write(move |tx| forwardings::add(tx, &new)).await
    }

    async fn remove_forwarding(&self, account: &str, id: i64) -> Result<()> {
        let account = account.to_owned();
        self.write(move |tx| forwardings::remove(tx, &account, id)).await
    }

    async fn forwardings_due(&self, now: Timestamp, limit: usize) -> Result<Vec<WatchedForwarding>> {
        self.read(move |snapshot| forwardings::due(snapshot, now, limit)).await
    }

    async fn watched_forwarding(&self, account: &str, address: &str) -> Result<Option<WatchedForwarding>> {
        let (account, address) = (account.to_owned(), address.to_owned());
        self.read(move |snapshot| forwardings::of_account(snapshot, &account, &address)).await
    }

    async fn note_forwarding(&self, seen: ForwardingSeen) -> Result<Filed> {
        self.write(move |tx| forwardings::note(tx, &seen)).await
    }

    async fn purge(&self, now: Timestamp, keep_since: Timestamp) -> Result<()> {
        self.write(move |tx| operator::forget_ended(tx, now)).await?;
        for old in [
            Old::Messages(keep_since),
            Old::Memory(keep_since),
            Old::Overrides(keep_since),
            Old::Results(now),
        ] {
            while self.write(move |tx| operator::forget(tx, old)).await? == Left::Perhaps {}
        }
        Ok(())
    }
}

/// Jobs on their way to a caller. If it has given up meanwhile, they are given back, or nobody would ever do them.
struct Unheard {
    jobs: Vec<Job>,
    tasks: Sender<Queued>,
}

impl Unheard {
    fn heard(mut self) -> Vec<Job> {
        std::mem::take(&mut self.jobs)
    }
}

impl Drop for Unheard {
    fn drop(&mut self) {
        if !self.jobs.is_empty() {
            let recipients = claims::recipients(&self.jobs);
            let free = Box::new(move |desk: &mut Desk| desk.claims.free(&recipients));
            let _writer_has_ended = self.tasks.send(Queued { task: Task::Look(free), permit: None });
        }
    }
}

/// Octets that accepting a message writes.
fn octets(message: &NewMessage) -> usize {
    message.content.len() + message.sent_copy.as_ref().map_or(0, |copy| copy.raw.len())
}
