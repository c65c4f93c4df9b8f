//! The rows and bundles that cross the store's door.

use api::Exception;
use bytes::Bytes;
use guarantee::{
    AppliedPolicy, Cause, History, HostAddress, Level, Origin, Protection, Requirement, ResultType,
    StsPolicy, Switch, TlsDetails, Wish,
};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use smtp::envelope::{Notify, Ret, ReversePath};

use crate::Pattern;

/// An account as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its address.
    pub address: String,
    /// When it was added.
    pub created_at: Timestamp,
}

/// An account with its password hash.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountSecret {
    /// Its address, as it was added.
    pub address: String,
    /// Argon2id, as a PHC string; none where others know the passwords ([`crate::Store::ensure_account`]).
    pub password_hash: Option<String>,
}

/// An account's switch, and how much it demands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoredSwitch {
    /// As last set.
    pub switch: Switch,
    /// Whether it has ever been on.
    pub was_on: bool,
    /// What it demands while it is on.
    pub level: Level,
}

/// An account's pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Whose.
    pub account: String,
    /// Its end, by the server's clock.
    pub until: Timestamp,
}

/// A log-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of the token; the token itself is kept nowhere.
    pub token_hash: [u8; 32],
    /// Whose.
    pub account: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A recorded override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideRow {
    /// Whose decision.
    pub account: String,
    /// For the message with this Message-ID, without `<>`.
    pub message_id: String,
    /// For these recipients.
    pub recipients: Vec<String>,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Until when a submission may use it.
    pub expires_at: Timestamp,
}

/// A recorded demand: a message for servers alone that prove who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemandRow {
    /// Whose.
    pub account: String,
    /// For the message with this Message-ID, without `<>`.
    pub message_id: String,
    /// Until when it holds for submissions of that message.
    pub expires_at: Timestamp,
}

/// What came of recording a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "without its demand a message must not be submitted"]
pub enum RecordedDemand {
    /// It holds from now on, or for longer than before.
    Recorded,
    /// The account has as many as it may, [`crate::MAX_DEMANDS`]; nothing was recorded.
    TooMany,
}

/// A standing exception to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewExceptionRow {
    /// Whose.
    pub account: String,
    /// For whom.
    pub pattern: Pattern,
    /// The account's own note why.
    pub note: String,
    /// Since when.
    pub created_at: Timestamp,
}

/// What came of adding an exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddedException {
    /// It holds from now on.
    Added(Exception),
    /// It was there already, and is left as it was.
    WasThere(Exception),
    /// The account has as many as it may; nothing was added.
    TooMany,
}

/// A message that is about to be sent in the stead of a stopped one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplacementRow {
    /// Whose.
    pub account: String,
    /// The stop's id.
    pub stop: String,
    /// The new message's Message-ID, without `<>`.
    pub message_id: String,
    /// Until when it must have been accepted.
    pub expires_at: Timestamp,
}

/// A local mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mailbox {
    /// `INBOX`.
    Inbox,
    /// `Sent`.
    Sent,
}

impl Mailbox {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inbox => "INBOX",
            Self::Sent => "Sent",
        }
    }

    /// The mailbox of that name; `INBOX` in any case (RFC 3501 §5.1).
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "Sent" => Some(Self::Sent),
            _ if name.eq_ignore_ascii_case("INBOX") => Some(Self::Inbox),
            _ => None,
        }
    }
}

/// What a list shows of a message, read from its headers by the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Message-ID without `<>`.
    pub message_id: Option<String>,
    /// `From` as a person reads it.
    pub from: String,
    /// `To`, or else `Cc`, likewise.
    pub to: String,
    /// Decoded subject.
    pub subject: String,
    /// The `Date` field.
    pub date: Option<Timestamp>,
}

/// A message for a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxMessage {
    /// What the list shows.
    pub listing: Listing,
    /// The whole message.
    pub raw: Bytes,
}

/// What is fixed about a message when it is accepted: its envelope, less the recipients, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageFacts {
    /// The queue id given to the client.
    pub queue_id: String,
    /// By which door it came.
    pub origin: Origin,
    /// The account that sent it, for [`Origin::Submission`]; none once it has been removed.
    pub account: Option<String>,
    /// The envelope's sender.
    pub reverse_path: ReversePath,
    /// `RET=`.
    pub ret: Option<Ret>,
    /// `ENVID=`, xtext.
    pub envid: Option<String>,
    /// The message needs SMTPUTF8 on the way.
    pub smtputf8: bool,
    /// The content has octets above 127.
    pub eight_bit: bool,
    /// What it asks of its way.
    pub wish: Wish,
    /// The server's clock at the end of DATA.
    pub accepted_at: Timestamp,
}

/// A message at the end of DATA.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Its envelope, and whose it is.
    pub facts: MessageFacts,
    /// Message-ID without `<>`.
    pub message_id: Option<String>,
    /// Decoded subject, for the stop's record.
    pub subject: String,
    /// The recipients, in the order given.
    pub recipients: Vec<NewRecipient>,
    /// The content as it goes out.
    pub content: Bytes,
    /// Whether it is, beyond doubt, encrypted end to end.
    pub end_to_end: bool,
    /// The copy for the account's Sent mailbox, for messages that the webmail submits.
    pub sent_copy: Option<MailboxMessage>,
    /// The id of the stop whose message this one is sent in the stead of; ignored if it is not this account's.
    pub replaces: Option<String>,
}

