//! Why a delivery failed, as a class that a page has words for.

use serde::{Deserialize, Serialize};

use crate::reading::{Action, Recipient};

/// The class of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// There is no such mailbox, or it is closed.
    UnknownUser,
    /// The mailbox is full.
    MailboxFull,
    /// The message is too big.
    TooBig,
    /// Taken for spam or a virus, or against a rule of the other side.
    Rejected,
    /// The domain does not exist or takes no mail.
    DomainNotFound,
    /// The other server could not be reached for too long.
    Unreachable,
    /// The other system demanded an encrypted transport; not our guarantee.
    NoEncryption,
    /// Not failed yet, still being tried.
    Delayed,
    /// Anything else.
    Other,
}

/// Enhanced status codes without their class (RFC 3463, 5248, 7505) that mean one thing wherever they come from.
const CODES: &[(&str, Reason)] = &[
    ("1.1", Reason::UnknownUser),
    ("1.6", Reason::UnknownUser),
    ("2.1", Reason::UnknownUser),
    ("1.2", Reason::DomainNotFound),
    ("1.10", Reason::DomainNotFound),
    ("4.4", Reason::DomainNotFound),
    ("2.2", Reason::MailboxFull),
    ("3.1", Reason::MailboxFull),
    ("2.3", Reason::TooBig),
    ("3.4", Reason::TooBig),
    ("4.1", Reason::Unreachable),
    ("4.7", Reason::Unreachable),
    ("7.4", Reason::NoEncryption),
    ("7.5", Reason::NoEncryption),
    ("7.10", Reason::NoEncryption),
    ("7.30", Reason::NoEncryption),
];

/// Words of replies, lower case; the first class with a match counts.
const WORDS: &[(Reason, &[&str])] = &[
    (
        Reason::MailboxFull,
        &[
            "mailbox full",
            "mailbox is full",
            "mailfolder is full",
            "quota",
            "storage",
            "exceeds allowed size",
            "space left",
        ],
    ),
    (
        Reason::TooBig,
        &[
            "too large",
            "too big",
            "size limit",
            "message size",
            "length exceeds",
            "maximum size",
            "message length",
        ],
    ),
    (
        Reason::DomainNotFound,
        &[
            "host not found",
            "host unknown",
            "domain not found",
            "domain does not exist",
            "name service error",
            "no such domain",
            "couldn't find any host",
            "no mx found",
            "couldn't find a mail exchanger",
            "unrouteable",
            "accepts no mail",
            "does not accept mail",
            "null mx",
            "dns lookup failure",
        ],
    ),
    (
        Reason::UnknownUser,
        &[
            "user unknown",
            "unknown user",
            "no such user",
            "unknown recipient",
            "recipient unknown",
            "no mailbox",
            "mailbox unavailable",
            "mailbox not found",
            "no such recipient",
            "no such mailbox",
            "does not exist",
            "doesn't exist",
            "doesn't have a",
            "invalid recipient",
            "invalid mailbox",
            "not a valid",
            "unknown or illegal",
            "not listed",
            "recipient name is not recognized",
            "address unknown",
            "disabled",
            "inactive",
            "no longer",
            "not a known user",
            "user not found",
            "invalid user",
        ],
    ),
    (
        Reason::Rejected,
        &[
            "spam",
            "virus",
            "blocked",
            "blacklist",
            "blocklist",
            "block list",
            "listed",
            "policy",
            "spf",
            "dkim",
            "dmarc",
            "reputation",
            "access denied",
            "relay",
            "rejected",
            "banned",
            "reverse dns",
            "not permitted",
            "not authorized",
            "unsolicited",
            "refused by",
        ],
    ),
    (
        Reason::Unreachable,
        &[
            "timed out",
            "timeout",
            "connection refused",
            "no route",
            "unreachable",
            "retry",
            "expired",
            "too long",
            "connect to",
            "unable to connect",
            "deferred",
            "not responding",
            "attempts",
        ],
    ),
];

impl Reason {
    /// The class of what happened to `recipient`.
    pub fn of(recipient: &Recipient) -> Self {
        if recipient.action == Action::Delayed {
            return Self::Delayed;
        }
        if recipient.tls.is_some() {
            return Self::NoEncryption;
        }
        let status = recipient.status.as_deref().unwrap_or_default();
        let (class, detail) = status.split_once('.').unwrap_or_default();
        // a code that says it all, unless the text knows better (many servers send 5.1.1 or 5.7.1 for everything)
        let said = recipient.diagnostic.as_ref().map(|d| &d.text).or(recipient.explanation.as_ref());
        let text = said.map(|text| text.to_lowercase()).unwrap_or_default();
        let worded = WORDS
            .iter()
            .find(|(_, words)| words.iter().any(|word| text.contains(word)))
            .map(|(reason, _)| *reason);
        let coded = CODES.iter().find(|(code, _)| *code == detail).map(|(_, reason)| *reason);
        match (coded, worded) {
            (Some(coded), None) => coded,
            (Some(Self::UnknownUser), Some(worded)) if worded != Self::Rejected => worded,
            (Some(coded), Some(_)) => coded,
            (None, Some(worded)) => worded,
            (None, None) if detail.starts_with("7.") => Self::Rejected,
            (None, None) if class == "4" => Self::Unreachable,
            (None, None) => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::reading::Diagnostic;

    #[rstest]
    #[case(
        Some("5.1.1"),
        "550 5.1.1 <a@b.example>: Recipient address rejected: User unknown",
        Reason::UnknownUser
    )]
    #[case(Some("5.2.2"), "552 5.2.2 Mailbox full / Postfach voll", Reason::MailboxFull)]
    #[case(Some("5.0.0"), "550 Requested action not taken: mailbox unavailable", Reason::UnknownUser)]
    #[case(None, "This account is over quota.", Reason::MailboxFull)]
    #[case(Some("5.3.4"), "message size 40 MB exceeds size limit", Reason::TooBig)]
    #[case(
        Some("5.7.1"),
        "554 5.7.1 Service unavailable; Client host blocked using a list",
        Reason::Rejected
    )]
    #[case(Some("5.7.26"), "", Reason::Rejected)]
    #[case(
        Some("5.4.4"),
        "Host or domain name not found. Name service error for name=x",
        Reason::DomainNotFound
    )]
    #[case(Some("5.1.10"), "Domain b.example does not accept mail (nullMX)", Reason::DomainNotFound)]
    #[case(Some("4.4.1"), "connect to mx.b.example[192.0.2.1]:25: Connection timed out", Reason::Unreachable)]
    #[case(Some("4.4.7"), "delivery time expired", Reason::Unreachable)]
    #[case(None, "", Reason::Other)]
    #[case(Some("5.6.7"), "", Reason::Other)]
    fn classes(#[case] status: Option<&str>, #[case] text: &str, #[case] reason: Reason) {
        let mut recipient = Recipient::only("a@b.example".into(), Action::Failed);
        recipient.status = status.map(str::to_owned);
        recipient.diagnostic = (!text.is_empty()).then(|| Diagnostic { kind: None, text: text.into() });
        assert_eq!(Reason::of(&recipient), reason);
        recipient.action = Action::Delayed;
        assert_eq!(Reason::of(&recipient), Reason::Delayed);
    }
}
