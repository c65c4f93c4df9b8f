use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One line of `GET /stops`: a message that the guarantee stopped for some of its recipients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Stop {
    /// The record's id.
    pub id: String,
    /// The message's queue id.
    pub queue_id: String,
    /// The message's Message-ID without `<>`.
    pub message_id: Option<String>,
    /// Its subject, decoded.
    pub subject: String,
    /// Those it was not sent to.
    pub recipients: Vec<StoppedRecipient>,
    /// How many other recipients got it.
    pub delivered_others: u32,
    /// How many other recipients it still waits for.
    pub waiting_others: u32,
    /// The queue id of the message that was sent in its stead.
    pub replaced_by: Option<String>,
    /// Whether the user had demanded servers that prove who they are, for this one message: then it is that demand which
    /// stopped it, whatever the switch.
    #[serde(default)]
    pub demanded: bool,
}

/// One recipient that a message was not sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoppedRecipient {
    /// The address.
    pub address: String,
    /// The MX host's name.
    pub host: String,
    /// The MX host's address.
    pub host_address: String,
    /// The cause as the bounce has it.
    pub reason: String,
    /// A short word for it: `no_starttls`, `starttls_refused`, `handshake_failed`, `dane_mismatch`, `sts_mismatch`,
    /// `not_authenticated`, `require_tls_not_offered`, `require_tls_failed`, or `downgrade` if this user's mail has met
    /// better there before.
    pub cause: String,
    /// Of a `downgrade`: when this user's mail last met there what is missing now, TLS or a proof of identity.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::time::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub tls_last_seen: Option<Timestamp>,
    /// Enhanced status code.
    pub status: String,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(with = "crate::time")]
    pub stopped_at: Timestamp,
    /// The queue id of the message that was sent to this recipient in its stead, whatever became of that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<String>,
}

/// `POST /stops/{id}/replacements`: which message is sent in the stead of the stopped one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// The Message-ID of the message about to be sent, or just sent, with or without `<>`.
    pub message_id: String,
}

/// `POST /overrides`: this user's decision to send that message to those recipients without the guarantee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OverrideRequest {
    /// The Message-ID of the message about to be sent, with or without `<>`.
    pub message_id: String,
    /// Those of its recipients the guarantee is lifted for.
    pub recipients: Vec<String>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OverrideRecorded {
    /// As asked, without `<>`.
    pub message_id: String,
    /// As asked.
    pub recipients: Vec<String>,
    /// Until when a submission may use it.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(with = "crate::time")]
    pub expires_at: Timestamp,
}
