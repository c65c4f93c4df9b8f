//! The comparison with TLSA records (RFC 7672 §3, RFC 7671 §5).

use guarantee::{Matching, Selector, TlsaMatch, UsableTlsa, Usage};
use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, Der, TrustAnchor};
use sha2::{Digest, Sha256, Sha512};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Identifier, fault, names, words};

/// Records that are compared; an honest RRset has a handful.
const MAX_RECORDS: usize = 50;

impl Identifier {
    /// Whether one of the records describes this chain.
    pub(super) fn compare(
        &self,
        records: &[UsableTlsa],
        reference: &[String],
        chain: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> TlsaMatch {
        let mut detail = None;
        for record in records.iter().take(MAX_RECORDS) {
            let found = match record.usage {
                Usage::EndEntity => end_entity(record, &chain[0]),
                Usage::TrustAnchor => self.trust_anchor(record, reference, chain, now),
            };
            match found {
                Ok(true) => return TlsaMatch::Matched { record: short(record) },
                Ok(false) => {}
                // What a matching record finds wrong says more than that another does not match.
                Err(wrong) => detail = Some(wrong),
            }
        }
        let detail = detail.unwrap_or_else(|| {
            let digest = guarantee_hex(&Sha256::digest(&chain[0]));
            format!("no TLSA record matches the certificate (SHA-256 {digest})")
        });
        TlsaMatch::Mismatch { detail }
    }

    /// RFC 7672 §3.1.2: the chain must lead to the trust anchor, have not expired, and name the server.
    fn trust_anchor(
        &self,
        record: &UsableTlsa,
        reference: &[String],
        chain: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<bool, String> {
        let anchors = anchors(record, chain);
        if anchors.is_empty() {
            return Ok(false);
        }
        if let Err(error) = self.verify(&anchors, chain, now) {
            let what = match fault(&error) {
                guarantee::ChainFault::Expired => "the chain below the trust anchor is not valid now",
                guarantee::ChainFault::NotTrusted => "the certificates do not lead to the trust anchor",
            };
            return Err(format!("{what} ({})", words(&error)));
        }
        let (_, leaf) =
            X509Certificate::from_der(&chain[0]).map_err(|_| "a malformed certificate".to_owned())?;
        let presented = names::of(&leaf);
        // RFC 7672 §3.2.2: MUST match one of the reference identifiers.
        if presented.iter().any(|name| reference.iter().any(|host| names::is(name, host))) {
            return Ok(true);
        }
        let named: Vec<String> = presented.iter().take(3).map(|name| printable(name)).collect();
        Err(format!("the certificate names {}, not {}", named.join(", "), reference.join(" or ")))
    }
}

/// RFC 7672 §3.1.1: no name, no time, no chain: this certificate, or this key, is the one.
fn end_entity(record: &UsableTlsa, certificate: &CertificateDer<'_>) -> Result<bool, String> {
    Ok(selected(record.selector, certificate).is_some_and(|octets| is(record, &octets)))
}

/// The trust anchors among the presented certificates that the record matches, or the one that it holds itself.
fn anchors(record: &UsableTlsa, chain: &[CertificateDer<'_>]) -> Vec<TrustAnchor<'static>> {
    let mut anchors = Vec::new();
    for certificate in chain {
        if selected(record.selector, certificate).is_some_and(|octets| is(record, &octets)) {
            anchors
                .extend(webpki::anchor_from_trusted_cert(certificate).ok().map(|anchor| anchor.to_owned()));
        }
    }
    if record.matching != Matching::Full || !anchors.is_empty() {
        return anchors;
    }
    // RFC 7671 §5.2.2, §5.2.3: with the whole in the record, the server need not present it.
    match record.selector {
        Selector::Certificate => {
            let certificate = CertificateDer::from(record.data.as_slice());
            anchors
                .extend(webpki::anchor_from_trusted_cert(&certificate).ok().map(|anchor| anchor.to_owned()));
        }
        Selector::PublicKey => {
            if let Some(key) = inside(&record.data) {
                anchors.extend(chain.iter().filter_map(|below| key_as_anchor(below, key)));
            }
        }
    }
    anchors
}

/// A bare key as the issuer of a certificate.
fn key_as_anchor(below: &CertificateDer<'_>, key: &[u8]) -> Option<TrustAnchor<'static>> {
    let (_, below) = X509Certificate::from_der(below).ok()?;
    let issuer = inside(below.issuer().as_raw())?;
    Some(TrustAnchor {
        subject: Der::from(issuer.to_vec()),
        subject_public_key_info: Der::from(key.to_vec()),
        name_constraints: None,
    })
}

/// What stands in a DER SEQUENCE that is all there is.
fn inside(sequence: &[u8]) -> Option<&[u8]> {
    let (&tag, rest) = sequence.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, content) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let octets = usize::from(first & 0x7f);
        let (length, content) = rest.split_at_checked(octets).filter(|_| (1..=3).contains(&octets))?;
        (length.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)), content)
    };
    (tag == 0x30 && content.len() == length).then_some(content)
}

/// The certificate, or its public key: also of certificates that the TLS library would not have.
fn selected(selector: Selector, certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    match selector {
        Selector::Certificate => Some(certificate.to_vec()),
        Selector::PublicKey => {
            let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
            Some(certificate.tbs_certificate.subject_pki.raw.to_vec())
        }
    }
}

fn is(record: &UsableTlsa, octets: &[u8]) -> bool {
    match record.matching {
        Matching::Full => record.data == octets,
        Matching::Sha256 => record.data == Sha256::digest(octets).as_slice(),
        Matching::Sha512 => record.data == Sha512::digest(octets).as_slice(),
    }
}

/// The record in presentation format, its data no longer than a digest.
fn short(record: &UsableTlsa) -> String {
    let whole = record.to_string();
    if whole.len() > 140 { format!("{}…", &whole[..140]) } else { whole }
}

fn guarantee_hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn printable(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(100).collect()
}
