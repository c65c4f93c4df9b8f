//! What one validated message says of one name.

use std::time::Duration;

use guarantee::{Age, LookupFailureKind, Proof};
use hickory_resolver::{
    net::{DnsError, NetError},
    proto::{
        dnssec,
        op::{DnsResponse, Message, Query, ResponseCode},
        rr::{Name, RData, Record, RecordType},
        serialize::binary::{BinDecodable, BinDecoder, BinEncodable},
    },
};

use super::{
    asking::{ENTRY_OCTETS, time_to_live},
    denial,
    reduce::signature,
};

/// Proven answers are kept no longer than this, whatever their TTL.
const KEPT_FOR: Duration = Duration::from_hours(1);

/// Of the records of one name and type, no more than this are looked at; more than any honest name has.
const MAX_RECORDS: usize = 100;

/// What each character-string of a TXT record takes besides its octets, however short it is.
const STRING_OCTETS: usize = 48;

/// What is known of one name and type, CNAMEs not followed.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Records.
    Found { data: Vec<RData>, proof: Proof, age: Age },
    /// The name is another's, perhaps because of a DNAME record at the name `dname`.
    Alias { target: Name, dname: Option<Name>, proof: Proof, age: Age },
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
                    dnssec::Proof::Bogus
                        if denial::expanded(query, &message) || denial::beside_dname(query, &message) => {}
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

    /// About how much memory it takes in a cache, in octets.
    pub(super) fn octets(&self) -> usize {
        let data: &[RData] = if let Self::Found { data, .. } = self { data } else { &[] };
        ENTRY_OCTETS + data.iter().map(octets).sum::<usize>()
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
        // RFC 5155 §9.2: where NSEC3 opts out, there may be an unsigned name in the place of what is denied.
        let closer = if denial::opts_out(query.name(), message) { Proof::Insecure } else { Proof::Secure };
        if of(kind).next().is_some() {
            return match weakest(of(kind)) {
                Ok(proof) => {
                    let proof = proof.min(closer);
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
                Ok(proof) => {
                    let proof = proof.min(closer);
                    let dname = dname.map(|dname| dname.name.clone());
                    Self::Alias { target: target.0.clone(), dname, proof, age: age_of(proof) }
                }
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
            (ResponseCode::NXDomain, Ok(proof)) => Self::NxDomain(proof.min(closer)),
            (ResponseCode::NoError, Ok(proof)) => Self::NoData(proof.min(closer)),
            (code, Ok(_)) => Self::unanswered(code.to_string()),
        }
    }
}

fn octets(data: &RData) -> usize {
    let apart = match data {
        RData::TXT(txt) => txt.txt_data.iter().map(|string| STRING_OCTETS + string.len()).sum(),
        data => data.to_bytes().map_or(usize::from(u16::MAX), |octets| octets.len()),
    };
    size_of::<RData>() + apart
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
