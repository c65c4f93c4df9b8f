//! Who a host has proven to be, by the certificates it presented: classifies and never decides.

mod names;
mod tlsa;

use std::fmt;

use guarantee::{Chain, ChainFault, Dane, Identity, PlannedHost, TlsaMatch};
use jiff::Timestamp;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage};

/// Certificates of a chain that are looked at; honest ones have up to four.
const MAX_CHAIN: usize = 10;

/// Octets of one certificate that are looked at.
const MAX_CERTIFICATE: usize = 64 << 10;

/// Compares certificates with what a plan asks.
pub(crate) struct Identifier {
    roots: Vec<TrustAnchor<'static>>,
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({} authorities)", self.roots.len())
    }
}

impl Identifier {
    /// With the well-known authorities and these; the error names what is no certificate of an authority.
    pub(crate) fn new(roots: &[CertificateDer<'static>]) -> Result<Self, String> {
        let mut all = webpki_roots::TLS_SERVER_ROOTS.to_vec();
        for root in roots {
            let anchor = webpki::anchor_from_trusted_cert(root).map_err(|error| {
                format!("a certificate among the trusted authorities can't be used: {error}")
            })?;
            all.push(anchor.to_owned());
        }
        Ok(Self {
            roots: all,
            algorithms: aws_lc_rs::default_provider().signature_verification_algorithms.all,
        })
    }

    /// What the certificates, the host's own first, come to for this host at `now`.
    pub(crate) fn identify(
        &self,
        planned: &PlannedHost,
        chain: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Identity {
        let chain = &chain[..chain.len().min(MAX_CHAIN)];
        if chain.is_empty() || chain.iter().any(|one| one.len() > MAX_CERTIFICATE) {
            let detail = "the host presented no certificate of usual size".to_owned();
            let chain = Chain::Untrusted { fault: ChainFault::NotTrusted, detail: detail.clone() };
            let tlsa = match planned.dane {
                Dane::Authenticate { .. } => TlsaMatch::Mismatch { detail },
                Dane::None | Dane::Encrypt => TlsaMatch::NotAsked,
            };
            return Identity { chain, tlsa };
        }
        let tlsa = match &planned.dane {
            Dane::None | Dane::Encrypt => TlsaMatch::NotAsked,
            Dane::Authenticate { names, records, .. } => self.compare(records, names, chain, now),
        };
        Identity { chain: self.chain(planned, chain, now), tlsa }
    }

    /// RFC 8461 §4.2: chains to a trusted root, has not expired, and names the host in a DNS-ID.
    fn chain(&self, planned: &PlannedHost, chain: &[CertificateDer<'_>], now: Timestamp) -> Chain {
        match self.verify(&self.roots, chain, now) {
            Ok(()) => {
                let names = planned.names().into_iter().filter(|name| names_host(&chain[0], name));
                Chain::Trusted { names: names.map(str::to_owned).collect() }
            }
            Err(error) => Chain::Untrusted { fault: fault(&error), detail: words(&error) },
        }
    }

    /// Whether the chain leads to one of these anchors, through presented certificates only.
    fn verify(
        &self,
        anchors: &[TrustAnchor<'_>],
        chain: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<(), Error> {
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            u64::try_from(now.as_second()).unwrap_or_default(),
        ));
        let usage = KeyUsage::server_auth();
        let end_entity = EndEntityCert::try_from(&chain[0])?;
        end_entity.verify_for_usage(self.algorithms, anchors, &chain[1..], now, usage, None, None).map(|_| ())
    }
}

/// Whether a certificate names a host in a DNS-ID (RFC 6125); a wildcard stands for the whole left-most label.
fn names_host(certificate: &CertificateDer<'_>, host: &str) -> bool {
    let Ok(name) = ServerName::try_from(host) else { return false };
    EndEntityCert::try_from(certificate).is_ok_and(|one| one.verify_is_valid_for_subject_name(&name).is_ok())
}

fn fault(error: &Error) -> ChainFault {
    match error {
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } => ChainFault::Expired,
        _ => ChainFault::NotTrusted,
    }
}

/// For mail administrators.
fn words(error: &Error) -> String {
    match error {
        Error::CertExpired { not_after, .. } => format!("expired at {}", day(not_after.as_secs())),
        Error::CertNotValidYet { not_before, .. } => {
            format!("not valid before {}", day(not_before.as_secs()))
        }
        Error::UnknownIssuer => "issued by nobody who is trusted".to_owned(),
        Error::CaUsedAsEndEntity => "a self-signed certificate of an authority".to_owned(),
        Error::UnsupportedCertVersion => "not X.509 version 3".to_owned(),
        other => other.to_string(),
    }
}

fn day(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(|| "an impossible time".to_owned(), |time| time.strftime("%Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests;
