//! Comparison with TLSA records (RFC 7672 §3).

use guarantee::{Dane, Matching, Selector, TlsaMatch, UsableTlsa, Usage};
use rustls_pki_types::{CertificateDer, Der, TrustAnchor};
use webpki::{VerifiedPath, anchor_from_trusted_cert};
use x509_parser::{asn1_rs::Any, certificate::X509Certificate, prelude::FromDer, x509::X509Version};

use super::{Paths, Presented, describe, names, tame, unix};

/// Records of a whole trust anchor, or a whole key of one, that are tried: each costs signatures.
const MOST_WHOLE: usize = 8;

/// A record in evidence is at most so long; only that of a whole certificate or key is longer.
const LONGEST_RECORD: usize = 140;

/// Whether one of the demanded records matches, and all else that it asks holds.
pub(super) fn compare(dane: &Dane, paths: &Paths<'_>, presented: &[Presented<'_>]) -> TlsaMatch {
    let Dane::Authenticate { names: references, records, .. } = dane else { return TlsaMatch::NotAsked };
    let Some(own) = presented.first() else { return mismatch("no certificate was presented".to_owned()) };
    // RFC 7672 §3.1.1: neither names nor dates nor issuers count.
    let mut end_entity = records.iter().filter(|record| record.usage == Usage::EndEntity);
    if let Some(record) = end_entity.find(|record| own.matches(record)) {
        return matched(record);
    }
    match by_trust_anchor(records, references, paths, presented) {
        Ok(record) => matched(record),
        Err(detail) => mismatch(detail),
    }
}

fn by_trust_anchor<'r>(
    records: &'r [UsableTlsa],
    references: &[String],
    paths: &Paths<'_>,
    presented: &[Presented<'_>],
) -> Result<&'r UsableTlsa, String> {
    let candidates = candidates(records, presented);
    let anchors: Vec<TrustAnchor<'_>> = candidates.iter().map(|candidate| candidate.anchor.clone()).collect();
    let (Some(own), false) = (presented.first(), anchors.is_empty()) else {
        return Err(nobody(records, presented));
    };
    let fitting = |path: &VerifiedPath<'_>| {
        let mut outcome = Err(webpki::Error::UnknownIssuer);
        for candidate in candidates.iter().filter(|candidate| candidate.anchor == *path.anchor()) {
            outcome = candidate.allows(path, paths).map(|()| candidate.record);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    };
    let found = std::cell::Cell::new(None);
    let filter = |path: &VerifiedPath<'_>| fitting(path).map(|record| found.set(Some(record)));
    paths.verify(&anchors, &filter).map_err(|error| match error {
        webpki::Error::CertExpired { .. } => {
            format!("the chain below the trust anchor has expired ({})", describe(&error))
        }
        webpki::Error::CertNotValidYet { .. } => {
            format!("the chain below the trust anchor is not valid yet ({})", describe(&error))
        }
        _ => format!("no valid chain leads to the trust anchor ({})", describe(&error)),
    })?;
    // RFC 7672 §3.2.2.
    let identifiers = own.parsed.as_ref().map(names::identifiers).unwrap_or_default();
    if !identifiers.iter().any(|one| references.iter().any(|reference| names::names(one, reference))) {
        return Err(other_names(&identifiers, references));
    }
    found.get().ok_or_else(|| nobody(records, presented))
}

/// What a record declares as trust anchor.
struct Candidate<'a, 'r> {
    record: &'r UsableTlsa,
    anchor: TrustAnchor<'a>,
    /// `None` for a bare key.
    certificate: Option<X509Certificate<'a>>,
}

/// RFC 7671 §5.2.2: the anchor is among the certificates presented, unless the record is it. The host's own certificate
/// is not one: that is what DANE-EE(3) is for.
fn candidates<'a, 'r: 'a>(
    records: &'r [UsableTlsa],
    presented: &'a [Presented<'a>],
) -> Vec<Candidate<'a, 'r>> {
    let Some((own, others)) = presented.split_first() else { return Vec::new() };
    let of_anchors = || records.iter().filter(|record| record.usage == Usage::TrustAnchor);
    let mut candidates = Vec::new();
    for issuer in others.iter().filter(|issuer| issuer.der != own.der) {
        let record = of_anchors().find(|record| issuer.matches(record));
        candidates.extend(record.and_then(|record| Candidate::of_certificate(record, issuer.der)));
    }
    let whole = || of_anchors().filter(|record| record.matching == Matching::Full).take(MOST_WHOLE);
    for record in whole() {
        let is_presented = presented.iter().any(|one| one.matches(record));
        match record.selector {
            _ if is_presented => {}
            Selector::Certificate => candidates.extend(Candidate::of_certificate(record, &record.data)),
            Selector::PublicKey => candidates.extend(Candidate::of_key(record, presented)),
        }
    }
    candidates
}

