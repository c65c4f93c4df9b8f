//! What one validated message says of one name.

use std::time::Duration;

use guarantee::{Age, LookupFailureKind, Proof};
use hickory_resolver::{
    net::{DnsError, NetError},
    proto::{
        dnssec::{
            self,
            rdata::{DNSSECRData, NSEC},
        },
        op::{DnsResponse, Message, Query, ResponseCode},
        rr::{Name, RData, Record, RecordType},
        serialize::binary::{BinDecodable, BinDecoder},
    },
};

use super::{
    asking::time_to_live,
    reduce::{signature, wildcard_signature},
};

/// Proven answers are kept no longer than this, whatever their TTL.
const KEPT_FOR: Duration = Duration::from_hours(1);

/// Of the records of one name and type, no more than this are looked at; more than any honest name has.
const MAX_RECORDS: usize = 100;

/// What is known of one name and type, CNAMEs not followed.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Records.
    Found { data: Vec<RData>, proof: Proof, age: Age },
    /// The name is another's.
    Alias { target: Name, proof: Proof, age: Age },
    /// The name has no such record.
    NoData(Proof),
    /// There is no such name.
    NxDomain(Proof),
    /// Nothing is known.
    Failed(LookupFailureKind, String),
}

impl Step {
    /// What the validator's result says; and how long it holds.
    pub(super) fn of(
        query: &Query,
        result: Result<DnsResponse, NetError>,
        age: Option<Age>,
    ) -> (Self, Duration) {
        let message = match result {
            Ok(response) => response.into_message(),
            Err(NetError::Dns(DnsError::Nsec { response, proof, .. })) => {
                let mut message = response.into_message();
                match proof {
                    dnssec::Proof::Bogus if expanded(query, &message) => {}
                    dnssec::Proof::Insecure => insecure(&mut message),
                    _ => return (Self::bogus(), Duration::ZERO),
                }
                message
            }
            Err(NetError::Dns(DnsError::DnssecBogus)) => return (Self::bogus(), Duration::ZERO),
            Err(error) => return (Self::unanswered(error.to_string()), Duration::ZERO),
        };
        (Self::read(query, &message, age), time_to_live(&message, KEPT_FOR))
    }

    /// The same, from a cache.
    pub(super) fn cached(mut self) -> Self {
        if let Self::Found { age, .. } | Self::Alias { age, .. } = &mut self {
            *age = Age::Cached;
        }
        self
    }

    pub(super) fn unanswered(detail: String) -> Self {
        Self::Failed(LookupFailureKind::Unanswered, detail)
    }

    fn bogus() -> Self {
        Self::Failed(LookupFailureKind::Bogus, "its signatures do not hold".to_owned())
    }

    fn read(query: &Query, message: &Message, age: Option<Age>) -> Self {
        let of = |kind| {
            let is = move |record: &&Record| record.record_type() == kind && record.name == *query.name();
            message.answers.iter().filter(is)
        };
        let kind = query.query_type();
        // Without a signature there is nothing to tell a cache by; and what is unsigned is never known better.
        let age_of = |proof| age.unwrap_or(if proof == Proof::Secure { Age::Cached } else { Age::Fresh });
        if of(kind).next().is_some() {
            return match weakest(of(kind)) {
                Ok(proof) => {
                    let data = of(kind).take(MAX_RECORDS).map(|record| record.data.clone()).collect();
                    Self::Found { data, proof, age: age_of(proof) }
                }
                Err(failed) => failed,
            };
        }
        if let Some(record) = of(RecordType::CNAME).next() {
            let RData::CNAME(target) = &record.data else {
                return Self::unanswered("malformed CNAME".to_owned());
            };
            let dname = message.answers.iter().find(|dname| synthesised(dname, query.name(), &target.0));
            let proven = match dname {
                Some(dname) if dname.proof == dnssec::Proof::Secure => Ok(Proof::Secure),
                _ => weakest(of(RecordType::CNAME)),
            };
            return match proven {
                Ok(proof) => Self::Alias { target: target.0.clone(), proof, age: age_of(proof) },
                Err(failed) => failed,
            };
        }
        let denial = message.authorities.iter().filter(|record| signature(record).is_none());
        let proof = match denial.clone().next() {
            Some(_) => weakest(denial),
            // An unsigned zone may say nothing at all; of a signed one the validator would have told.
            None => Ok(Proof::Insecure),
        };
        match (message.metadata.response_code, proof) {
            (_, Err(failed)) => failed,
            (ResponseCode::NXDomain, Ok(proof)) => Self::NxDomain(proof),
            (ResponseCode::NoError, Ok(proof)) => Self::NoData(proof),
            (code, Ok(_)) => Self::unanswered(code.to_string()),
        }
    }
}

