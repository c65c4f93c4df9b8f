//! Faults of the DNS server, for tests.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use hickory_server::proto::rr::{
    LowerName, Name, RData, Record, RecordType,
    rdata::{A, MX, NULL, TLSA},
};

use super::{TTL, absolute};

/// A fault of the DNS server, for one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsFault {
    /// The answer is SERVFAIL.
    ServFail,
    /// The answer is REFUSED.
    Refused,
    /// There is no answer.
    Silence,
    /// The answer comes without signatures and proofs, whatever the zone has. What the parent says of the zone's key
    /// stays as it is.
    NoSignatures,
    /// Somebody answers in the server's place, without signatures: the name's address is this one, its only MX host
    /// is the name itself, and there is no other address, no TLSA, TXT or CNAME. Other questions are answered as usual.
    Forged(Ipv4Addr),
    /// Somebody answers in the server's place, without proof, that there is no such name.
    NxDomain,
    /// Somebody answers questions for TLSA in the server's place, without signatures: `3 1 1` of this digest. Other questions are
    /// answered as usual.
    ForgedTlsa([u8; 32]),
    /// The answer has one record of the asked type whose data is too short to be any.
    Garbage,
}

/// The faults by name, as they are now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<Mutex<HashMap<LowerName, DnsFault>>>);

impl Faults {
    pub(crate) fn set(&self, name: &str, fault: Option<DnsFault>) -> Result<()> {
        let name = LowerName::from(absolute(name)?);
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            Some(fault) => faults.insert(name, fault),
            None => faults.remove(&name),
        };
        Ok(())
    }

    /// The fault with which a question is answered.
    pub(super) fn of(&self, name: &LowerName, kind: RecordType) -> Option<DnsFault> {
        use RecordType::{A, AAAA, CNAME, DS, MX, TLSA, TXT};
        let fault = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()?;
        let answers = match fault {
            DnsFault::NoSignatures => kind != DS,
            DnsFault::Forged(_) => [A, AAAA, CNAME, MX, TLSA, TXT].contains(&kind),
            DnsFault::ForgedTlsa(_) => kind == TLSA,
            DnsFault::ServFail
            | DnsFault::Refused
            | DnsFault::Silence
            | DnsFault::NxDomain
            | DnsFault::Garbage => true,
        };
        answers.then_some(fault)
    }
}

/// What a forger answers.
pub(super) fn forged(name: &LowerName, kind: RecordType, address: Ipv4Addr) -> Option<Record> {
    let name = Name::from(name);
    let data = match kind {
        RecordType::A => RData::A(A(address)),
        RecordType::MX => RData::MX(MX::new(0, name.clone())),
        _ => return None,
    };
    Some(Record::from_rdata(name, TTL, data))
}

/// What a forger of TLSA records answers.
pub(super) fn forged_tlsa(name: &LowerName, digest: [u8; 32]) -> Record {
    let data = TLSA::new(3.into(), 1.into(), 1.into(), digest.to_vec());
    Record::from_rdata(Name::from(name), TTL, RData::TLSA(data))
}

/// A record of that type whose data is one octet.
pub(super) fn garbage(name: &LowerName, kind: RecordType) -> Record {
    let data = RData::Unknown { code: kind, rdata: NULL::with(vec![0xff]) };
    Record::from_rdata(Name::from(name), TTL, data)
}