/// One recipient at acceptance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecipient {
    /// `local@domain`.
    pub address: String,
    /// Where it goes.
    pub next_hop: NextHop,
    /// `NOTIFY=`.
    pub notify: Notify,
    /// `ORCPT=` as given.
    pub orcpt: Option<String>,
}

/// Where a recipient's copy goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NextHop {
    /// A mailbox of this server.
    Local,
    /// The hosts of a domain, in A-labels.
    Domain(String),
}

/// A recipient's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecipientId(pub i64);

/// A claimed piece of work: recipients that may share one transaction (RFC 5321 §3.3).
#[derive(Clone, Debug)]
pub struct Job {
    /// The message.
    pub facts: MessageFacts,
    /// Octets of content.
    pub size: u64,
    /// Where it goes.
    pub next_hop: NextHop,
    /// What must hold, fixed at acceptance.
    pub requirement: Requirement,
    /// The recipients; never empty.
    pub recipients: Vec<JobRecipient>,
}

/// One recipient of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecipient {
    /// Its row.
    pub id: RecipientId,
    /// `local@domain`.
    pub address: String,
    /// `NOTIFY=`.
    pub notify: Notify,
    /// `ORCPT=` as given.
    pub orcpt: Option<String>,
    /// What earlier attempts showed.
    pub history: History,
    /// Whether its sender has been told of the delay.
    pub delay_reported: bool,
}

/// What became of one recipient in one attempt.
#[derive(Clone, Debug)]
pub struct RecipientOutcome {
    /// Which.
    pub recipient: RecipientId,
    /// What.
    pub outcome: Outcome,
}

/// The outcome of one attempt for one recipient.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The next hop has taken it over.
    Delivered {
        /// What was proven.
        evidence: Evidence,
        /// Who reports the success, if it is asked for.
        dsn: DsnDuty,
    },
    /// The server of the mailboxes here has taken it, and said so: there is nothing to prove of a way.
    Filed,
    /// To be tried again.
    Deferred {
        /// Why.
        cause: Cause,
        /// To keep.
        history: History,
        /// When.
        next_attempt_at: Timestamp,
        /// Tell the sender of the delay now. Honoured once, and only if the envelope asks or allows it.
        report_delay: bool,
    },
    /// Not sent because the guarantee forbids it: a stop is recorded for the account.
    Stopped(Cause),
    /// Undeliverable for another reason.
    Bounced(Cause),
}

/// Who reports a success (RFC 3461 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DsnDuty {
    /// The next hop, which offers DSN and was told what is asked for.
    PassedOn,
    /// This server, for the last time on the mail's way.
    Ours,
}

/// What was proven for one delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What protected the transport.
    pub protection: Protection,
    /// How the host has proven who it is.
    #[serde(default)]
    pub authentication: guarantee::Authentication,
    /// The MX host's name; none for a local mailbox.
    pub host: Option<HostAddress>,
    /// The TLS connection, if any.
    pub tls: Option<TlsDetails>,
    /// The host's final reply, as one line.
    pub reply: String,
}

/// A delivery into a local mailbox.
#[derive(Clone, Debug)]
pub struct LocalDelivery {
    /// The message.
    pub queue_id: String,
    /// The recipient.
    pub recipient: RecipientId,
    /// The account whose INBOX it goes to.
    pub account: String,
    /// The message with its Return-Path.
    pub message: MailboxMessage,
    /// When.
    pub now: Timestamp,
}

/// How a message stands after a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The account that sent it.
    pub account: Option<String>,
    /// Recipients without a first verdict.
    pub first_verdicts_missing: usize,
    /// What is still to be reported of its recipients, each kind once.
    pub reports_pending: Vec<ReportKind>,
    /// The stop's record, if this record added to it.
    pub stop: Option<api::Stop>,
}

/// What is to be reported about one message.
#[derive(Clone, Debug)]
pub struct PendingReport {
    /// The message. Its reverse-path, where the report goes, is never null.
    pub facts: MessageFacts,
    /// Recipients without a first verdict.
    pub first_verdicts_missing: usize,
    /// The recipients to report, in the order given.
    pub recipients: Vec<PendingRecipient>,
    /// What it contains.
    pub content: Bytes,
}

/// One recipient to report.
#[derive(Clone, Debug)]
pub struct PendingRecipient {
    /// Its row.
    pub id: RecipientId,
    /// `local@domain`.
    pub address: String,
    /// `ORCPT=` as given.
    pub orcpt: Option<String>,
    /// What to say of it.
    pub kind: ReportKind,
    /// Why; none for a success.
    pub cause: Option<Cause>,
    /// What was proven, for [`ReportKind::Relayed`].
    pub evidence: Option<Evidence>,
    /// When it became so.
    pub at: Timestamp,
}

