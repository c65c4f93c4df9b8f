//! Why a recipient was stopped, as the page has words for it, and what helps.

use api::StoppedRecipient;

/// The short word of `StoppedRecipient::cause`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CauseWord {
    /// No STARTTLS.
    NoStarttls,
    /// STARTTLS refused.
    StarttlsRefused,
    /// Outdated protocol, alert, no common cipher.
    HandshakeFailed,
    /// This user's mail has left encrypted there before.
    Downgrade,
    /// The host has proven there before who it is.
    IdentityLost,
    /// Not the host of the domain's TLSA records.
    DaneMismatch,
    /// Not a host of the domain's MTA-STS policy.
    StsMismatch,
    /// The user's level demands a host that proves who it is.
    NotAuthenticated,
    /// The mail asks for REQUIRETLS, and the host does not promise it.
    RequireTlsNotOffered,
    /// The mail asks for REQUIRETLS, and no such connection came about.
    RequireTlsFailed,
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
            "downgrade" => Self::Downgrade,
            "dane_mismatch" => Self::DaneMismatch,
            "sts_mismatch" => Self::StsMismatch,
            "not_authenticated" => Self::NotAuthenticated,
            "require_tls_not_offered" => Self::RequireTlsNotOffered,
            "require_tls_failed" => Self::RequireTlsFailed,
            _ => Self::Unknown,
        }
    }

    /// Of a recipient in the record: only the whole sentence says what a downgrade has lost.
    pub fn of_stopped(recipient: &StoppedRecipient) -> Self {
        match Self::of(&recipient.cause) {
            Self::Downgrade if recipient.reason.contains("it last proved its identity") => Self::IdentityLost,
            word => word,
        }
    }

    /// Whether sending without the guarantee helps. What the domain itself publishes binds every mail (RFC 7672 §2.2,
    /// RFC 8461 §5): without the guarantee it would only wait.
    pub fn is_liftable(self) -> bool {
        !matches!(self, Self::DaneMismatch | Self::StsMismatch)
    }

    /// Whether it may be an attack because it was better before.
    pub fn is_worse_than_before(self) -> bool {
        matches!(self, Self::Downgrade | Self::IdentityLost)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("no_starttls", "", CauseWord::NoStarttls, true, false)]
    #[case("starttls_refused", "", CauseWord::StarttlsRefused, true, false)]
    #[case("handshake_failed", "", CauseWord::HandshakeFailed, true, false)]
    #[case(
        "downgrade",
        "…; possible downgrade, TLS was last seen 2026-11-20",
        CauseWord::Downgrade,
        true,
        true
    )]
    #[case(
        "downgrade",
        "…; possible downgrade, it last proved its identity 2026-11-20",
        CauseWord::IdentityLost,
        true,
        true
    )]
    #[case("dane_mismatch", "", CauseWord::DaneMismatch, false, false)]
    #[case("sts_mismatch", "", CauseWord::StsMismatch, false, false)]
    #[case("not_authenticated", "", CauseWord::NotAuthenticated, true, false)]
    #[case("require_tls_not_offered", "", CauseWord::RequireTlsNotOffered, true, false)]
    #[case("require_tls_failed", "", CauseWord::RequireTlsFailed, true, false)]
    #[case("of_a_newer_server", "", CauseWord::Unknown, true, false)]
    fn words(
        #[case] word: &str,
        #[case] reason: &str,
        #[case] expected: CauseWord,
        #[case] liftable: bool,
        #[case] worse: bool,
    ) {
        let recipient = StoppedRecipient {
            address: String::new(),
            host: String::new(),
            host_address: String::new(),
            reason: reason.to_owned(),
            cause: word.to_owned(),
            tls_last_seen: None,
            status: String::new(),
            stopped_at: jiff::Timestamp::UNIX_EPOCH,
            replaced_by: None,
        };
        let found = CauseWord::of_stopped(&recipient);
        assert_eq!((found, found.is_liftable(), found.is_worse_than_before()), (expected, liftable, worse));
    }

    /// The sentence that tells the two downgrades apart is the guarantee crate's own.
    #[test]
    fn the_sentence_of_a_lost_identity() {
        let host = guarantee::HostAddress { name: "mx.x.example".to_owned(), address: [127, 0, 0, 1].into() };
        let now = guarantee::Cause::NotAuthenticated { host, detail: "self-signed".to_owned() };
        let lost = guarantee::Cause::Downgrade { now: Box::new(now), seen: jiff::Timestamp::UNIX_EPOCH };
        assert!(lost.text().contains("it last proved its identity"));
    }
}