fn weakest<'a>(records: impl Iterator<Item = &'a Record>) -> Result<Proof, Step> {
    let mut weakest = Proof::Secure;
    for record in records {
        match record.proof {
            dnssec::Proof::Secure => {}
            dnssec::Proof::Insecure => weakest = Proof::Insecure,
            dnssec::Proof::Bogus => return Err(Step::bogus()),
            // RFC 7672 §2.1.1: as though it were bogus, or an error.
            dnssec::Proof::Indeterminate => {
                return Err(Step::unanswered("its proof is not to be had".to_owned()));
            }
        }
    }
    Ok(weakest)
}

fn insecure(message: &mut Message) {
    for record in message.answers.iter_mut().chain(&mut message.authorities) {
        if record.proof == dnssec::Proof::Secure {
            record.proof = dnssec::Proof::Insecure;
        }
    }
}

/// Whether a positive answer is rightly expanded from a wildcard (RFC 4035 §5.3.4): its records are secure, and a secure
/// NSEC record of the same zone proves that between wildcard and name there is nothing.
///
/// The library asks for an NSEC record that covers the wildcard, which exists.
fn expanded(query: &Query, message: &Message) -> bool {
    let name = query.name();
    let kinds = [query.query_type(), RecordType::CNAME];
    // Of several signatures the validator marks the one that holds.
    let Some(wildcard) = message
        .answers
        .iter()
        .filter(|record| record.proof == dnssec::Proof::Secure)
        .find_map(|record| kinds.iter().find_map(|kind| wildcard_signature(record, name, *kind)))
    else {
        return false;
    };
    let (labels, zone) = (wildcard.input().num_labels, &wildcard.input().signer_name);
    let all_secure = message
        .answers
        .iter()
        .filter(|record| signature(record).is_none())
        .all(|record| record.proof == dnssec::Proof::Secure);
    let next_closer = name.trim_to(usize::from(labels) + 1);
    let covered = message.authorities.iter().any(|record| match &record.data {
        RData::DNSSEC(DNSSECRData::NSEC(nsec)) => {
            record.proof == dnssec::Proof::Secure
                && zone.zone_of(&record.name)
                && covers(&record.name, nsec, &next_closer)
        }
        _ => false,
    });
    message.metadata.response_code == ResponseCode::NoError && all_secure && covered
}

/// Whether the record proves that neither this name nor one below it exists.
fn covers(owner: &Name, nsec: &NSEC, name: &Name) -> bool {
    let next = nsec.next_domain_name();
    // RFC 6840 §4.1: what lies below a cut or a DNAME is another's.
    let below_a_cut = nsec.is_ancestor_delegation() && owner.zone_of(name);
    let last_of_the_zone = next <= owner && next.zone_of(name);
    !below_a_cut && !name.zone_of(next) && owner < name && (name < next || last_of_the_zone)
}

/// Whether the CNAME follows from this DNAME record (RFC 6672 §2.2).
fn synthesised(dname: &Record, name: &Name, target: &Name) -> bool {
    if dname.record_type() != RecordType::DNAME || !dname.name.zone_of(name) || dname.name == *name {
        return false;
    }
    let RData::Unknown { rdata, .. } = &dname.data else { return false };
    let Ok(to) = Name::read(&mut BinDecoder::new(&rdata.anything)) else { return false };
    let below = usize::from(name.num_labels().saturating_sub(dname.name.num_labels()));
    let labels = name.iter().take(below).chain(to.iter());
    Name::from_labels(labels).is_ok_and(|synthesised| synthesised == *target)
}
