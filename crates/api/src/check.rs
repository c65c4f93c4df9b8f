use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::AuthenticatedBy;

/// `POST /checks`: ask how mail to these recipients would travel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckRequest {
    /// Addresses.
    pub recipients: Vec<String>,
}

/// The answer, in the order asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckResponse {
    /// One for each recipient.
    pub results: Vec<Check>,
}

/// What would protect mail to one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Check {
    /// The recipient as asked.
    pub recipient: String,
    /// What was found.
    pub protection: ProtectionWord,
    /// What sending would come to with the guarantee on.
    pub outcome: Outcome,
    /// Whether the receiving domain has promised it (DANE, MTA-STS), rather than it having been observed.
    pub promised: bool,
    /// Why, as a sentence.
    pub reason: String,
    /// How the host has proven who it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticated_by: Option<AuthenticatedBy>,
    /// Why it would not be delivered: the word that a stop, or a message's recipient, has as its `cause`. With the outcome
    /// `stop` and a known protection it is the guarantee that stops it; else the mail would come back anyway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The MX host that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// When it was looked at, for this account: an answer may be some minutes old.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::time::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub observed_at: Option<Timestamp>,
    /// Whether the account has an exception for this recipient: then the outcome is that without the guarantee.
    #[serde(default)]
    pub exception: bool,
    /// What would protect it without the guarantee; absent where that is the same, or not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unguarded: Option<ProtectionWord>,
}

impl Check {
    /// A check of which no more is known than this.
    pub fn new(
        recipient: impl Into<String>,
        protection: ProtectionWord,
        outcome: Outcome,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            recipient: recipient.into(),
            protection,
            outcome,
            promised: false,
            reason: reason.into(),
            authenticated_by: None,
            cause: None,
            host: None,
            observed_at: None,
            exception: false,
            unguarded: None,
        }
    }
}

/// Protection as `/checks` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ProtectionWord {
    /// In clear.
    None,
    /// TLS 1.2 or newer.
    Encrypted,
    /// And the host has proven who it is.
    Authenticated,
    /// RFC 7672.
    Dane,
    /// Not known yet.
    Unknown,
    /// Not an address.
    Invalid,
}

impl From<guarantee::Protection> for ProtectionWord {
    fn from(protection: guarantee::Protection) -> Self {
        match protection {
            guarantee::Protection::None => Self::None,
            guarantee::Protection::Encrypted => Self::Encrypted,
            guarantee::Protection::Authenticated => Self::Authenticated,
            guarantee::Protection::Dane => Self::Dane,
        }
    }
}

/// What sending would come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It would be delivered.
    Deliver,
    /// The guarantee would stop it.
    Stop,
    /// It would wait and be tried again.
    Defer,
    /// Not known yet.
    Unknown,
}
