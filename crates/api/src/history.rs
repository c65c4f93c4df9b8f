use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A line of `GET /overrides`: a decision to send one message without the guarantee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PastOverride {
    /// The message's Message-ID without `<>`.
    pub message_id: String,
    /// To whom.
    pub recipients: Vec<String>,
    /// When it was recorded.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(with = "crate::time")]
    pub recorded_at: Timestamp,
    /// The queue id of the message that used it; none if none has.
    pub used_by: Option<String>,
}

/// A line of `GET /memory`: what this user's own mail has met at one MX host of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostMemory {
    /// The receiving domain.
    pub domain: String,
    /// The MX host's name.
    pub host: String,
    /// The best protection met.
    pub best: crate::ProtectionWord,
    /// When there was TLS for the first time.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(with = "crate::time")]
    pub first_tls: Timestamp,
    /// And for the last.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(with = "crate::time")]
    pub last_tls: Timestamp,
    /// When a mail of this user was last stopped there as a possible downgrade.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::time::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub downgraded_at: Option<Timestamp>,
}

/// A line of `GET /weeks`: what became of one week's mail, counted by recipients; the last twelve weeks, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Week {
    /// Its Monday, in UTC.
    #[cfg_attr(feature = "openapi", schema(format = Date, example = "2026-11-23"))]
    pub monday: String,
    /// Delivered encrypted, or better.
    pub protected: u32,
    /// Delivered unencrypted.
    pub unprotected: u32,
    /// Stopped.
    pub stopped: u32,
}