/// What a report says of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportKind {
    /// Stopped by the guarantee.
    Stopped,
    /// Failed for another reason.
    Failed,
    /// Still being tried.
    Delayed,
    /// It lies in a mailbox here.
    Delivered,
    /// A next hop that does not offer DSN has taken it over.
    Relayed,
}

/// A report ready to be filed.
#[derive(Clone, Debug)]
pub struct FiledReport {
    /// The message it is about.
    pub about: String,
    /// The recipients it names: each is marked reported.
    pub recipients: Vec<Reported>,
    /// Where it goes; `None` when the sender can't be reported to, and the failures are only marked.
    pub to: Option<ReportTo>,
    /// When.
    pub now: Timestamp,
}

/// What a report says of one recipient, as [`PendingRecipient`] had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reported {
    /// Its row.
    pub id: RecipientId,
    /// What is said of it.
    pub kind: ReportKind,
}

impl From<&PendingRecipient> for Reported {
    fn from(pending: &PendingRecipient) -> Self {
        Self { id: pending.id, kind: pending.kind }
    }
}

/// What came of filing a report.
#[must_use = "a stale report was not filed: read what is pending again"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filed {
    /// It is filed, and what it says is marked as reported.
    Done,
    /// Nothing was done: something it says has been reported already or is no longer so. What is pending must be read again.
    Stale,
}

/// Where a report goes.
#[derive(Clone, Debug)]
pub enum ReportTo {
    /// Straight into a local INBOX.
    Mailbox {
        /// Whose.
        account: String,
        /// The report with its Return-Path.
        message: MailboxMessage,
    },
    /// Into the queue.
    Queue(Box<NewMessage>),
}

/// A message in the queue, for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueEntry {
    /// How it stands.
    pub status: api::MessageStatus,
    /// The account that sent it.
    pub account: Option<String>,
    /// The envelope's sender.
    pub reverse_path: ReversePath,
    /// By which door it came.
    pub origin: Origin,
    /// Octets of content.
    pub size: u64,
}

/// What all mail has met at one MX host, for an operator: by the day, since nobody is shown when others wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryEntry {
    /// The recipients' domain, in A-labels.
    pub domain: String,
    /// The MX host's name.
    pub host: String,
    /// The best protection.
    pub best: Protection,
    /// The UTC day of the first connection with TLS.
    pub first_tls: Date,
    /// And of the last.
    pub last_tls: Date,
    /// How many connections had TLS.
    pub count: u64,
}

/// A forwarding that is to be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewForwardingRow {
    /// Whose.
    pub account: String,
    /// The target.
    pub address: String,
    /// What protects the way there, if that is known.
    pub protection: Option<Protection>,
    /// Now.
    pub created_at: Timestamp,
    /// When to look at it next.
    pub next_look_at: Timestamp,
}

/// What adding a forwarding came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddedForwarding {
    /// It is watched from now on.
    Added(api::Forwarding),
    /// It was watched already, and is left as it was.
    WasThere(api::Forwarding),
    /// The account has as many as it may: [`crate::MAX_FORWARDINGS`].
    TooMany,
}

/// A watched forwarding, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedForwarding {
    /// Whose.
    pub account: String,
    /// Its id, one of this account's.
    pub id: i64,
    /// The target.
    pub address: String,
    /// What protected the way there when it was last known, and when that was.
    pub known: Option<(Protection, Timestamp)>,
}

/// What was seen of a watched forwarding's way.
#[derive(Clone, Debug)]
pub struct ForwardingSeen {
    /// The forwarding as it was read.
    pub of: WatchedForwarding,
    /// What protects the way now; none if that can't be said.
    pub protection: Option<Protection>,
    /// Now.
    pub now: Timestamp,
    /// When to look at it next.
    pub next_look_at: Timestamp,
    /// The mail that tells of it.
    pub mail: Option<ReportTo>,
}

/// An MTA-STS policy as it is kept (RFC 8461 §3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPolicy {
    /// The policy, kept under its domain.
    pub policy: StsPolicy,
    /// When it was fetched; it holds for its `max_age` from then on.
    pub fetched_at: Timestamp,
}

/// A report to a receiving domain that is still to be made (RFC 8460).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TlsReportDue {
    /// The UTC day it is about.
    pub day: Date,
    /// The domain, in A-labels.
    pub domain: String,
}

/// What sessions with a domain's hosts came to on one day under one policy: an entry of a report's `policies` (RFC 8460 §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyResults {
    /// The policy.
    pub policy: AppliedPolicy,
    /// Sessions that had all that it asks for.
    pub successes: u64,
    /// Those that had not.
    pub failures: Vec<FailedSessions>,
}

/// Sessions that failed in the same way: an entry of a report's `failure-details` (RFC 8460 §4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedSessions {
    /// In which.
    pub result: ResultType,
    /// The host, if one was spoken to.
    pub host: Option<HostAddress>,
    /// For the domain's administrator, at most [`crate::MAX_FAILURE_DETAIL`] characters; partly the host's own words.
    pub detail: String,
    /// How many.
    pub count: u64,
}
