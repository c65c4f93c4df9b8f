//! Who a host has proven to be, by the certificates it presented: classifies and never decides.

mod names;
mod presented;
mod tlsa;

use std::{fmt, time::Duration};

use guarantee::{Chain, ChainFault, Identity, PlannedHost};
use jiff::Timestamp;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, VerifiedPath};

use presented::Presented;

/// Certificates of a chain that are looked at. Honest ones have up to five, and the work of finding a way through them
/// grows with the sixth power.
const LONGEST_CHAIN: usize = 9;

/// Compares certificates with what a plan asks.
#[doc(hidden)]
pub struct Identifier {
    roots: Vec<TrustAnchor<'static>>,
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
}

impl Identifier {
    /// With the well-known certification authorities and these.
    ///
    /// # Errors
    /// One of these can't be read.
    pub fn new(roots: &[CertificateDer<'_>]) -> Result<Self, String> {
        let mut all = webpki_roots::TLS_SERVER_ROOTS.to_vec();
        for root in roots {
            let anchor = webpki::anchor_from_trusted_cert(root).map_err(|error| {
                format!("a certificate among the trusted authorities can't be used: {error}")
            })?;
            all.push(anchor.to_owned());
        }
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms.all;
        Ok(Self { roots: all, algorithms })
    }

    /// What the certificates, the host's own first, come to for this host at `now`.
    pub fn identify(&self, planned: &PlannedHost, chain: &[CertificateDer<'_>], now: Timestamp) -> Identity {
        let chain = &chain[..chain.len().min(LONGEST_CHAIN)];
        let paths = Paths { algorithms: self.algorithms, chain, now: unix(now.as_second()) };
        let presented: Vec<Presented<'_>> = chain.iter().map(|one| Presented::new(one)).collect();
        Identity {
            chain: self.by_authorities(planned, &paths, &presented),
            tlsa: tlsa::compare(&planned.dane, &paths, &presented),
        }
    }

    /// RFC 8461 §4.2: valid, issued below a trusted root, and a DNS-ID of the SAN is the host's name; a CN never counts.
    fn by_authorities(&self, planned: &PlannedHost, paths: &Paths<'_>, presented: &[Presented<'_>]) -> Chain {
        match paths.verify(&self.roots, &|_| Ok(())) {
            Err(error) => untrusted(&error, presented),
            Ok(own) => {
                let named = |name: &&str| {
                    ServerName::try_from(*name)
                        .is_ok_and(|name| own.verify_is_valid_for_subject_name(&name).is_ok())
                };
                let names = planned.names().into_iter().filter(named).map(str::to_owned).collect();
                Chain::Trusted { names }
            }
        }
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({} authorities)", self.roots.len())
    }
}

/// Ways from the host's certificate to a trust anchor, through what it presented and nothing else.
struct Paths<'a> {
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
    chain: &'a [CertificateDer<'a>],
    now: UnixTime,
}

impl<'a> Paths<'a> {
    /// The host's own certificate, if it is one for servers and there is a way that RFC 5280 §6.1 finds valid now and
    /// that passes the filter. The library looks at a hundred signatures at most.
    fn verify(
        &self,
        anchors: &[TrustAnchor<'_>],
        filter: &dyn Fn(&VerifiedPath<'_>) -> Result<(), Error>,
    ) -> Result<EndEntityCert<'a>, Error> {
        let (own, issuers) = self.chain.split_first().ok_or(Error::BadDer)?;
        let certificate = EndEntityCert::try_from(own)?;
        let usage = KeyUsage::server_auth();
        certificate.verify_for_usage(
            self.algorithms,
            anchors,
            issuers,
            self.now,
            usage,
            None,
            Some(filter),
        )?;
        Ok(certificate)
    }
}

fn untrusted(error: &Error, presented: &[Presented<'_>]) -> Chain {
    let fault = match error {
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } => ChainFault::Expired,
        _ => ChainFault::NotTrusted,
    };
    let detail = match (error, presented) {
        (_, []) => "none was presented".to_owned(),
        (_, [own, ..]) if fault == ChainFault::NotTrusted && own.is_self_issued() => "self-signed".to_owned(),
        (Error::UnknownIssuer, [.., last]) => match last.issuer() {
            Some(issuer) => format!("unknown issuer {issuer}"),
            None => describe(error),
        },
        _ => describe(error),
    };
    Chain::Untrusted { fault, detail }
}

/// What is wrong, for mail administrators.
fn describe(error: &Error) -> String {
    match error {
        Error::CertExpired { not_after, .. } => format!("valid until {}", day(*not_after)),
        Error::CertNotValidYet { not_before, .. } => format!("valid from {}", day(*not_before)),
        Error::UnknownIssuer => "unknown issuer".to_owned(),
        Error::InvalidSignatureForPublicKey => "a wrong signature".to_owned(),
        Error::UnsupportedCertVersion => "not of X.509 version 3".to_owned(),
        Error::CaUsedAsEndEntity => "a certification authority's own certificate".to_owned(),
        Error::EndEntityUsedAsCa => "an issuer that is no certification authority".to_owned(),
        Error::PathLenConstraintViolated => "more issuers in between than one of them allows".to_owned(),
        Error::NameConstraintViolation => "a name that an issuer may not issue for".to_owned(),
        Error::RequiredEkuNotFoundContext(_) => "not for TLS servers".to_owned(),
        other => tame(&format!("{other:?}")),
    }
}

fn day(time: UnixTime) -> String {
    let time = i64::try_from(time.as_secs()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(|| "an impossible time".to_owned(), |time| time.strftime("%Y-%m-%d").to_string())
}

/// Seconds since 1970; none before, when there was no TLS.
fn unix(seconds: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
}

/// Remote text without control characters, and bounded.
fn tame(text: &str) -> String {
    const LONGEST: usize = 100;
    let plain = |one: char| if one.is_control() { ' ' } else { one };
    let mut tame: String = text.chars().take(LONGEST).map(plain).collect();
    if text.chars().nth(LONGEST).is_some() {
        tame.push('…');
    }
    tame
}
