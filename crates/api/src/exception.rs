use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `POST /exceptions`: whom the guarantee is not to hold for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewException {
    /// An address, or a domain: then all its addresses, and none of its subdomains'.
    #[cfg_attr(feature = "openapi", schema(example = "plain.example"))]
    pub pattern: String,
    /// The user's own note why; at most 200 characters.
    #[serde(default)]
    pub note: String,
}

/// A line of `GET /exceptions`: to whom this user's mail leaves even unencrypted, until revoked. DANE and MTA-STS still bind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Exception {
    /// For `DELETE /exceptions/{id}`.
    pub id: i64,
    /// An address, or a domain.
    pub pattern: String,
    /// The user's own note why.
    pub note: String,
    /// Since when.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(with = "crate::time")]
    pub created_at: Timestamp,
}

/// `GET` and `PUT /preferences`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Preferences {
    /// Whether mail that is encrypted end to end (PGP/MIME, S/MIME) may leave without TLS; off at first.
    pub end_to_end_without_tls: bool,
}

/// `POST /demands`: this one message only to servers that prove who they are; where a server offers REQUIRETLS, it is
/// asked to demand the same of the way that follows (RFC 8689). It can't be taken back: it holds for every submission of
/// this message, in parts or again, until it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DemandRequest {
    /// The Message-ID of the message about to be sent, with or without `<>`.
    pub message_id: String,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DemandRecorded {
    /// As asked, without `<>`.
    pub message_id: String,
    /// Until when it holds, for every submission of this message.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(with = "crate::time")]
    pub expires_at: Timestamp,
}
