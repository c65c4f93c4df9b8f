//! What became of a sent message, recipient by recipient, and what proves it.

use api::{AuthenticatedBy, MessageRecipient, MessageStatus, RecipientState};
use guarantee::{Protection, Requirement};
use jiff::Timestamp;

use super::cause::CauseWord;
use super::stops;

/// How many messages are remembered.
const KEPT: usize = 100;

/// What the server has said of the user's sent messages, the newest word first.
#[derive(Clone, Debug, Default)]
pub struct Known(Vec<MessageStatus>);

impl Known {
    /// The server has said what became of a message.
    pub fn learn(&mut self, status: &MessageStatus) {
        self.0.retain(|known| known.id != status.id);
        self.0.truncate(KEPT - 1);
        self.0.insert(0, status.clone());
    }

    /// What became of the message with this Message-ID; of the last one, if the same was submitted more than once.
    pub fn status(&self, message_id: &str) -> Option<&MessageStatus> {
        let wanted = stops::bare_message_id(message_id);
        let same = self.0.iter().filter(|status| status.message_id.as_deref() == Some(wanted));
        same.max_by_key(|status| status.accepted_at)
    }
}

/// Where one recipient's copy stands, as the page has words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not tried yet.
    Underway,
    /// Delivered within this server, over no network.
    DeliveredHere,
    /// Delivered in clear.
    DeliveredUnprotected,
    /// Delivered encrypted.
    DeliveredEncrypted,
    /// Delivered encrypted to a host that has proven who it is.
    DeliveredVerified(AuthenticatedBy),
    /// Waits.
    Waits(Wait),
    /// Not sent.
    Stopped(CauseWord),
    /// Undeliverable for a reason that is not the guarantee's.
    Undeliverable,
}

/// Why a copy waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Our own line is not to be believed.
    OwnLine,
    /// The DNS answers are forged or broken.
    DnsBogus,
    /// No DNS answer.
    DnsFailed,
    /// The domain publicly demands what its host does not do; it binds without the guarantee too.
    DomainDemands,
    /// Not encrypted as required, and another host may still take it.
    OtherHost,
    /// The host can't be reached, or asks to wait.
    Host,
}

impl Wait {
    fn of(cause: Option<&str>) -> Self {
        match cause.unwrap_or_default() {
            "own_line" => Self::OwnLine,
            "dns_bogus" => Self::DnsBogus,
            "dns_failed" => Self::DnsFailed,
            "dane_mismatch" | "sts_mismatch" => Self::DomainDemands,
            word if CauseWord::of(word) != CauseWord::Unknown => Self::OtherHost,
            _ => Self::Host,
        }
    }
}

/// Where one recipient's copy stands.
pub fn standing(recipient: &MessageRecipient) -> Standing {
    match (recipient.state, recipient.protection) {
        (RecipientState::Queued, _) => Standing::Underway,
        (RecipientState::Deferred, _) => Standing::Waits(Wait::of(recipient.cause.as_deref())),
        (RecipientState::Stopped, _) => {
            Standing::Stopped(CauseWord::of(recipient.cause.as_deref().unwrap_or_default()))
        }
        (RecipientState::Bounced, _) => Standing::Undeliverable,
        (RecipientState::Delivered, None) => Standing::DeliveredHere,
        (RecipientState::Delivered, Some(Protection::None)) => Standing::DeliveredUnprotected,
        (RecipientState::Delivered, Some(Protection::Encrypted)) => Standing::DeliveredEncrypted,
        (RecipientState::Delivered, Some(Protection::Dane)) => {
            Standing::DeliveredVerified(AuthenticatedBy::Dane)
        }
        (RecipientState::Delivered, Some(Protection::Authenticated)) => {
            let by = recipient.authenticated_by.unwrap_or(AuthenticatedBy::Certificate);
            Standing::DeliveredVerified(by)
        }
    }
}

/// Whether the user has done without encryption for this message (RFC 8689 §3): their own decision, to be shown as one.
pub fn is_own_decision(recipient: &MessageRecipient) -> bool {
    recipient.requirement == Requirement::Regardless
}

/// When it is tried next, while it waits.
pub fn next_attempt(recipient: &MessageRecipient) -> Option<Timestamp> {
    recipient.next_attempt_at.filter(|_| recipient.state == RecipientState::Deferred)
}

/// What a line of the details is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The MX host.
    Host,
    /// Protocol and cipher suite.
    Tls,
    /// The key exchange.
    KeyExchange,
    /// An earlier connection's secret was used.
    Resumed,
    /// The TLSA record, or the name that the certificate is for.
    Proof,
    /// The certificate's SHA-256.
    Certificate,
    /// The host's reply, or the cause in the server's own words.
    Answer,
}

/// The details, those that there are.
pub fn details(recipient: &MessageRecipient) -> Vec<(Detail, String)> {
    let tls = recipient.tls.as_ref().map(|tls| {
        let cipher = recipient.cipher.as_deref().unwrap_or_default();
        format!("{tls} {cipher}").trim_end().to_owned()
    });
    let exchange = match recipient.key_exchange.as_deref() {
        Some("resumed") => Detail::Resumed,
        _ => Detail::KeyExchange,
    };
    let all = [
        (Detail::Host, recipient.host.clone()),
        (Detail::Tls, tls),
        (exchange, recipient.key_exchange.clone()),
        (Detail::Proof, recipient.authentication.clone().filter(|_| recipient.authenticated_by.is_some())),
        (Detail::Certificate, recipient.certificate_sha256.clone()),
        (Detail::Answer, recipient.reason.clone()),
    ];
    all.into_iter()
        .filter_map(|(detail, value)| Some((detail, value.filter(|value| !value.is_empty())?)))
        .collect()
}

#[cfg(test)]
mod tests;
