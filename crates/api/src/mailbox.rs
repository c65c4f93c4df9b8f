use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One line of `GET /mailboxes/{name}/messages`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListedMessage {
    /// The message's number in the mailbox store.
    pub id: i64,
    /// Its Message-ID without `<>`.
    pub message_id: Option<String>,
    /// `From` as a person reads it.
    pub from: String,
    /// `To` (or `Cc`) as a person reads it.
    pub to: String,
    /// The subject, decoded.
    pub subject: String,
    /// The `Date` field, or else the time of receipt.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(with = "crate::time")]
    pub date: Timestamp,
    /// When it came into the mailbox: the order of the list.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(with = "crate::time")]
    pub received_at: Timestamp,
    /// Octets.
    pub size: u64,
    /// Whether it has been read.
    pub seen: bool,
}

/// `PATCH /mailboxes/{name}/messages/{id}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Flags {
    /// Whether it has been read.
    pub seen: bool,
}
