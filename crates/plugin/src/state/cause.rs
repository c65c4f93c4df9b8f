//! Why the guarantee stopped a recipient, as the page has words for it.

/// The short word of `StoppedRecipient::cause`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CauseWord {
    /// No STARTTLS.
    NoStarttls,
    /// STARTTLS refused.
    StarttlsRefused,
    /// Outdated protocol, alert, no common cipher.
    HandshakeFailed,
    /// A word this page does not know: the server may be newer.
    Unknown,
}

impl CauseWord {
    /// Reads the API's word.
    pub fn of(word: &str) -> Self {
        match word {
            "no_starttls" => Self::NoStarttls,
            "starttls_refused" => Self::StarttlsRefused,
            "handshake_failed" => Self::HandshakeFailed,
            _ => Self::Unknown,
        }
    }
}
