//! What must survive: accounts, switches, the queue, the stops, the mailboxes, the memory, policies and reports.
//!
//! One trait of whole operations, each one transaction, so that every database can do it in one
//! round trip. `Ok` means durable: on disk, synced.

mod exception;
mod model;
mod sqlite;

pub use exception::{MAX_EXCEPTIONS, Pattern, covers};
pub use model::*;
pub use sqlite::Sqlite;

use api::{
    Exception, Forwarding, HostMemory, ListedMessage, MessageStatus, PastOverride, Preferences, Stop, Week,
};
use async_trait::async_trait;
use bytes::Bytes;
use guarantee::{Level, Remembered, Sighting, Switch};
use jiff::Timestamp;
use jiff::civil::Date;

/// What a store can fail with.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The account is there already.
    #[error("{0} is there already")]
    Exists(String),
    /// There is no such account, message or mailbox entry.
    #[error("{0} is not there")]
    NotFound(String),
    /// The database failed; nothing of the operation has happened.
    #[error("database: {0}")]
    Database(String),
    /// The store is shutting down or its writer has ended.
    #[error("the store is closed")]
    Closed,
}

/// The most recipients of one job (RFC 5321 §4.5.3.1.8: what every host takes in one transaction).
pub const MAX_JOB_RECIPIENTS: usize = 100;

/// The most policies of one domain and day that are reported; sessions under further ones are not counted.
pub const MAX_REPORTED_POLICIES: usize = 100;

/// The most ways to fail that are told apart for one domain and day: hosts choose their texts. Further ones are counted
/// by their result type alone.
pub const MAX_REPORTED_FAILURES: usize = 100;

/// The most characters of a failure's detail.
pub const MAX_FAILURE_DETAIL: usize = 300;

/// The most messages of one Message-ID that are shown: programs give each message its own.
pub const MAX_SAME_MESSAGE_ID: usize = 20;

/// The most demands of one account at a time: as long as they last, some three hundred messages a day.
pub const MAX_DEMANDS: usize = 2000;

/// The most forwardings that are watched for one account.
pub const MAX_FORWARDINGS: usize = 20;

