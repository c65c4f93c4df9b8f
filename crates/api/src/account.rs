use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `POST /session`: log in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The account's address.
    #[cfg_attr(feature = "openapi", schema(example = "alice@home.example"))]
    pub address: String,
    /// Its password.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The answer to a log-in. The same token is set as an HttpOnly cookie for pages of the server itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// For `Authorization: Bearer`.
    pub token: String,
    /// When it ends.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(with = "crate::time")]
    pub expires_at: Timestamp,
}

/// `GET /session`: whose session this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionAccount {
    /// The account's address.
    pub address: String,
    /// This server's name as its reports have it in Reporting-MTA.
    pub server_name: String,
    /// When the session ends.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(with = "crate::time")]
    pub expires_at: Timestamp,
}

/// The switch's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum GuaranteeState {
    /// Mail leaves encrypted or not at all.
    On,
    /// Encrypted where possible.
    Off,
    /// Off until `until`, then on again by itself.
    Paused,
}

/// `GET` and `PUT /guarantee`: the account's switch, and how much it demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Guarantee {
    /// The switch's position.
    pub state: GuaranteeState,
    /// The end of a pause: required for `paused` and at most 24 hours ahead, absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::time::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub until: Option<Timestamp>,
    /// What the guarantee demands: `encrypted`, TLS 1.2 or newer; `authenticated`, only hosts that prove who they are
    /// besides. Always set in an answer; absent in `PUT`, it stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "encrypted"))]
    pub level: Option<guarantee::Level>,
    /// Whether it has ever been on: only then is anybody reminded to switch it on again. Ignored in `PUT`.
    #[serde(default)]
    pub was_on: bool,
}
