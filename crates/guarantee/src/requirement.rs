use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Switch;

/// What must hold for one recipient's copy, from the least to the most. What the receiving domain publishes, DANE and
/// MTA-STS, binds on top of each but the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Requirement {
    /// `TLS-Required: No` (RFC 8689 §4.2.2): TLS is tried, and nothing that the receiving domain publishes makes it fail.
    Regardless,
    /// TLS if it can be had, in clear if not (RFC 7435).
    Opportunistic,
    /// TLS 1.2 or newer, or not at all: the guarantee.
    Encrypted,
    /// And the host proves who it is: the guarantee's stricter level.
    Authenticated,
    /// REQUIRETLS (RFC 8689 §4.2.1): and the host promises the same for the way that follows.
    RequireTls,
}

impl Requirement {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regardless => "regardless",
            Self::Opportunistic => "opportunistic",
            Self::Encrypted => "encrypted",
            Self::Authenticated => "authenticated",
            Self::RequireTls => "requiretls",
        }
    }

    /// Whether a mail that can't have it is stopped, rather than tried until it expires.
    pub fn stops(self) -> bool {
        self >= Self::Encrypted
    }
}

/// How much a user's guarantee demands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// TLS 1.2 or newer.
    #[default]
    Encrypted,
    /// Only hosts that prove who they are: by DANE, by MTA-STS, or by a trusted certificate for a proven name.
    Authenticated,
}

/// By which door a message came in. It is known from the connection, never from the message:
/// a header or an envelope sender can be written by any program (P15, P16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A logged-in user's program, or the webmail.
    Submission,
    /// The mail store's trusted entry: automatic replies and permanent forwardings.
    MailStore,
    /// From outside, for a local mailbox.
    Incoming,
    /// Our own report about a message.
    Report,
}

/// What a message asks of its way: of itself (RFC 8689), where REQUIRETLS goes before the header (§4.1), or by what its
/// sender has recorded about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wish {
    /// Nothing.
    #[default]
    None,
    /// A valid `TLS-Required: No`, by the sender of the message (§3).
    TlsOptional,
    /// The parameter REQUIRETLS on MAIL (§2).
    RequireTls,
    /// Only hosts that prove who they are: the sender has recorded it beforehand, for this one message.
    Demanded,
}

impl Wish {
    /// The same with the sender's recorded demand. REQUIRETLS asks for more; the header yields, as to REQUIRETLS (§4.1).
    #[must_use]
    pub fn with_demand(self) -> Self {
        match self {
            Self::RequireTls => Self::RequireTls,
            Self::None | Self::TlsOptional | Self::Demanded => Self::Demanded,
        }
    }

    /// Whether a host that offers REQUIRETLS is asked to hold the way that follows to it.
    pub fn goes_on(self) -> bool {
        match self {
            Self::RequireTls | Self::Demanded => true,
            Self::None | Self::TlsOptional => false,
        }
    }
}

/// The account's own decisions that lift its guarantee, and nothing else, for one recipient of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lifts {
    /// It has recorded the decision to send this message to this recipient without the guarantee.
    pub override_recorded: bool,
    /// It has a standing exception for the recipient's address or domain.
    pub exception: bool,
    /// It lets mail that is encrypted end to end leave without TLS, and this one is.
    pub end_to_end: bool,
}

impl Lifts {
    fn any(self) -> bool {
        self.override_recorded || self.exception || self.end_to_end
    }
}

/// What the requirement of one recipient depends on, as it stands when the message is accepted.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// By which door the message came in.
    pub origin: Origin,
    /// The sending account's switch.
    pub switch: Switch,
    /// The level the account has chosen.
    pub level: Level,
    /// The server's clock at the end of DATA.
    pub now: Timestamp,
    /// What the message asks.
    pub wish: Wish,
    /// Its reverse-path is null: it is itself a report, perhaps of another server or program.
    pub is_report: bool,
    /// What the account has decided for this recipient.
    pub lifts: Lifts,
}

/// What must hold for one recipient: fixed at the 250, later switches touch nothing accepted.
pub fn requirement(asked: &Asked) -> Requirement {
    match (asked.origin, asked.wish) {
        // Own reports that have to get through despite what they report (RFC 8460 §5.3); and our word is our own.
        (Origin::Report | Origin::Submission, Wish::TlsOptional) => return Requirement::Regardless,
        // RFC 8689 §5: a report is not to be lost because its way lacks REQUIRETLS.
        (Origin::Report, _) => return Requirement::Opportunistic,
        (_, Wish::RequireTls) if asked.is_report => {}
        // RFC 8689 §4.1. No switch, exemption or exception lifts what the sender of this message asks for it.
        (_, Wish::RequireTls) => return Requirement::RequireTls,
        (_, Wish::Demanded) => return Requirement::Authenticated,
        // A foreign header lifts nothing: only that of a logged-in user's own mail.
        (Origin::Submission | Origin::MailStore | Origin::Incoming, Wish::None | Wish::TlsOptional) => {}
    }
    let under_guarantee = match asked.origin {
        Origin::Submission => asked.switch.holds_at(asked.now),
        // P15, P16: exempt. Incoming mail and reports are nobody's sending.
        Origin::MailStore | Origin::Incoming | Origin::Report => false,
    };
    match asked.level {
        _ if !under_guarantee || asked.lifts.any() => Requirement::Opportunistic,
        Level::Encrypted => Requirement::Encrypted,
        Level::Authenticated => Requirement::Authenticated,
    }
}
