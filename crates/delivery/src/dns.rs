//! Look-ups in the DNS, each with its proof. Only here is the DNS library named.

mod anchor;
mod asking;
mod bounded;
mod denial;
mod reduce;
mod resolver;
mod server;
mod step;
mod unsigned;

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use guarantee::{Age, LookupFailure, LookupFailureKind, Proof, TlsaRecord};
use hickory_resolver::proto::rr::{Name, RData, RecordType, rdata};

pub use anchor::ROOT_ANCHOR;
use resolver::Resolver;
use step::Step;

/// One question must be answered within this time; it is asked twice.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// CNAMEs followed from one name.
const MAX_ALIASES: usize = 8;

/// A validating, caching DNS client.
#[derive(Clone)]
pub struct Dns {
    resolver: Resolver,
}

/// Whom to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsServers {
    /// The machine's own configuration.
    System,
    /// These, over UDP and TCP: recursive resolvers.
    At(Vec<SocketAddr>),
}

/// How far answers are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dnssec {
    /// Signatures are checked here, from this root trust anchor down: DNSKEY or DS records in zone file format.
    Validate {
        /// The anchor.
        anchor: String,
    },
    /// The servers check them and say so with the AD bit (RFC 4035 §3.2.3); they must be on loopback (RFC 7672 §2.1.3).
    TrustAd,
}

/// An answer of the DNS: data, the certainty that there is none, or no knowledge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// At least one record.
    Found(Found<T>),
    /// The name exists, but has no such record.
    NoData(Proof),
    /// The name does not exist.
    NxDomain(Proof),
    /// Nothing is known: bogus, or not answered.
    Failed(LookupFailure),
}

/// Records of one type, CNAMEs followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// Never empty.
    pub records: Vec<T>,
    /// The weakest of theirs and of every CNAME on the way (RFC 7672 §2.1.3).
    pub proof: Proof,
    /// Whether they come from a cache, ours or, as far as their TTL tells, a server's.
    pub age: Age,
    /// Where CNAMEs lead, if the name has one.
    pub alias: Option<Alias>,
}

/// That a name is another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The name at the end, in lower case, without the final dot.
    pub target: String,
    /// How far the first CNAME is proven.
    pub first: Proof,
}

impl Dns {
    /// A client of these servers. Fails when the machine's configuration can't be read, the anchor is none, or servers
    /// that are to be trusted are not on this machine.
    pub fn new(servers: &DnsServers, dnssec: &Dnssec, timeout: Duration) -> Result<Self, String> {
        Ok(Self { resolver: Resolver::new(servers, dnssec, timeout)? })
    }

    /// Whether signatures can be checked at all; the error says why not, and the remedy.
    pub async fn check(&self) -> Result<(), String> {
        self.resolver.check().await
    }

    /// The MX records of a domain: preference and host, CNAMEs followed. The root (`.`) comes as an empty name.
    pub async fn mx(&self, domain: &str, age: Age) -> Answer<(u16, String)> {
        self.ask(domain, RecordType::MX, age, |data| match data {
            RData::MX(mx) => Some((mx.preference, host_name(&mx.exchange))),
            _ => None,
        })
        .await
    }

    /// The IPv4 and IPv6 addresses of a host.
    pub async fn addresses(&self, host: &str, age: Age) -> Answer<IpAddr> {
        let (v4, v6) = tokio::join!(
            self.ask(host, RecordType::A, age, |data| match data {
                RData::A(a) => Some(IpAddr::V4(a.0)),
                _ => None,
            }),
            self.ask(host, RecordType::AAAA, age, |data| match data {
                RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
                _ => None,
            }),
        );
        both(v6, v4)
    }

    /// The TLSA records of a TLSA base domain for a port (RFC 7672 §2.2.3).
    pub async fn tlsa(&self, port: u16, base: &str, age: Age) -> Answer<TlsaRecord> {
        let name = format!("_{port}._tcp.{base}");
        self.ask(&name, RecordType::TLSA, age, |data| match data {
            RData::TLSA(tlsa) => Some(record(tlsa)),
            _ => None,
        })
        .await
    }

    /// The TXT records of a name, the character-strings of each in one (RFC 8461 §3.1). What is not UTF-8 is replaced.
    pub async fn txt(&self, name: &str, age: Age) -> Answer<String> {
        self.ask(name, RecordType::TXT, age, |data| match data {
            RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
            _ => None,
        })
        .await
    }

    async fn ask<T>(
        &self,
        name: &str,
        kind: RecordType,
        age: Age,
        pick: impl Fn(&RData) -> Option<T>,
    ) -> Answer<T> {
        // Fully qualified: never completed by a search list.
        let Ok(mut at) = Name::from_ascii(format!("{name}.")) else {
            return unanswered(format!("{name} is no name"));
        };
        let (mut proven, mut oldest, mut first) = (Proof::Secure, Age::Fresh, None);
        for _ in 0..=MAX_ALIASES {
            match self.resolver.step(&at, kind, age).await {
                Step::Found { data, proof, age } => {
                    let records: Vec<T> = data.iter().filter_map(&pick).collect();
                    if records.is_empty() {
                        return unanswered(format!("malformed {kind} record"));
                    }
                    return Answer::Found(Found {
                        records,
                        proof: proven.min(proof),
                        age: older(oldest, age),
                        alias: first.map(|first| Alias { target: host_name(&at), first }),
                    });
                }
                Step::Alias { target, proof, age, .. } => {
                    (proven, oldest) = (proven.min(proof), older(oldest, age));
                    first.get_or_insert(proof);
                    at = target;
                }
                Step::NoData(proof) => return Answer::NoData(proven.min(proof)),
                Step::NxDomain(proof) => return Answer::NxDomain(proven.min(proof)),
                Step::Failed(kind, detail) => return Answer::Failed(LookupFailure { kind, detail }),
            }
        }
        unanswered(format!("more than {MAX_ALIASES} CNAMEs from one to the next"))
    }
}

