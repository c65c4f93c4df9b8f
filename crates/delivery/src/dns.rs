//! The only file that names the DNS library.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use guarantee::{Age, LookupFailure, LookupFailureKind, Proof};
use hickory_resolver::{
    TokioResolver,
    config::{
        ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
    },
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{RData, RecordType},
    },
};

/// One question must be answered within this time; it is asked twice.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// Answers kept by TTL.
const CACHE: u64 = 16_384;

/// Questions under way on one TCP connection; beyond it they would fail. Each job has two for each of its hosts.
const QUESTIONS: usize = 4096;

/// Negative answers are kept no longer than this, so that a mended zone is seen soon.
const NEGATIVE_TTL: Duration = Duration::from_mins(5);

/// A caching DNS client.
#[derive(Clone)]
pub(crate) struct Dns {
    resolver: TokioResolver,
}

/// An answer of the DNS: data, the certainty that there is none, or no knowledge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer<T> {
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
pub(crate) struct Found<T> {
    /// Never empty.
    pub(crate) records: Vec<T>,
    /// The weakest of theirs and of every CNAME on the way (RFC 7672 §2.1.3).
    pub(crate) proof: Proof,
    /// Whether they come from a cache.
    pub(crate) age: Age,
}

/// Whom to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsServers {
    /// The machine's own configuration.
    System,
    /// These, over UDP and TCP.
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

impl Dns {
    /// A client of these servers. Fails when the machine's configuration can't be read.
    pub(crate) fn new(servers: &DnsServers, timeout: Duration) -> Result<Self, String> {
        let config = match servers {
            DnsServers::System => {
                hickory_resolver::system_conf::read_system_conf().map_err(|error| error.to_string())?.0
            }
            DnsServers::At(addresses) => {
                ResolverConfig::from_name_servers(addresses.iter().map(name_server).collect())
            }
        };
        // No search list: a domain of a mail address is always whole.
        let config = ResolverConfig::from_name_servers(config.name_servers().to_vec());
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = options(timeout);
        let resolver = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { resolver })
    }

    /// The MX records of a domain: preference and host, CNAMEs followed. The root (`.`) comes as an empty name.
    pub(crate) async fn mx(&self, domain: &str) -> Answer<(u16, String)> {
        self.ask(domain, RecordType::MX, |data| match data {
            RData::MX(mx) => Some((mx.preference, host_name(&mx.exchange.to_ascii()))),
            _ => None,
        })
        .await
    }

    /// The IPv4 and IPv6 addresses of a host.
    pub(crate) async fn addresses(&self, host: &str) -> Answer<IpAddr> {
        let (v4, v6) = tokio::join!(
            self.ask(host, RecordType::A, |data| match data {
                RData::A(a) => Some(IpAddr::V4(a.0)),
                _ => None,
            }),
            self.ask(host, RecordType::AAAA, |data| match data {
                RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
                _ => None,
            }),
        );
        both(v6, v4)
    }

    /// The TXT records of a name, the character-strings of each in one (RFC 8461 §3.1). What is not UTF-8 is replaced.
    #[allow(dead_code)] // MTA-STS and TLS-RPT will ask.
    pub(crate) async fn txt(&self, name: &str, _age: Age) -> Answer<String> {
        self.ask(name, RecordType::TXT, |data| match data {
            RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
            _ => None,
        })
        .await
    }

    async fn ask<T>(&self, name: &str, kind: RecordType, pick: impl Fn(&RData) -> Option<T>) -> Answer<T> {
        // Fully qualified: never completed by a search list.
        match self.resolver.lookup(format!("{name}."), kind).await {
            Ok(lookup) => {
                let found: Vec<T> = lookup.answers().iter().filter_map(|record| pick(&record.data)).collect();
                if found.is_empty() {
                    Answer::NoData(Proof::Insecure)
                } else {
                    Answer::Found(Found { records: found, proof: Proof::Insecure, age: Age::Cached })
                }
            }
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => match none.response_code {
                ResponseCode::NXDomain => Answer::NxDomain(Proof::Insecure),
                ResponseCode::NoError => Answer::NoData(Proof::Insecure),
                other => unanswered(other.to_string()),
            },
            Err(error) => unanswered(error.to_string()),
        }
    }
}

fn unanswered<T>(detail: String) -> Answer<T> {
    Answer::Failed(LookupFailure { kind: LookupFailureKind::Unanswered, detail })
}

/// One family's failure is not hidden by the other's denial, only by its data.
fn both<T>(first: Answer<T>, second: Answer<T>) -> Answer<T> {
    match (first, second) {
        (Answer::Found(first), Answer::Found(second)) => Answer::Found(Found {
            proof: first.proof.min(second.proof),
            age: first.age,
            records: in_turn(first.records, second.records),
        }),
        (Answer::Found(all), _) | (_, Answer::Found(all)) => Answer::Found(all),
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

fn host_name(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut connections {
        connection.port = address.port();
    }
    NameServerConfig::new(address.ip(), true, connections)
}

fn options(timeout: Duration) -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = timeout;
    // Besides the first.
    options.attempts = 1;
    options.cache_size = CACHE;
    options.max_active_requests = QUESTIONS;
    options.negative_max_ttl = Some(NEGATIVE_TTL);
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn found(all: &[u8]) -> Answer<u8> {
        Answer::Found(Found { records: all.to_vec(), proof: Proof::Insecure, age: Age::Cached })
    }

    fn failed() -> Answer<u8> {
        unanswered("SERVFAIL".to_owned())
    }

    const NO_DATA: Answer<u8> = Answer::NoData(Proof::Insecure);
    const NX_DOMAIN: Answer<u8> = Answer::NxDomain(Proof::Insecure);

    #[rstest]
    #[case(found(&[1, 2]), found(&[7, 8, 9]), found(&[1, 7, 2, 8, 9]))]
    #[case(found(&[1]), failed(), found(&[1]))]
    #[case(NX_DOMAIN, found(&[7]), found(&[7]))]
    #[case(NO_DATA, failed(), failed())]
    #[case(failed(), NX_DOMAIN, failed())]
    #[case(NO_DATA, NX_DOMAIN, NO_DATA)]
    #[case(NX_DOMAIN, NX_DOMAIN, NX_DOMAIN)]
    fn addresses_of_both_families_make_one_answer(
        #[case] v6: Answer<u8>,
        #[case] v4: Answer<u8>,
        #[case] expected: Answer<u8>,
    ) {
        assert_eq!(both(v6, v4), expected);
    }
}
