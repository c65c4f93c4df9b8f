use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Switch;

/// What must hold for one recipient's copy; DANE and MTA-STS bind on top of either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Requirement {
    /// TLS if it can be had, in clear if not (RFC 7435).
    Opportunistic,
    /// TLS 1.2 or newer, or not at all: the guarantee.
    Encrypted,
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

/// What the requirement of one recipient depends on, as it stands when the message is accepted.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// By which door the message came in.
    pub origin: Origin,
    /// The sending account's switch.
    pub switch: Switch,
    /// The server's clock at the end of DATA.
    pub now: Timestamp,
    /// The message carries a valid `TLS-Required: No` (RFC 8689 §3).
    pub tls_required_no: bool,
    /// The account has recorded the decision to send this message to this recipient without the guarantee.
    pub override_recorded: bool,
}

/// What must hold for one recipient: fixed at the 250, later switches touch nothing accepted.
pub fn requirement(asked: &Asked) -> Requirement {
    let under_guarantee = match asked.origin {
        Origin::Submission => asked.switch.holds_at(asked.now),
        // P15, P16: exempt. Incoming mail and reports are nobody's sending.
        Origin::MailStore | Origin::Incoming | Origin::Report => false,
    };
    if under_guarantee && !asked.tls_required_no && !asked.override_recorded {
        Requirement::Encrypted
    } else {
        Requirement::Opportunistic
    }
}