fn older(one: Age, other: Age) -> Age {
    if one == Age::Fresh { other } else { one }
}

fn record(tlsa: &rdata::TLSA) -> TlsaRecord {
    TlsaRecord {
        usage: tlsa.cert_usage.into(),
        selector: tlsa.selector.into(),
        matching: tlsa.matching.into(),
        data: tlsa.cert_data.clone(),
    }
}

/// In lower case, without the final dot.
fn host_name(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}

fn unanswered<T>(detail: String) -> Answer<T> {
    Answer::Failed(LookupFailure { kind: LookupFailureKind::Unanswered, detail })
}

/// Both must be secure to be so together, also where one is denied. One family's failure counts (RFC 7672 §2.2.2), but
/// for an unsigned name with data of the other: many of those can't answer for AAAA (RFC 4074).
fn both<T>(first: Answer<T>, second: Answer<T>) -> Answer<T> {
    match (first, second) {
        (Answer::Found(first), Answer::Found(second)) => Answer::Found(Found {
            proof: first.proof.min(second.proof),
            age: older(first.age, second.age),
            records: in_turn(first.records, second.records),
            alias: first.alias,
        }),
        (Answer::Found(all), Answer::NoData(proof) | Answer::NxDomain(proof))
        | (Answer::NoData(proof) | Answer::NxDomain(proof), Answer::Found(all)) => {
            Answer::Found(Found { proof: all.proof.min(proof), ..all })
        }
        (Answer::Found(all), Answer::Failed(why)) | (Answer::Failed(why), Answer::Found(all))
            if all.proof == Proof::Insecure && why.kind == LookupFailureKind::Unanswered =>
        {
            Answer::Found(all)
        }
        (Answer::Failed(why), _) | (_, Answer::Failed(why)) => Answer::Failed(why),
        (Answer::NxDomain(one), Answer::NxDomain(other)) => Answer::NxDomain(one.min(other)),
        (Answer::NoData(one) | Answer::NxDomain(one), Answer::NoData(other) | Answer::NxDomain(other)) => {
            Answer::NoData(one.min(other))
        }
    }
}

/// One of each list after the other, so that however many there are of one, the other's first is among the first.
fn in_turn<T>(first: Vec<T>, second: Vec<T>) -> Vec<T> {
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut all = Vec::with_capacity(first.len() + second.len());
    loop {
        match (first.next(), second.next()) {
            (None, None) => return all,
            (one, other) => all.extend(one.into_iter().chain(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn found(proof: Proof, all: &[u8]) -> Answer<u8> {
        Answer::Found(Found { records: all.to_vec(), proof, age: Age::Cached, alias: None })
    }

    fn insecure(all: &[u8]) -> Answer<u8> {
        found(Proof::Insecure, all)
    }

    fn secure(all: &[u8]) -> Answer<u8> {
        found(Proof::Secure, all)
    }

    fn bogus() -> Answer<u8> {
        Answer::Failed(LookupFailure { kind: LookupFailureKind::Bogus, detail: "bogus".to_owned() })
    }

    fn failed() -> Answer<u8> {
        unanswered("SERVFAIL".to_owned())
    }

    const NO_DATA: Answer<u8> = Answer::NoData(Proof::Insecure);
    const SECURE_NO_DATA: Answer<u8> = Answer::NoData(Proof::Secure);
    const NX_DOMAIN: Answer<u8> = Answer::NxDomain(Proof::Insecure);

    #[rstest]
    #[case(insecure(&[1, 2]), insecure(&[7, 8, 9]), insecure(&[1, 7, 2, 8, 9]))]
    #[case(secure(&[1]), secure(&[7]), secure(&[1, 7]))]
    #[case(secure(&[1]), insecure(&[7]), insecure(&[1, 7]))]
    #[case(secure(&[1]), SECURE_NO_DATA, secure(&[1]))]
    #[case(NO_DATA, secure(&[7]), insecure(&[7]))]
    #[case(insecure(&[1]), failed(), insecure(&[1]))]
    #[case(failed(), secure(&[1]), failed())]
    #[case(insecure(&[1]), bogus(), bogus())]
    #[case(NX_DOMAIN, insecure(&[7]), insecure(&[7]))]
    #[case(NO_DATA, failed(), failed())]
    #[case(failed(), NX_DOMAIN, failed())]
    #[case(NO_DATA, NX_DOMAIN, NO_DATA)]
    #[case(SECURE_NO_DATA, SECURE_NO_DATA, SECURE_NO_DATA)]
    #[case(NX_DOMAIN, NX_DOMAIN, NX_DOMAIN)]
    fn addresses_of_both_families_make_one_answer(
        #[case] v6: Answer<u8>,
        #[case] v4: Answer<u8>,
        #[case] expected: Answer<u8>,
    ) {
        assert_eq!(both(v6, v4), expected);
    }
}
