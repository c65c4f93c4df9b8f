//! The proof that something is not there: NSEC (RFC 4034 §4) and NSEC3 (RFC 5155).

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use hickory_server::proto::{
    dnssec::{
        Nsec3HashAlgorithm,
        rdata::{DNSSECRData, NSEC, NSEC3, NSEC3PARAM},
    },
    rr::{LowerName, Name, RData, Record, RecordType},
};

use super::{
    NEGATIVE_TTL,
    zone::{Node, Nodes, RrSet},
};

/// RFC 9276 asks for no salt and no iteration more; the zones of yesterday have both.
const SALT: &[u8] = &[0xab, 0xcd];
const ITERATIONS: u16 = 5;

/// A zone's chain of names.
pub(super) enum Denial {
    /// An unsigned zone proves nothing.
    Nothing,
    /// By name.
    Nsec(BTreeMap<LowerName, RrSet>),
    /// By the hash of the name.
    Nsec3(BTreeMap<Vec<u8>, RrSet>),
}

impl Denial {
    /// The chain of a zone's names, unsigned yet.
    pub(super) fn nsec(origin: &LowerName, nodes: &Nodes) -> Self {
        let next = nodes.keys().skip(1).chain([origin]);
        let chain = nodes.iter().zip(next).map(|((name, node), next)| {
            let nsec = NSEC::new_cover_self(next.into(), node.keys().copied());
            (name.clone(), set(name.into(), DNSSECRData::NSEC(nsec)))
        });
        Self::Nsec(chain.collect())
    }

    /// The chain of the hashes of a zone's names, unsigned yet. Empty non-terminals are in it (RFC 5155 §7.1).
    pub(super) fn nsec3(origin: &LowerName, nodes: &Nodes) -> Result<Self> {
        let mut names = BTreeSet::new();
        for name in nodes.keys() {
            let mut name = name.clone();
            while name != *origin && names.insert(name.clone()) {
                name = name.base_name();
            }
        }
        names.insert(origin.clone());
        let mut types = BTreeMap::new();
        for name in names {
            types.insert(hash(&name)?, nodes.get(&name).map(|node| nsec3_types(node, name == *origin)));
        }
        let first = types.keys().next().cloned().unwrap_or_default();
        let next = types.keys().skip(1).cloned().chain([first]).collect::<Vec<_>>();
        let mut chain = BTreeMap::new();
        for ((hash, types), next) in types.into_iter().zip(next) {
            let owner = Name::from(origin).prepend_label(label(&hash)?)?;
            let types = types.unwrap_or_default();
            let nsec3 = NSEC3::new(Nsec3HashAlgorithm::SHA1, false, ITERATIONS, SALT.to_vec(), next, types);
            chain.insert(hash, set(owner, DNSSECRData::NSEC3(nsec3)));
        }
        Ok(Self::Nsec3(chain))
    }

    /// The record by which a zone says that it has NSEC3.
    pub(super) fn nsec3_parameters() -> RData {
        let parameters = NSEC3PARAM::new(Nsec3HashAlgorithm::SHA1, false, ITERATIONS, SALT.to_vec());
        RData::DNSSEC(DNSSECRData::NSEC3PARAM(parameters))
    }

    pub(super) fn sets(&mut self) -> Box<dyn Iterator<Item = &mut RrSet> + '_> {
        match self {
            Self::Nothing => Box::new(std::iter::empty()),
            Self::Nsec(chain) => Box::new(chain.values_mut()),
            Self::Nsec3(chain) => Box::new(chain.values_mut()),
        }
    }

    /// The name exists, without records of the type.
    pub(super) fn no_type(&self, name: &LowerName) -> Vec<&RrSet> {
        match self {
            // NSEC has nothing of its own for an empty non-terminal.
            Self::Nsec(chain) if !chain.contains_key(name) => Vec::from_iter(self.covering(name)),
            Self::Nsec(_) | Self::Nsec3(_) | Self::Nothing => Vec::from_iter(self.matching(name)),
        }
    }

    /// The name does not exist; `encloser` is the longest ancestor that does.
    pub(super) fn no_name(&self, name: &LowerName, encloser: &LowerName) -> Vec<&RrSet> {
        let mut proof = self.no_closer(name, encloser);
        if let Self::Nsec3(_) = self {
            // RFC 5155 §7.2.1
            proof.extend(self.matching(encloser));
        }
        proof
    }

    /// Nothing between the name and its `encloser` exists.
    pub(super) fn no_closer(&self, name: &LowerName, encloser: &LowerName) -> Vec<&RrSet> {
        match self {
            Self::Nsec(_) | Self::Nothing => Vec::from_iter(self.covering(name)),
            Self::Nsec3(_) => Vec::from_iter(self.covering(&next_closer(name, encloser))),
        }
    }

    /// The wildcard does not exist.
    pub(super) fn no_wildcard(&self, wildcard: &LowerName) -> Option<&RrSet> {
        self.covering(wildcard)
    }

    fn matching(&self, name: &LowerName) -> Option<&RrSet> {
        match self {
            Self::Nothing => None,
            Self::Nsec(chain) => chain.get(name),
            Self::Nsec3(chain) => chain.get(&hash(name).ok()?),
        }
    }

    fn covering(&self, name: &LowerName) -> Option<&RrSet> {
        fn before<'a, K: Ord>(chain: &'a BTreeMap<K, RrSet>, key: &K) -> Option<&'a RrSet> {
            // The last goes round to the first.
            chain.range(..key).next_back().or_else(|| chain.last_key_value()).map(|(_, set)| set)
        }
        match self {
            Self::Nothing => None,
            Self::Nsec(chain) => before(chain, name),
            Self::Nsec3(chain) => before(chain, &hash(name).ok()?),
        }
    }
}

fn set(owner: Name, data: DNSSECRData) -> RrSet {
    // RFC 9077 §3: as long as other negative answers.
    let record = Record::from_rdata(owner, NEGATIVE_TTL, RData::DNSSEC(data));
    RrSet { records: vec![record], signatures: Vec::new() }
}

/// RFC 5155 §3.1.8, §7.1: an unsigned delegation has no signature.
fn nsec3_types(node: &Node, apex: bool) -> Vec<RecordType> {
    let unsigned = !apex && node.keys().all(|kind| *kind == RecordType::NS);
    node.keys().copied().chain((!unsigned).then_some(RecordType::RRSIG)).collect()
}

/// The name one label longer than `encloser` on the way to `name` (RFC 5155 §1.3).
fn next_closer(name: &LowerName, encloser: &LowerName) -> LowerName {
    let mut closer = name.clone();
    while closer.base_name() != *encloser && !closer.is_root() {
        closer = closer.base_name();
    }
    closer
}

fn hash(name: &LowerName) -> Result<Vec<u8>> {
    Ok(Nsec3HashAlgorithm::SHA1.hash(SALT, &Name::from(name), ITERATIONS)?.as_ref().to_vec())
}

/// Base 32 with extended hex alphabet (RFC 5155 §3.3).
fn label(hash: &[u8]) -> Result<Vec<u8>> {
    let nsec3 = NSEC3::new(Nsec3HashAlgorithm::SHA1, false, 0, Vec::new(), hash.to_vec(), []);
    let label = nsec3.next_hashed_owner_name_base32().context("a hash is no label")?;
    Ok(label.as_bytes().to_vec())
}
