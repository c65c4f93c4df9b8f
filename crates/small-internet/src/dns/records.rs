//! From the plan to the zones: each domain that is no alias is a zone of its own; every record goes into the deepest
//! zone there is.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use anyhow::{Context, Result, ensure};
use hickory_server::proto::{
    dnssec::rdata::DNSSECRData,
    rr::{
        LowerName, Name, RData, Record, RecordType,
        rdata::{A, CNAME, MX, NS, SOA, TLSA, TXT},
    },
};

use super::{
    NEGATIVE_TTL, TTL, absolute,
    keys::Keys,
    signing,
    zone::{Nodes, Zone},
};
use crate::{
    domain::{Domain, Records, Signing},
    plan::{Addresses, Plan, mx_hosts},
};

/// Longest string of a TXT record, in octets (RFC 1035 §3.3).
const MAX_STRING: usize = 255;

/// What may change of the zones while the world runs.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) plan: Plan,
    /// By name.
    pub(crate) tlsa: BTreeMap<String, Vec<TLSA>>,
}

/// What the zones are made of.
pub(super) struct Source<'a> {
    pub(super) content: &'a Content,
    pub(super) addresses: &'a Addresses,
    /// The name server of all zones.
    pub(super) server: SocketAddr,
    pub(super) keys: &'a Keys,
    pub(super) serial: u32,
}

/// The zones' record sets, and how each is signed.
type Drafts = BTreeMap<Name, (Nodes, Signing)>;

pub(super) fn zones(source: &Source<'_>) -> Result<BTreeMap<LowerName, Zone>> {
    let mut drafts = Drafts::new();
    for zone in [Name::root(), absolute("example")?] {
        drafts.insert(zone, (Nodes::new(), Signing::Signed));
    }
    for domain in source.content.plan.domains.values() {
        if !matches!(domain.records, Records::Alias(_)) {
            drafts.entry(absolute(&domain.name)?).or_insert((Nodes::new(), domain.signing));
        }
    }
    for (name, data) in records(source)? {
        let zone = zone_of(name.clone(), &drafts);
        put(&mut drafts, &zone, &name, data)?;
    }
    delegate(&mut drafts, source)?;
    let mut zones = BTreeMap::new();
    for (origin, (nodes, signing)) in drafts {
        let lower = LowerName::new(&origin);
        let zone = signing::zone(&origin, nodes, source.keys, signing);
        zones.insert(lower.clone(), zone.with_context(|| format!("cannot sign the zone {lower}"))?);
    }
    Ok(zones)
}

/// All records but those that zones have of themselves.
fn records(source: &Source<'_>) -> Result<Vec<(Name, RData)>> {
    let mut records = Vec::new();
    for domain in source.content.plan.domains.values() {
        records.extend(of_domain(domain)?);
    }
    for (name, tlsa) in &source.content.tlsa {
        let name = absolute(name)?;
        records.extend(tlsa.iter().map(|tlsa| (name.clone(), RData::TLSA(tlsa.clone()))));
    }
    for (host, addresses) in source.addresses {
        let host = absolute(host)?;
        records.extend(addresses.iter().map(|address| (host.clone(), RData::A(A(*address)))));
    }
    if let IpAddr::V4(address) = source.server.ip() {
        records.push((name_server()?, RData::A(A(address))));
    }
    Ok(records)
}

fn of_domain(domain: &Domain) -> Result<Vec<(Name, RData)>> {
    let mut records = Vec::new();
    let name = absolute(&domain.name)?;
    match &domain.records {
        Records::Alias(target) => records.push((name.clone(), RData::CNAME(CNAME(absolute(target)?)))),
        // RFC 7505 §3
        Records::NullMx { .. } => records.push((name.clone(), RData::MX(MX::new(0, Name::root())))),
        Records::Mx { .. } | Records::Implicit(_) | Records::Nothing => {}
    }
    for mx in mx_hosts(&domain.records) {
        records.push((name.clone(), RData::MX(MX::new(mx.preference, absolute(&mx.name)?))));
    }
    if let Some(id) = domain.policy.as_ref().and_then(|policy| policy.id.as_ref()) {
        // RFC 8461 §3.1
        let name = absolute(&format!("_mta-sts.{}", domain.name))?;
        records.push((name, txt(&format!("v=STSv1; id={id};"))));
    }
    for (name, texts) in &domain.txt {
        let name = absolute(name)?;
        records.extend(texts.iter().map(|text| (name.clone(), txt(text))));
    }
    for (name, target) in &domain.aliases {
        records.push((absolute(name)?, RData::CNAME(CNAME(absolute(target)?))));
    }
    Ok(records)
}

/// One record, of as many strings as the text needs.
fn txt(text: &str) -> RData {
    let mut strings: Vec<_> = text.as_bytes().chunks(MAX_STRING).collect();
    if strings.is_empty() {
        strings.push(b"");
    }
    RData::TXT(TXT::from_bytes(strings))
}

/// Gives each zone its SOA and name server, and its parent the same name server and what it says of the zone's key.
fn delegate(drafts: &mut Drafts, source: &Source<'_>) -> Result<()> {
    let zones: Vec<_> = drafts.iter().map(|(zone, (_, signing))| (zone.clone(), *signing)).collect();
    let ns = RData::NS(NS(name_server()?));
    for (zone, signing) in zones {
        put(drafts, &zone, &zone, soa(source.serial)?)?;
        put(drafts, &zone, &zone, ns.clone())?;
        if !zone.is_root() {
            let parent = zone_of(zone.base_name(), drafts);
            put(drafts, &parent, &zone, ns.clone())?;
            if let Some(ds) = signing::ds(&zone, source.keys, signing)? {
                put(drafts, &parent, &zone, RData::DNSSEC(DNSSECRData::DS(ds)))?;
            }
        }
    }
    Ok(())
}

/// The deepest zone that a name is in.
fn zone_of(name: Name, drafts: &Drafts) -> Name {
    let mut zone = name;
    while !drafts.contains_key(&zone) {
        zone = zone.base_name();
    }
    zone
}

fn put(drafts: &mut Drafts, zone: &Name, name: &Name, data: RData) -> Result<()> {
    let (nodes, _) = drafts.get_mut(zone).with_context(|| format!("{zone} is no zone"))?;
    let node = nodes.entry(LowerName::new(name)).or_default();
    let record = Record::from_rdata(name.clone(), TTL, data);
    let set = &mut node.entry(record.record_type()).or_default().records;
    if !set.contains(&record) {
        set.push(record);
    }
    // RFC 1034 §3.6.2
    ensure!(
        !node.contains_key(&RecordType::CNAME) || node.len() == 1,
        "{name} cannot have a CNAME and other records"
    );
    Ok(())
}

/// A name that `example.` serves.
fn name_server() -> Result<Name> {
    absolute("ns.example")
}

fn soa(serial: u32) -> Result<RData> {
    let mailbox = absolute("hostmaster.example")?;
    Ok(RData::SOA(SOA::new(name_server()?, mailbox, serial, 3600, 600, 86_400, NEGATIVE_TTL)))
}
