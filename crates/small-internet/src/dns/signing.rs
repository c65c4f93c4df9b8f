//! Signs zones, rightly or wrongly (RFC 4034, RFC 4035 §2).

use anyhow::Result;
use hickory_server::proto::{
    dnssec::{
        TBS,
        rdata::{DNSSECRData, DS, RRSIG, SigInput},
    },
    rr::{DNSClass, LowerName, Name, RData, Record, RecordType, SerialNumber},
};
use jiff::Timestamp;

use super::{
    TTL,
    denial::Denial,
    keys::{Keys, Kind, ZoneKey},
    zone::{Nodes, RrSet, Zone},
};
use crate::domain::{Flaw, Signing};

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// Makes a zone of record sets.
pub(super) fn zone(origin: &Name, mut nodes: Nodes, keys: &Keys, signing: Signing) -> Result<Zone> {
    let lower = LowerName::new(origin);
    let Some(kind) = kind(signing) else {
        return Ok(Zone { origin: lower, nodes, denial: Denial::Nothing });
    };
    let key = keys.of(origin, kind)?;
    let dnskey = RData::DNSSEC(DNSSECRData::DNSKEY(key.dnskey.clone()));
    let parameters = (kind == Kind::RsaSha1).then(Denial::nsec3_parameters);
    for data in [dnskey].into_iter().chain(parameters) {
        let record = Record::from_rdata(origin.clone(), TTL, data);
        nodes.entry(lower.clone()).or_default().entry(record.record_type()).or_default().records.push(record);
    }
    let mut denial = match kind {
        Kind::Ecdsa => Denial::nsec(&lower, &nodes),
        Kind::RsaSha1 => Denial::nsec3(&lower, &nodes)?,
    };
    let stranger = (signing == Signing::Bogus(Flaw::WrongKey)).then(ZoneKey::stranger).transpose()?;
    let signer = Signer { key: stranger.as_ref().unwrap_or(&key), origin, signing };
    for (name, node) in &mut nodes {
        let cut = node.contains_key(&RecordType::NS) && *name != lower;
        for (kind, set) in node.iter_mut() {
            // RFC 4035 §2.2: at a cut the name servers are the child's, and unsigned here.
            if cut && *kind == RecordType::NS {
                continue;
            }
            let by_its_own_key = *kind == RecordType::DNSKEY;
            let signer = Signer { key: if by_its_own_key { &key } else { signer.key }, ..signer };
            signer.sign(set)?;
        }
    }
    denial.sets().try_for_each(|set| signer.sign(set))?;
    Ok(Zone { origin: lower, nodes, denial })
}

/// What the parent of a zone says of its key; `None` for an insecure delegation.
pub(super) fn ds(zone: &Name, keys: &Keys, signing: Signing) -> Result<Option<DS>> {
    let Some(kind) = kind(signing) else { return Ok(None) };
    let ds = keys.of(zone, kind)?.ds(zone)?;
    if signing == Signing::Bogus(Flaw::OrphanDs) {
        let digest = altered(ds.digest());
        return Ok(Some(DS::new(ds.key_tag(), ds.algorithm(), ds.digest_type(), digest)));
    }
    Ok(Some(ds))
}

fn kind(signing: Signing) -> Option<Kind> {
    match signing {
        Signing::Unsigned => None,
        Signing::Dated => Some(Kind::RsaSha1),
        Signing::Signed | Signing::Bogus(_) => Some(Kind::Ecdsa),
    }
}

#[derive(Clone, Copy)]
struct Signer<'a> {
    key: &'a ZoneKey,
    origin: &'a Name,
    signing: Signing,
}

impl Signer<'_> {
    fn sign(&self, set: &mut RrSet) -> Result<()> {
        let Some(first) = set.records.first() else { return Ok(()) };
        if self.signing == Signing::Bogus(Flaw::NoSignatures) {
            return Ok(());
        }
        let now = Timestamp::now().as_second();
        let (from, until) = match self.signing {
            Signing::Bogus(Flaw::Expired) => (now - 30 * DAY, now - DAY),
            Signing::Bogus(Flaw::NotYetValid) => (now + DAY, now + 30 * DAY),
            // A demo may run for long.
            _ => (now - HOUR, now + 365 * DAY),
        };
        let input = SigInput {
            type_covered: first.record_type(),
            algorithm: self.key.signing.algorithm(),
            num_labels: first.name.num_labels(),
            original_ttl: first.ttl,
            sig_expiration: serial(until),
            sig_inception: serial(from),
            key_tag: self.key.tag,
            signer_name: self.origin.clone(),
        };
        let signed = TBS::from_input(&first.name, DNSClass::IN, &input, set.records.iter())?;
        let mut signature = self.key.signing.sign(&signed)?;
        if self.signing == Signing::Bogus(Flaw::Forged) {
            signature = altered(&signature);
        }
        let data = RData::DNSSEC(DNSSECRData::RRSIG(RRSIG::from_sig(input, signature)));
        set.signatures = vec![Record::from_rdata(first.name.clone(), first.ttl, data)];
        Ok(())
    }
}

/// RFC 4034 §3.1.5: seconds since 1970, modulo 2^32.
fn serial(seconds: i64) -> SerialNumber {
    SerialNumber::new(u32::try_from(seconds.rem_euclid(1 << 32)).unwrap_or_default())
}

fn altered(octets: &[u8]) -> Vec<u8> {
    let mut octets = octets.to_vec();
    if let Some(octet) = octets.last_mut() {
        *octet ^= 1;
    }
    octets
}
