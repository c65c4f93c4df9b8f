//! Who a host has proven to be, by the certificates it presented: classifies and never decides.

use guarantee::{Chain, ChainFault, Identity, PlannedHost, TlsaMatch};
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;

/// Compares certificates with what a plan asks.
#[derive(Debug)]
pub(crate) struct Identifier {}

impl Identifier {
    /// What the certificates come to for this host at `now`.
    pub(crate) fn identify(
        &self,
        _planned: &PlannedHost,
        _chain: &[CertificateDer<'_>],
        _now: Timestamp,
    ) -> Identity {
        Identity {
            chain: Chain::Untrusted { fault: ChainFault::NotTrusted, detail: "not compared".to_owned() },
            tlsa: TlsaMatch::NotAsked,
        }
    }
}
