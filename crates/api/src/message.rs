use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `POST /messages` as `application/json`: a message to be written by the server. The other form is `message/rfc822`, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Draft {
    /// The sender's address; the account's own when absent.
    pub from: Option<String>,
    /// Recipients, each `address` or `Name <address>`.
    pub to: Vec<String>,
    /// The same.
    pub cc: Vec<String>,
    /// The same; never part of the message.
    pub bcc: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML alternative, if any.
    pub html: Option<String>,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// The Message-ID this answers, without `<>`.
    pub in_reply_to: Option<String>,
    /// Message-IDs of the thread, oldest first, without `<>`.
    pub references: Vec<String>,
    /// The Message-ID to use, without `<>`; made by the server when absent.
    pub message_id: Option<String>,
}

/// A file of a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// The file's name.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// Its content in base64.
    pub content_base64: String,
}

/// The answer to `POST /messages`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Submitted {
    /// The queue id.
    pub id: String,
    /// The message's Message-ID without `<>`.
    pub message_id: String,
}

/// `GET /messages/{id}`: what became of a message of one's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageStatus {
    /// The queue id.
    pub id: String,
    /// The Message-ID without `<>`.
    pub message_id: Option<String>,
    /// When it was accepted.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(with = "crate::time")]
    pub accepted_at: Timestamp,
    /// One for each recipient, in the order given.
    pub recipients: Vec<MessageRecipient>,
}

/// What became of one recipient's copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageRecipient {
    /// The address.
    pub address: String,
    /// Where it stands.
    pub state: RecipientState,
    /// What protected the transport: set when delivered. `none`, `encrypted`, `authenticated`, `dane`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub protection: Option<guarantee::Protection>,
    /// The cause, or the receiving host's reply, as a sentence.
    pub reason: Option<String>,
    /// A short word for the cause: `no_starttls`, `handshake_failed`, …
    pub cause: Option<String>,
    /// Enhanced status code.
    pub status: Option<String>,
    /// The MX host's name.
    pub host: Option<String>,
    /// `TLSv1.2` or `TLSv1.3`, when delivered encrypted.
    pub tls: Option<String>,
    /// The cipher suite, likewise.
    pub cipher: Option<String>,
    /// The key exchange, such as `X25519MLKEM768`, likewise; `resumed` if an earlier connection's secret was used.
    pub key_exchange: Option<String>,
    /// SHA-256 of the host's certificate in hex, likewise.
    pub certificate_sha256: Option<String>,
    /// By what the host has proven who it is, when delivered `authenticated` or `dane`.
    pub authenticated_by: Option<AuthenticatedBy>,
    /// With what: the TLSA record that it matches, or the name that its certificate was trusted for. A record without
    /// `authenticated_by` is of a host whose own name is not proven.
    pub authentication: Option<String>,
    /// What had to hold for this copy: `regardless` (the message says `TLS-Required: No`), `opportunistic`,
    /// `encrypted`, `authenticated` or `requiretls`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub requirement: guarantee::Requirement,
    /// When it was last changed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(with = "crate::time")]
    pub changed_at: Timestamp,
    /// When it is tried next, while it waits.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    #[serde(default, with = "crate::time::option")]
    pub next_attempt_at: Option<Timestamp>,
}

/// By what a host has proven who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AuthenticatedBy {
    /// TLSA records in signed DNS (RFC 7672).
    Dane,
    /// A trusted certificate for a name that the domain's policy gives (RFC 8461).
    MtaSts,
    /// A trusted certificate for a proven name.
    Certificate,
}

/// Where one recipient's copy stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum RecipientState {
    /// Not tried yet.
    Queued,
    /// The next hop has taken it over.
    Delivered,
    /// Tried in vain; it will be tried again.
    Deferred,
    /// Not sent, because the guarantee forbids it.
    Stopped,
    /// Undeliverable for another reason.
    Bounced,
}

impl RecipientState {
    /// The word, as serialised.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Deferred => "deferred",
            Self::Stopped => "stopped",
            Self::Bounced => "bounced",
        }
    }
}
