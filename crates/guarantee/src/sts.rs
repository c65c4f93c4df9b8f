mod file;
mod record;

use serde::{Deserialize, Serialize};

use crate::Age;

pub use file::{MAX_POLICY, StsFile, StsFileError};
pub use record::sts_id;

/// What is known of a domain's MTA-STS (RFC 8461).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sts {
    /// No policy.
    None,
    /// Whether there is one can't be looked up, and none is cached: to be treated as none, but not as certainty.
    Unknown,
    /// One is announced and can't be had, and none is cached: to be treated as none (§3.3), and reported.
    Unavailable {
        /// In which way.
        problem: StsProblem,
        /// For the operator.
        detail: String,
    },
    /// This one is in force.
    Policy(StsPolicy),
    /// This one is, since a newer one can't be had (§3.3); to be reported (§6).
    Kept {
        /// The policy.
        policy: StsPolicy,
        /// In which way.
        problem: StsProblem,
        /// For the operator.
        detail: String,
    },
}

impl Sts {
    /// The policy in force, if there is one.
    pub fn policy(&self) -> Option<&StsPolicy> {
        match self {
            Self::Policy(policy) | Self::Kept { policy, .. } => Some(policy),
            Self::None | Self::Unknown | Self::Unavailable { .. } => None,
        }
    }

    /// Why no newer policy, or none at all, can be had.
    pub fn problem(&self) -> Option<(StsProblem, &str)> {
        match self {
            Self::Unavailable { problem, detail } | Self::Kept { problem, detail, .. } => {
                Some((*problem, detail))
            }
            Self::None | Self::Unknown | Self::Policy(_) => None,
        }
    }
}

/// Why a policy could not be had: the result types of RFC 8460 §4.3.2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StsProblem {
    /// The policy host did not give it.
    FetchError,
    /// What it gave is no policy.
    Invalid,
    /// Its certificate is not trusted.
    WebPki,
}

/// A policy in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StsPolicy {
    /// The policy domain.
    pub domain: String,
    /// The `id` of the TXT record it was fetched under.
    pub id: String,
    /// What it asks.
    pub mode: StsMode,
    /// Patterns of MX host names, in lower-case A-labels; empty only with [`StsMode::None`].
    pub mx: Vec<String>,
    /// Seconds that it may be kept after it was fetched.
    pub max_age: u32,
    /// Whether a newer one was looked for, for this attempt (§5).
    pub age: Age,
}

/// What a policy asks (RFC 8461 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StsMode {
    /// Only matching hosts that prove who they are.
    Enforce,
    /// Deliver anyway, and report.
    Testing,
    /// As if there were no policy.
    None,
}

impl StsMode {
    /// The word of the policy file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Testing => "testing",
            Self::None => "none",
        }
    }
}

impl StsPolicy {
    /// Whether the policy names this MX host: a wildcard stands for the whole left-most label (RFC 8461 §4.1).
    pub fn names(&self, host: &str) -> bool {
        self.mx.iter().any(|pattern| match pattern.strip_prefix("*.") {
            Some(parent) => {
                host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && eq(rest, parent))
            }
            None => eq(host, pattern),
        })
    }

    /// The lines of the policy file that count.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec!["version: STSv1".to_owned(), format!("mode: {}", self.mode.as_str())];
        lines.extend(self.mx.iter().map(|pattern| format!("mx: {pattern}")));
        lines.push(format!("max_age: {}", self.max_age));
        lines
    }
}

fn eq(one: &str, other: &str) -> bool {
    one.trim_end_matches('.').eq_ignore_ascii_case(other.trim_end_matches('.'))
}
