//! One zone: its record sets by name, and the answers it gives.

use std::{collections::BTreeMap, ops::Bound};

use hickory_server::proto::{
    op::ResponseCode,
    rr::{LowerName, Name, RData, Record, RecordType},
};

use super::denial::Denial;

/// The records of one name and type, and their signatures, if any.
#[derive(Clone, Debug, Default)]
pub(super) struct RrSet {
    pub(super) records: Vec<Record>,
    pub(super) signatures: Vec<Record>,
}

/// The record sets of one name.
pub(super) type Node = BTreeMap<RecordType, RrSet>;

/// The record sets of a zone by name, in canonical order (RFC 4034 §6.1).
pub(super) type Nodes = BTreeMap<LowerName, Node>;

/// A zone, signed or not.
pub(super) struct Zone {
    pub(super) origin: LowerName,
    pub(super) nodes: Nodes,
    pub(super) denial: Denial,
}

/// An answer in the making.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) code: ResponseCode,
    pub(super) answers: Vec<Record>,
    pub(super) authorities: Vec<Record>,
    /// Whether signatures and proofs are asked for.
    pub(super) dnssec: bool,
}

impl Answer {
    pub(super) fn new(dnssec: bool) -> Self {
        Self { code: ResponseCode::NoError, answers: Vec::new(), authorities: Vec::new(), dnssec }
    }

    /// Adds a set to the answers; `owner` is another name than the set's when a wildcard is expanded.
    fn answer(&mut self, set: &RrSet, owner: &Name) {
        let signatures = set.signatures.iter().filter(|_| self.dnssec);
        for record in set.records.iter().chain(signatures) {
            let mut record = record.clone();
            record.name = owner.clone();
            self.answers.push(record);
        }
    }

    fn authority<'a>(&mut self, set: impl Iterator<Item = &'a Record>) {
        for record in set {
            if !self.authorities.contains(record) {
                self.authorities.push(record.clone());
            }
        }
    }

    fn proof<'a>(&mut self, sets: impl IntoIterator<Item = &'a RrSet>) {
        if self.dnssec {
            for set in sets {
                self.authority(set.records.iter().chain(&set.signatures));
            }
        }
    }
}

impl Zone {
    /// Adds what this zone has to say about a question; a name, if the question goes on there (RFC 1034 §4.3.2).
    pub(super) fn look(&self, name: &LowerName, kind: RecordType, answer: &mut Answer) -> Option<LowerName> {
        if let Some(node) = self.nodes.get(name) {
            let found = take(node, name, kind, answer);
            return found.unwrap_or_else(|| {
                self.no_records(answer, ResponseCode::NoError);
                answer.proof(self.denial.no_type(name));
                None
            });
        }
        if self.is_empty_non_terminal(name) {
            self.no_records(answer, ResponseCode::NoError);
            answer.proof(self.denial.no_type(name));
            return None;
        }
        let encloser = self.closest_encloser(name);
        let wildcard = wildcard_below(&encloser);
        let Some(node) = wildcard.as_ref().and_then(|wildcard| self.nodes.get(wildcard)) else {
            // RFC 4035 §3.1.3.2: neither the name nor a wildcard that would match it.
            self.no_records(answer, ResponseCode::NXDomain);
            answer.proof(self.denial.no_name(name, &encloser));
            answer.proof(wildcard.iter().flat_map(|wildcard| self.denial.no_wildcard(wildcard)));
            return None;
        };
        let found = take(node, name, kind, answer);
        if found.is_some() {
            // RFC 4035 §3.1.3.3: no closer match.
            answer.proof(self.denial.no_closer(name, &encloser));
        } else {
            // RFC 4035 §3.1.3.4
            self.no_records(answer, ResponseCode::NoError);
            answer.proof(self.denial.no_name(name, &encloser));
            answer.proof(wildcard.iter().flat_map(|wildcard| self.denial.no_type(wildcard)));
        }
        found.flatten()
    }

    /// A negative answer with the zone's SOA (RFC 2308 §3).
    fn no_records(&self, answer: &mut Answer, code: ResponseCode) {
        answer.code = code;
        let soa = self.nodes.get(&self.origin).and_then(|apex| apex.get(&RecordType::SOA));
        let signatures = soa.iter().flat_map(|soa| &soa.signatures).filter(|_| answer.dnssec);
        let records: Vec<_> =
            soa.iter().flat_map(|soa| &soa.records).chain(signatures).map(at_negative_ttl).collect();
        answer.authority(records.iter());
    }

    /// There is no such name, and there are names below it (RFC 4592 §2.2.2).
    fn is_empty_non_terminal(&self, name: &LowerName) -> bool {
        // In canonical order, what is below a name follows it.
        let mut after = self.nodes.range((Bound::Excluded(name), Bound::Unbounded));
        after.next().is_some_and(|(next, _)| name.zone_of(next))
    }

    /// The longest existing ancestor of a name of this zone that does not exist itself (RFC 4592 §3.3.1).
    fn closest_encloser(&self, name: &LowerName) -> LowerName {
        let mut encloser = name.base_name();
        while !(self.nodes.contains_key(&encloser)
            || self.is_empty_non_terminal(&encloser)
            || encloser.is_root())
        {
            encloser = encloser.base_name();
        }
        encloser
    }
}

/// Answers from a node: `None` if it has nothing of that type, else the name at which the question goes on, if it does.
fn take(node: &Node, name: &LowerName, kind: RecordType, answer: &mut Answer) -> Option<Option<LowerName>> {
    let owner = Name::from(name);
    if kind == RecordType::ANY {
        node.values().for_each(|set| answer.answer(set, &owner));
        return Some(None);
    }
    if let Some(set) = node.get(&kind) {
        answer.answer(set, &owner);
        return Some(None);
    }
    let alias = node.get(&RecordType::CNAME)?;
    answer.answer(alias, &owner);
    let target = alias.records.iter().find_map(|record| match &record.data {
        RData::CNAME(target) => Some(LowerName::new(target)),
        _ => None,
    });
    Some(target)
}

/// RFC 2308 §5: how long a negative answer holds is the lesser of the SOA's time to live and its last field.
fn at_negative_ttl(record: &Record) -> Record {
    let mut record = record.clone();
    record.ttl = record.ttl.min(super::NEGATIVE_TTL);
    record
}

/// `None` for a name so long that nothing can be below it.
fn wildcard_below(encloser: &LowerName) -> Option<LowerName> {
    Some(LowerName::new(&Name::from(encloser).prepend_label("*").ok()?))
}