/// Short for a store's answers.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The store. Addresses are passed as `local@domain` with the domain in lower case; accounts compare case-insensitively.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // --- accounts -------------------------------------------------------------------------
    /// Adds an account with its password hash (PHC string).
    async fn add_account(&self, address: &str, password_hash: &str, now: Timestamp) -> Result<()>;
    /// The account as it is spelt; if it is not there, it is made with this spelling and without a password.
    async fn ensure_account(&self, address: &str, now: Timestamp) -> Result<String>;
    /// Replaces the password hash and ends the account's sessions.
    async fn set_password(&self, address: &str, password_hash: &str) -> Result<()>;
    /// Removes an account with its mailboxes and sessions; queued mail still goes out.
    async fn remove_account(&self, address: &str) -> Result<()>;
    /// All accounts, by address.
    async fn accounts(&self) -> Result<Vec<Account>>;
    /// The account as it is spelt, with its hash if it has a password.
    async fn account(&self, address: &str) -> Result<Option<AccountSecret>>;
    /// The account's switch as stored (a pause may be over: [`Switch::at`]), and whether it was ever on.
    async fn switch(&self, account: &str) -> Result<StoredSwitch>;
    /// Sets the switch, and the level unless it is to stay; gives what stands now. When this returns, it holds for every
    /// message accepted afterwards.
    async fn set_guarantee(
        &self,
        account: &str,
        switch: Switch,
        level: Option<Level>,
    ) -> Result<StoredSwitch>;

    /// All pauses that have not been ended, over or not.
    async fn pauses(&self) -> Result<Vec<Pause>>;
    /// Ends a pause by switching on, if it is still the one that stands; gives what stands then. It is over for good: a clock
    /// that goes back does not bring it back.
    async fn end_pause(&self, pause: &Pause) -> Result<Option<StoredSwitch>>;

    // --- sessions -------------------------------------------------------------------------
    /// Keeps a session under the hash of its token.
    async fn add_session(&self, session: &SessionRow) -> Result<()>;
    /// The session of that token hash, if it has not ended at `now`.
    async fn session(&self, token_hash: &[u8; 32], now: Timestamp) -> Result<Option<SessionRow>>;
    /// Ends a session; not an error if there is none.
    async fn remove_session(&self, token_hash: &[u8; 32]) -> Result<()>;

    // --- decisions ------------------------------------------------------------------------
    /// Records the account's decision to send one message to these recipients without the guarantee.
    async fn record_override(&self, decision: &OverrideRow) -> Result<()>;

    /// Records the account's decision that one message is only for servers that prove who they are, whatever its switch and
    /// its other decisions say; for every submission of that message until the demand ends. At most [`MAX_DEMANDS`] at a
    /// time: none is dropped for another, since the message of a dropped one could leave in clear.
    async fn record_demand(&self, demand: &DemandRow) -> Result<RecordedDemand>;
    /// Whether the account has a demand that holds at `now`, for whichever message.
    async fn demands(&self, account: &str, now: Timestamp) -> Result<bool>;

    /// The account's standing exceptions, newest first.
    async fn exceptions(&self, account: &str) -> Result<Vec<Exception>>;
    /// Adds an exception; at most [`MAX_EXCEPTIONS`]. Its ids increase, and are counted for each account by itself.
    async fn add_exception(&self, new: NewExceptionRow) -> Result<AddedException>;
    /// Revokes an exception; [`StoreError::NotFound`] if the account has none of this id.
    async fn remove_exception(&self, account: &str, id: i64) -> Result<()>;

    /// What the account prefers.
    async fn preferences(&self, account: &str) -> Result<Preferences>;
    /// Sets what the account prefers, for every message accepted afterwards.
    async fn set_preferences(&self, account: &str, wanted: Preferences) -> Result<()>;

    /// Notes that the account's message with this Message-ID, accepted before `expires_at` or already, is sent in the stead
    /// of the stopped one: then the stop says so. [`StoreError::NotFound`] if the account has no such stop.
    async fn announce_replacement(&self, replacement: &ReplacementRow) -> Result<()>;

    // --- the queue ------------------------------------------------------------------------
    /// Accepts a message: decides each recipient's requirement ([`guarantee::requirement`]) from the switch, the level,
    /// overrides, exceptions, preferences and a demand as they stand in the same transaction, uses overrides up, queues
    /// the message and files the Sent copy. With a demand, [`MessageFacts::wish`] says so from then on.
    /// [`StoreError::Exists`] if the queue id is taken, [`StoreError::NotFound`] if the account has been removed.
    async fn accept(&self, message: NewMessage) -> Result<()>;
    /// Claims due work for this process: groups of recipients with the same message, next hop and requirement,
    /// longest due first, at most `limit` jobs of at most [`MAX_JOB_RECIPIENTS`] recipients each. Next hops in `busy` are
    /// passed over, so that one slow domain does not hold up the others. Claims are held in memory until
    /// [`Store::record`], [`Store::deliver_local`] or [`Store::release`]; two claims never overlap.
    async fn claim_due(&self, now: Timestamp, limit: usize, busy: &[NextHop]) -> Result<Vec<Job>>;
    /// Gives recipients back unchanged, to be due again at once.
    async fn release(&self, recipients: &[RecipientId]) -> Result<()>;
    /// When the next unclaimed recipient is due, if any waits for another next hop than those in `busy`.
    async fn next_due(&self, busy: &[NextHop]) -> Result<Option<Timestamp>>;
    /// The message's content as accepted; [`StoreError::NotFound`] once nothing is left to deliver or to report.
    async fn content(&self, queue_id: &str) -> Result<Bytes>;
    /// Records what became of recipients, with the stop's record in the same transaction, and frees their claims.
    /// Passes over recipients that are final already. If it fails, the claims stay: record again, or release.
    async fn record(
        &self,
        queue_id: &str,
        outcomes: Vec<RecipientOutcome>,
        now: Timestamp,
    ) -> Result<Progress>;
    /// Puts the message into a local mailbox and marks the recipient delivered, in one transaction; frees the claim.
    /// Fails with [`StoreError::NotFound`], and changes nothing, if there is no such account.
    async fn deliver_local(&self, delivery: LocalDelivery) -> Result<Progress>;
    /// Everything about one message that is still to be reported to its sender, if there is anything.
    async fn pending_report(&self, queue_id: &str) -> Result<Option<PendingReport>>;
    /// Files a report and marks what it says as reported, in one transaction: no failure without its report, none twice.
    /// [`Filed::Stale`] if what is pending has changed since it was read.
    async fn file_report(&self, report: FiledReport) -> Result<Filed>;
    /// Messages that have something to report: asked at start, for what a crash left behind.
    async fn reports_due(&self) -> Result<Vec<String>>;
    /// Whether another process (the command line) has changed the database since the last call.
    async fn changed_outside(&self) -> Result<bool>;

    // --- the operator ---------------------------------------------------------------------
    /// Messages with recipients that wait, oldest first.
    async fn queue(&self) -> Result<Vec<QueueEntry>>;
    /// One message, whoever sent it.
    async fn queue_entry(&self, queue_id: &str) -> Result<Option<QueueEntry>>;
    /// Makes the message's waiting recipients due now; how many.
    async fn retry(&self, queue_id: &str, now: Timestamp) -> Result<usize>;
    /// Takes a message's waiting recipients out of the queue, without a report; how many. They are shown as bounced; what
    /// an attempt under way comes to is not recorded.
    async fn remove(&self, queue_id: &str, now: Timestamp) -> Result<usize>;

    // --- what users see -------------------------------------------------------------------
    /// What became of a message of this account.
    async fn message_status(&self, account: &str, queue_id: &str) -> Result<Option<MessageStatus>>;
    /// What became of this account's messages with this Message-ID (without `<>`), the last accepted first; at most
    /// [`MAX_SAME_MESSAGE_ID`].
    async fn messages_with(&self, account: &str, message_id: &str) -> Result<Vec<MessageStatus>>;
    /// The account's recorded stops, newest first. One for a message, whose queue id is also the stop's.
    async fn stops(&self, account: &str, limit: Option<u32>) -> Result<Vec<Stop>>;
    /// A mailbox's messages, newest received first. Their ids increase, and are counted for each account by itself.
    async fn mailbox(
        &self,
        account: &str,
        mailbox: Mailbox,
        limit: Option<u32>,
    ) -> Result<Vec<ListedMessage>>;
    /// One message as it is.
    async fn mailbox_raw(&self, account: &str, mailbox: Mailbox, id: i64) -> Result<Option<Bytes>>;
    /// Marks a message read or unread.
    async fn set_seen(&self, account: &str, mailbox: Mailbox, id: i64, seen: bool) -> Result<()>;

    // --- the memory -----------------------------------------------------------------------
    /// Remembers what an account's mail, or nobody's, has met: the sightings with TLS, by [`Remembered::after`]. What was
    /// met for an account that has been removed meanwhile is nobody's.
    async fn remember(&self, account: Option<&str>, sightings: &[Sighting], now: Timestamp) -> Result<()>;
    /// What this account's own mail to the domain has met at the MX host of that name. It may have faded:
    /// [`guarantee::recognise`].
    async fn remembered(&self, account: &str, domain: &str, host: &str) -> Result<Option<Remembered>>;
    /// Whether any account's mail to the domain has met TLS since then: for the watch over our own line, and shown to nobody.
    async fn had_tls(&self, domain: &str, since: Timestamp) -> Result<bool>;
    /// What all mail has met, of one domain or of all, by domain and host.
    async fn memory(&self, domain: Option<&str>) -> Result<Vec<MemoryEntry>>;
    /// Forgets for all accounts what was met at a domain's host of that name, or at all its hosts; how many hosts.
    async fn forget(&self, domain: &str, host: Option<&str>) -> Result<usize>;

    /// What this account's own mail has met, the last met first.
    async fn own_memory(&self, account: &str) -> Result<Vec<HostMemory>>;

    // --- the account page -----------------------------------------------------------------
    /// The account's overrides recorded since then, newest first; [`Store::purge`] forgets them.
    async fn overrides(&self, account: &str, since: Timestamp) -> Result<Vec<PastOverride>>;
    /// What became of the account's own mail in the last twelve weeks, counted by recipients; newest first, and none left out.
    /// A recipient counts in the week in which its copy was delivered or stopped.
    async fn weeks(&self, account: &str, now: Timestamp) -> Result<Vec<Week>>;

    // --- forwardings ----------------------------------------------------------------------
    /// The account's watched forwardings, newest first.
    async fn forwardings(&self, account: &str) -> Result<Vec<Forwarding>>;
    /// Adds one; at most [`MAX_FORWARDINGS`]. Its ids are like an exception's.
    async fn add_forwarding(&self, new: NewForwardingRow) -> Result<AddedForwarding>;
    /// Watches it no longer; [`StoreError::NotFound`] if the account has none of this id.
    async fn remove_forwarding(&self, account: &str, id: i64) -> Result<()>;
    /// Those of all accounts that are to be looked at, the longest due first.
    async fn forwardings_due(&self, now: Timestamp, limit: usize) -> Result<Vec<WatchedForwarding>>;
    /// The account's to this address, if it is watched.
    async fn watched_forwarding(&self, account: &str, address: &str) -> Result<Option<WatchedForwarding>>;
    /// Notes what protects the way to a target, and files the mail that tells of it, in one transaction: no loss without its
    /// mail, none told twice. [`Filed::Stale`] if it is not watched any more, or something else is known of it meanwhile.
    async fn note_forwarding(&self, seen: ForwardingSeen) -> Result<Filed>;

    // --- MTA-STS --------------------------------------------------------------------------
    /// The domain's policy as it is kept; it may be over.
    async fn sts_policy(&self, domain: &str) -> Result<Option<StoredPolicy>>;
    /// Keeps a domain's policy in the place of the one before.
    async fn keep_sts_policy(&self, policy: &StoredPolicy) -> Result<()>;
    /// Domains whose policy was fetched before that time, the oldest first: to be refreshed ahead of their end.
    async fn sts_policies_fetched_before(&self, time: Timestamp, limit: usize) -> Result<Vec<String>>;
    /// Forgets a domain's policy; not an error if there is none.
    async fn forget_sts_policy(&self, domain: &str) -> Result<()>;

    // --- reports to receiving domains -----------------------------------------------------
    /// Counts what was met on that UTC day, for the domains' reports (RFC 8460); bounded by [`MAX_REPORTED_POLICIES`] and
    /// [`MAX_REPORTED_FAILURES`].
    async fn count_tls_results(&self, day: Date, sightings: &[Sighting]) -> Result<()>;
    /// The reports about days before that one that have not been made, the oldest first.
    async fn tls_reports_due(&self, before: Date) -> Result<Vec<TlsReportDue>>;
    /// What one of them has to say.
    async fn tls_results(&self, day: Date, domain: &str) -> Result<Vec<PolicyResults>>;
    /// Marks a report as made, and says whether it was this call that did: who gets `true` sends it, so that none is
    /// sent twice.
    async fn mark_tls_reported(&self, day: Date, domain: &str, now: Timestamp) -> Result<bool>;

    // --- upkeep ---------------------------------------------------------------------------
    /// Forgets sessions, demands, replacements and policies that have ended at `now`, results of more than a week before, what
    /// no mail has met since `keep_since`, overrides recorded before, and messages, with their stops, that were finished (nothing left to deliver or to
    /// report) before `keep_since`.
    async fn purge(&self, now: Timestamp, keep_since: Timestamp) -> Result<()>;
}
