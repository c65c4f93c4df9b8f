//! The envelope of one message (RFC 5321 §2.3.1) with its DSN wishes (RFC 3461).

use serde::{Deserialize, Serialize};

/// Where reports go: an address, or null for mail that must never be answered (RFC 5321 §4.5.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReversePath {
    /// `<>`: reports and automatic replies.
    Null,
    /// `local@domain` without angle brackets, domain in lower case.
    Address(String),
}

impl ReversePath {
    /// The address without angle brackets; empty for the null path.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Null => "",
            Self::Address(address) => address,
        }
    }
}

/// How much of the original a failure report returns (RFC 3461 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ret {
    /// The whole message.
    Full,
    /// The headers only.
    Hdrs,
}

/// The body type that MAIL declared (RFC 6152).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyType {
    /// `BODY=7BIT`, or nothing said.
    #[default]
    SevenBit,
    /// `BODY=8BITMIME`.
    EightBitMime,
}

/// When a recipient's sender wants a report (RFC 3461 §4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Notify {
    /// Nothing was said: failures and delays at our discretion (RFC 3461 §5.2.1).
    #[default]
    Unspecified,
    /// `NOTIFY=NEVER`.
    Never,
    /// `NOTIFY=` with a list of events.
    On(NotifyOn),
}

/// The events listed by `NOTIFY=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyOn {
    /// `SUCCESS`.
    pub success: bool,
    /// `FAILURE`.
    pub failure: bool,
    /// `DELAY`.
    pub delay: bool,
}

impl Notify {
    /// Whether a failure is to be reported (RFC 3461 §5.2.6: also when nothing was said).
    pub fn failure(self) -> bool {
        match self {
            Self::Unspecified => true,
            Self::Never => false,
            Self::On(on) => on.failure,
        }
    }

    /// Whether a delay is to be reported.
    pub fn delay(self) -> bool {
        match self {
            Self::Unspecified => true,
            Self::Never => false,
            Self::On(on) => on.delay,
        }
    }
}

/// What MAIL FROM said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailFrom {
    /// Where reports go.
    pub reverse_path: ReversePath,
    /// `BODY=`.
    pub body: BodyType,
    /// `SMTPUTF8` (RFC 6531): addresses or headers may be UTF-8.
    pub smtputf8: bool,
    /// `RET=`.
    pub ret: Option<Ret>,
    /// `ENVID=`, still xtext (RFC 3461 §4.4).
    pub envid: Option<String>,
    /// `REQUIRETLS` (RFC 8689 §2): TLS with a proven host all the way, or a bounce.
    pub requiretls: bool,
}

/// What one RCPT TO said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RcptTo {
    /// `local@domain` without angle brackets, domain in lower case.
    pub address: String,
    /// `NOTIFY=`.
    pub notify: Notify,
    /// `ORCPT=` as given: `addr-type;xtext` (RFC 3461 §4.2).
    pub orcpt: Option<String>,
}

/// One transaction's envelope: at least one recipient, in the order of the RCPTs, repetitions included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// What MAIL said.
    pub mail: MailFrom,
    /// What each accepted RCPT said.
    pub recipients: Vec<RcptTo>,
}