impl<'a, 'r> Candidate<'a, 'r> {
    fn of_certificate(record: &'r UsableTlsa, der: &'a [u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let anchor = anchor_from_trusted_cert(&CertificateDer::from(der)).ok()?.to_owned();
        Some(Self { record, anchor, certificate: Some(certificate) })
    }

    /// RFC 7671 §5.2.3: a key may have signed any of what was presented, under the name that says.
    fn of_key(record: &'r UsableTlsa, presented: &'a [Presented<'a>]) -> Vec<Self> {
        let Some(key) = body(&record.data) else { return Vec::new() };
        let issuers = presented.iter().filter_map(|one| body(one.parsed.as_ref()?.issuer().as_raw()));
        let candidate = |issuer| {
            let anchor = TrustAnchor {
                subject: Der::from_slice(issuer),
                subject_public_key_info: Der::from(key.to_vec()),
                name_constraints: None,
            };
            Self { record, anchor, certificate: None }
        };
        issuers.map(candidate).collect()
    }

    /// RFC 7672 §3.1.2: SHOULD apply the constraints of the trust anchor's certificate. Those on names the library applies.
    fn allows(&self, path: &VerifiedPath<'_>, paths: &Paths<'_>) -> Result<(), webpki::Error> {
        use webpki::Error as E;
        let Some(certificate) = &self.certificate else { return Ok(()) };
        let (time, validity) = (paths.now, certificate.validity());
        let not_before = unix(validity.not_before.timestamp());
        let not_after = unix(validity.not_after.timestamp());
        if time < not_before {
            return Err(E::CertNotValidYet { time, not_before });
        }
        if time > not_after {
            return Err(E::CertExpired { time, not_after });
        }
        let constraints = certificate.basic_constraints().map_err(|_| E::BadDer)?;
        let constraints = constraints.map(|extension| extension.value);
        let usage = certificate.key_usage().map_err(|_| E::BadDer)?;
        // RFC 5280 §4.2.1.9, §4.2.1.3; before version 3 nothing said who may issue.
        let issues = constraints.map_or(certificate.version() != X509Version::V3, |one| one.ca);
        if !issues || usage.is_some_and(|extension| !extension.value.key_cert_sign()) {
            return Err(E::EndEntityUsedAsCa);
        }
        let between = path.intermediate_certificates().filter(|one| one.subject() != one.issuer()).count();
        let longest = constraints.and_then(|one| one.path_len_constraint);
        match longest {
            Some(longest) if u32::try_from(between).is_ok_and(|between| between > longest) => {
                Err(E::PathLenConstraintViolated)
            }
            _ => Ok(()),
        }
    }
}

/// What a SEQUENCE holds.
fn body(sequence: &[u8]) -> Option<&[u8]> {
    let (rest, any) = Any::from_der(sequence).ok()?;
    (rest.is_empty() && any.header.is_constructed()).then_some(any.data)
}

/// No record has anything to do with what was presented.
fn nobody(records: &[UsableTlsa], presented: &[Presented<'_>]) -> String {
    let Some(own) = presented.first() else { return "no certificate was presented".to_owned() };
    let of_anchor = |record: &&UsableTlsa| record.usage == Usage::TrustAnchor;
    if records.iter().filter(of_anchor).any(|record| own.matches(record)) {
        return "a TLSA record of usage 2 matches the certificate itself, not one of its issuers".to_owned();
    }
    let fingerprint = own.fingerprint();
    if records.iter().all(|record| of_anchor(&record)) {
        return format!(
            "no TLSA record matches an issuer that was presented with the certificate ({fingerprint})"
        );
    }
    format!("no TLSA record matches the certificate ({fingerprint})")
}

fn other_names(identifiers: &[&str], references: &[String]) -> String {
    const SHOWN: usize = 3;
    let reference = references.first().map(String::as_str).unwrap_or_default();
    if identifiers.is_empty() {
        return format!("the certificate names nobody, and so not {reference}");
    }
    let shown: Vec<&str> = identifiers.iter().take(SHOWN).copied().collect();
    let more = if identifiers.len() > SHOWN { " and others" } else { "" };
    format!("the certificate names {}{more}, not {reference}", tame(&shown.join(", ")))
}

fn matched(record: &UsableTlsa) -> TlsaMatch {
    let mut text = record.to_string();
    if text.len() > LONGEST_RECORD {
        text.truncate(LONGEST_RECORD);
        text.push('…');
    }
    TlsaMatch::Matched { record: text }
}

fn mismatch(detail: String) -> TlsaMatch {
    TlsaMatch::Mismatch { detail }
}
