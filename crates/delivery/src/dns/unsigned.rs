//! Whether a name is rightly without signatures: from the root down, where the first unsigned delegation is.
//!
//! The library believes any zone above a name that opts out of proving delegations (RFC 5155 §6), and the NS records
//! by which it looks for zone cuts are unproven: so whoever is on the way could make a cut below a signed zone, and prove
//! with records of the zone above that it is unsigned.

use hickory_resolver::{
    net::{DnsError, NetError},
    proto::{
        dnssec::{Proof, rdata::DNSSECRData},
        op::{DnsResponse, Message},
        rr::{Name, RData, Record, RecordType},
    },
};

use super::denial::{NSEC3_ITERATIONS, is_of};

/// What the DS question for one name says of it, below a signed zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// A signed zone begins here.
    Signed,
    /// An unsigned zone begins here, or may begin.
    Unsigned,
    /// No zone begins here.
    None,
}

/// Reads the validated answer to a DS question for `name`; `zone` is the signed zone that it is in. `None` for what
/// proves nothing.
pub(super) fn cut(name: &Name, zone: &Name, answer: &Message) -> Option<Cut> {
    let mut digests = answer
        .answers
        .iter()
        .filter(|record| record.name == *name)
        .filter_map(|record| match &record.data {
            RData::DNSSEC(DNSSECRData::DS(ds)) => Some((record.proof, ds)),
            _ => None,
        })
        .peekable();
    if digests.peek().is_some() {
        let mut known = false;
        for (proof, ds) in digests {
            if proof != Proof::Secure {
                return None;
            }
            known |= ds.algorithm().is_supported() && ds.digest_type().is_supported();
        }
        // RFC 4035 §5.2: of unknown algorithms only, as if there were none.
        return Some(if known { Cut::Signed } else { Cut::Unsigned });
    }
    // Nor can a zone begin where there is an alias (RFC 1034 §3.6.2).
    let alias = |record: &Record| record.record_type() == RecordType::CNAME && record.name == *name;
    if answer.answers.iter().any(|record| alias(record) && record.proof == Proof::Secure) {
        return Some(Cut::None);
    }
    let denials = answer.authorities.iter().filter(|record| record.proof == Proof::Secure);
    let mut proven = None;
    for record in denials {
        match &record.data {
            RData::DNSSEC(DNSSECRData::NSEC(nsec)) => {
                // RFC 6840 §4.1: what lies below a cut is another's.
                if record.name != *name && record.name.zone_of(name) && nsec.is_ancestor_delegation() {
                    return None;
                }
                let unsigned =
                    record.name == *name && nsec.is_ancestor_delegation() && has_ns(nsec.type_set());
                proven = Some(if unsigned { Cut::Unsigned } else { proven.unwrap_or(Cut::None) });
            }
            RData::DNSSEC(DNSSECRData::NSEC3(nsec3)) => {
                if record.name.base_name() != *zone {
                    return None;
                }
                let unsigned =
                    is_of(record, nsec3, name) && nsec3.is_ancestor_delegation() && has_ns(nsec3.type_set());
                proven = Some(if unsigned { Cut::Unsigned } else { proven.unwrap_or(Cut::None) });
            }
            _ => {}
        }
    }
    // RFC 5155 §6: there may be an unsigned delegation.
    if proven == Some(Cut::None) && super::denial::opts_out(name, answer) {
        proven = Some(Cut::Unsigned);
    }
    proven
}

fn has_ns(types: &hickory_resolver::proto::rr::RecordTypeSet) -> bool {
    types.contains(RecordType::NS) && !types.contains(RecordType::DS)
}

/// Whether it is a denial by this zone with too many iterations, which counts as unsigned (RFC 9276 §3.2).
pub(super) fn iterates(result: &Result<DnsResponse, NetError>, zone: &Name) -> bool {
    let Err(NetError::Dns(DnsError::Nsec { response, proof: Proof::Insecure, .. })) = result else {
        return false;
    };
    let mut nsec3s = response
        .authorities
        .iter()
        .filter_map(|record| match &record.data {
            RData::DNSSEC(DNSSECRData::NSEC3(nsec3)) => Some((record, nsec3)),
            _ => None,
        })
        .peekable();
    nsec3s.peek().is_some()
        && nsec3s.all(|(record, nsec3)| {
            record.proof == Proof::Secure
                && record.name.base_name() == *zone
                && nsec3.iterations() > NSEC3_ITERATIONS
        })
}

/// Whether it says of something that it is unsigned.
pub(super) fn claims(result: &Result<DnsResponse, NetError>) -> bool {
    let unsigned = |message: &Message| {
        let mut all = message.answers.iter().chain(&message.authorities).peekable();
        all.peek().is_none() || all.any(|record: &Record| record.proof == Proof::Insecure)
    };
    match result {
        Ok(message) => unsigned(message),
        Err(NetError::Dns(DnsError::Nsec { proof, .. })) => *proof == Proof::Insecure,
        Err(_) => false,
    }
}
