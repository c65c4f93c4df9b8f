use std::fmt;

use serde::{Deserialize, Serialize};

/// What a transport was, or would be, protected by; ordered, so that "worse than before" is `<`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protection {
    /// In clear: whoever listens can read it.
    None,
    /// TLS 1.2 or newer; the host has not proven who it is.
    Encrypted,
    /// MTA-STS `enforce`, or a trusted certificate for a proven name.
    Authenticated,
    /// RFC 7672.
    Dane,
}

impl Protection {
    /// The contract's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Encrypted => "encrypted",
            Self::Authenticated => "authenticated",
            Self::Dane => "dane",
        }
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
