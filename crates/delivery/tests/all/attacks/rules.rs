//! What may go where, whatever an attacker does: said here once more, and not taken from the crate that decides it.

use guarantee::Requirement;
use small_internet::Impostor;

/// What the receiving domain publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Published {
    Nothing,
    /// `3 1 1` of the host's key.
    DaneKey,
    /// `2 0 0` of the CA.
    DaneAnchor,
    /// `3 1 1` of another key: the host itself is excluded.
    DaneOtherKey,
    /// Records that nobody can use.
    DaneUnusable,
    /// The look-up fails.
    DaneFailed,
    /// MTA-STS `enforce` that names the host.
    StsEnforce,
    /// MTA-STS `enforce` that names another: the host itself is excluded.
    StsOtherHost,
    StsTesting,
}

impl Published {
    /// Whether such a mail may leave in clear.
    pub(super) fn lets_clear(self, requirement: Requirement) -> bool {
        match requirement {
            Requirement::Regardless => true,
            Requirement::Opportunistic => matches!(self, Self::Nothing | Self::StsTesting),
            Requirement::Encrypted | Requirement::Authenticated | Requirement::RequireTls => false,
        }
    }

    /// Whether such a mail may go to the true host, in TLS.
    pub(super) fn lets_host(self, requirement: Requirement) -> bool {
        requirement == Requirement::Regardless
            || !matches!(self, Self::DaneOtherKey | Self::DaneFailed | Self::StsOtherHost)
    }

    /// Whether such a mail may go to a host with such a certificate, in TLS.
    pub(super) fn lets_impostor(self, requirement: Requirement, impostor: Impostor) -> bool {
        // Whoever deceives a trusted CA is the host, as far as anybody can tell; but not for DANE-EE.
        let deceived = impostor == Impostor::AnotherKey;
        match (requirement, self) {
            // Without the key there is no TLS.
            _ if impostor == Impostor::StolenCertificate => false,
            (Requirement::Regardless, _) => true,
            (_, Self::DaneKey | Self::DaneOtherKey | Self::DaneFailed | Self::StsOtherHost) => false,
            (_, Self::DaneAnchor | Self::StsEnforce) => deceived,
            (
                Requirement::Authenticated | Requirement::RequireTls,
                Self::Nothing | Self::DaneUnusable | Self::StsTesting,
            ) => deceived,
            (_, Self::Nothing | Self::DaneUnusable | Self::StsTesting) => true,
        }
    }
}
