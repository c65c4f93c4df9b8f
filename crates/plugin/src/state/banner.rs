//! Which bounce gets which banner.

use jiff::Timestamp;

use super::cause::CauseWord;

/// What stands above a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Banner {
    /// Nothing: it is no bounce, or the server has not answered yet.
    #[default]
    None,
    /// A stop that the server recorded for this user. The only one that offers ways.
    Confirmed(Confirmed),
    /// It claims a stop that the server knows nothing of.
    Forged,
    /// Another bounce.
    Other {
        /// Whom it names; text of the sender's.
        recipients: Vec<String>,
        /// Why.
        reason: Reason,
    },
    /// A report that something waits.
    Delayed {
        /// Whom it names; text of the sender's.
        recipients: Vec<String>,
        /// Why.
        reason: Reason,
    },
    /// It claims a stop, and the server can't be asked.
    Unchecked,
}

/// A confirmed stop; everything is the record's, nothing the mail's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// The stop's id.
    pub stop: String,
    /// The stopped message's Message-ID without `<>`.
    pub message_id: Option<String>,
    /// Who was not sent to, by host and cause.
    pub groups: Vec<StoppedGroup>,
    /// How many others got it.
    pub delivered_others: u32,
    /// How many others it still waits for.
    pub waiting_others: u32,
    /// When the first of these recipients was stopped.
    pub stopped_at: Timestamp,
    /// Whether another message was sent in its stead since.
    pub replaced: bool,
}

impl Confirmed {
    /// The stopped recipients.
    pub fn recipients(&self) -> Vec<String> {
        self.groups.iter().flat_map(|group| group.recipients.iter().cloned()).collect()
    }
}

/// Recipients stopped at one host for one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedGroup {
    /// Their addresses.
    pub recipients: Vec<String>,
    /// The MX host's name.
    pub host: String,
    /// Why.
    pub cause: CauseWord,
}

/// Why another bounce came, as far as a sentence for its reader goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No such mailbox.
    UnknownAddress,
    /// No such domain, or it takes no mail.
    UnknownDomain,
    /// Over quota.
    MailboxFull,
    /// Disabled or not accepting.
    MailboxDisabled,
    /// Over a size limit.
    TooLarge,
    /// Policy, reputation, content filter.
    Refused,
    /// No connection, or no answer for days.
    Unreachable,
    /// Media or encoding not supported.
    Content,
    /// Another server than ours requires TLS.
    Encryption,
    /// Not to be told in a word.
    Unknown,
}
