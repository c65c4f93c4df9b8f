use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ProtectionWord;

/// `POST /forwardings`: watch over the way to a permanent forwarding's target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewForwarding {
    /// The target.
    pub address: String,
}

/// A line of `GET /forwardings`: a target that is watched. The user gets a mail each time its way loses protection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Forwarding {
    /// For `DELETE /forwardings/{id}`.
    pub id: i64,
    /// The target.
    pub address: String,
    /// What protects the way there, when last looked at.
    pub protection: ProtectionWord,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::time::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub checked_at: Option<Timestamp>,
    /// Since when it is watched.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(with = "crate::time")]
    pub created_at: Timestamp,
}
