use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// A TLSA record (RFC 6698 §2.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TlsaRecord {
    /// Certificate usage.
    pub usage: u8,
    /// Selector.
    pub selector: u8,
    /// Matching type.
    pub matching: u8,
    /// Certificate association data.
    #[serde(with = "crate::hex")]
    pub data: Vec<u8>,
}

/// What a usable record says of the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Usage {
    /// DANE-TA(2): it is issued, perhaps over others, by this trust anchor.
    TrustAnchor,
    /// DANE-EE(3): it is this one.
    EndEntity,
}

/// What of a certificate a record matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selector {
    /// Cert(0): the whole.
    Certificate,
    /// SPKI(1): its public key.
    PublicKey,
}

/// How a record's data is compared, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matching {
    /// SHA2-256(1).
    Sha256,
    /// SHA2-512(2).
    Sha512,
    /// Full(0): octet by octet.
    Full,
}

/// A record that a certificate can be compared with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UsableTlsa {
    /// What it says.
    pub usage: Usage,
    /// Of what.
    pub selector: Selector,
    /// How it is compared.
    pub matching: Matching,
    /// With what.
    #[serde(with = "crate::hex")]
    pub data: Vec<u8>,
}

impl TlsaRecord {
    /// The record as one to compare with; `None` if this sender has no use for it: an unknown parameter, a digest
    /// of the wrong length, or PKIX-TA(0) and PKIX-EE(1), which SMTP does not use (RFC 7672 §3.1.3).
    pub fn usable(&self) -> Option<UsableTlsa> {
        let usage = match self.usage {
            2 => Usage::TrustAnchor,
            3 => Usage::EndEntity,
            _ => return None,
        };
        let selector = match self.selector {
            0 => Selector::Certificate,
            1 => Selector::PublicKey,
            _ => return None,
        };
        let matching = match (self.matching, self.data.len()) {
            (0, 1..) => Matching::Full,
            (1, 32) => Matching::Sha256,
            (2, 64) => Matching::Sha512,
            _ => return None,
        };
        Some(UsableTlsa { usage, selector, matching, data: self.data.clone() })
    }
}

/// The records to compare a certificate with: the usable ones, and of digests only the strongest for each usage and selector (RFC 7671 §9).
pub fn usable_tlsa(records: &[TlsaRecord]) -> Vec<UsableTlsa> {
    let mut usable: Vec<UsableTlsa> = records.iter().filter_map(TlsaRecord::usable).collect();
    let mut strongest: BTreeMap<(Usage, Selector), Matching> = BTreeMap::new();
    for record in usable.iter().filter(|record| record.matching != Matching::Full) {
        let known = strongest.entry((record.usage, record.selector)).or_insert(record.matching);
        *known = (*known).max(record.matching);
    }
    usable.retain(|record| {
        let strongest = strongest.get(&(record.usage, record.selector));
        record.matching == Matching::Full || strongest == Some(&record.matching)
    });
    usable.sort();
    usable.dedup();
    usable
}

impl fmt::Display for TlsaRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.usage, self.selector, self.matching, crate::hex::encode(&self.data))
    }
}

impl fmt::Display for UsableTlsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usage = match self.usage {
            Usage::TrustAnchor => 2,
            Usage::EndEntity => 3,
        };
        let selector = match self.selector {
            Selector::Certificate => 0,
            Selector::PublicKey => 1,
        };
        let matching = match self.matching {
            Matching::Full => 0,
            Matching::Sha256 => 1,
            Matching::Sha512 => 2,
        };
        write!(f, "{usage} {selector} {matching} {}", crate::hex::encode(&self.data))
    }
}
