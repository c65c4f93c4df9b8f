use serde::{Deserialize, Serialize};

/// The media type of an error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The type of a problem: the webmail's token was made in the future, so its clock or the server's is wrong.
pub const PROBLEM_CLOCK: &str = "urn:tls-guarantee:problem:clock";

/// The type of a problem: the webmail's token has ended; a fresh one helps, unless the webmail's clock is behind.
pub const PROBLEM_TOKEN_EXPIRED: &str = "urn:tls-guarantee:problem:token-expired";

/// An error as RFC 9457 has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `about:blank#word`: a stable word for programs; with a webmail's token also [`PROBLEM_CLOCK`] and
    /// [`PROBLEM_TOKEN_EXPIRED`].
    #[serde(rename = "type", default)]
    pub kind: String,
    /// What went wrong, in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request, and the remedy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The field of the request that is wrong, as a JSON pointer or parameter name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}
