//! From a next hop to [`Facts`]: which hosts take its mail, and where they are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use guarantee::{Addresses, Age, Facts, MxAnswer, MxHost, Proof, Sts, Tlsa};
use rand::seq::SliceRandom;

use crate::dns::{Alias, Answer, Dns, Found};

/// MX hosts looked at for one next hop; more than any honest domain has.
const MAX_HOSTS: usize = 20;

/// Addresses tried for one MX host.
const MAX_ADDRESSES: usize = 6;

/// What is not a destination for mail that is routed by MX.
#[derive(Clone, Debug, Default)]
pub struct Ownership {
    /// Names this server goes by, in lower case.
    pub names: Vec<String>,
    /// Addresses this server listens at.
    pub addresses: Vec<IpAddr>,
    /// The demo's world is on loopback: there, and only there, these addresses are destinations.
    pub loopback_is_the_world: bool,
}

/// What to look up, and where.
#[derive(Clone, Copy)]
pub(crate) struct Gathering<'a> {
    pub(crate) dns: &'a Dns,
    pub(crate) own: &'a Ownership,
    /// The port that MX hosts are spoken to at.
    pub(crate) port: u16,
    /// Fresh: past what is kept here.
    pub(crate) age: Age,
}

impl Gathering<'_> {
    /// Looks up where mail for `next_hop` (in A-labels) goes (RFC 5321 §5.1), and what its hosts publish for DANE. Its
    /// MTA-STS policy is not looked for.
    pub(crate) async fn gather(self, next_hop: &str) -> Facts {
        let mx = match self.dns.mx(next_hop, self.age).await {
            // RFC 7505 §3: a single record, preference 0, the root.
            Answer::Found(found) if found.records.len() == 1 && found.records[0].1.is_empty() => {
                MxAnswer::NullMx
            }
            Answer::Found(found) => MxAnswer::Hosts {
                proof: found.proof,
                expanded: expanded(found.alias, found.proof),
                hosts: self.hosts(found.records).await,
            },
            // RFC 5321 §5.1: without an MX the domain is its own host.
            Answer::NoData(proof) => self.implicit(next_hop, proof).await,
            Answer::NxDomain(_) => MxAnswer::NoSuchDomain,
            Answer::Failed(failure) => MxAnswer::Failed(failure),
        };
        Facts { next_hop: next_hop.to_owned(), mx, sts: Sts::None }
    }

    /// `no_mx` is how far it is proven that the domain has no MX.
    async fn implicit(self, next_hop: &str, no_mx: Proof) -> MxAnswer {
        let (host, proof, alias) = self.host(0, next_hop.to_owned()).await;
        match host.addresses {
            Addresses::NoAddress => MxAnswer::NoSuchDomain,
            Addresses::Failed(failure) => MxAnswer::Failed(failure),
            Addresses::Found(_) | Addresses::Forbidden => {
                let proof = proof.min(no_mx);
                MxAnswer::Hosts { proof, expanded: expanded(alias, proof), hosts: vec![host] }
            }
        }
    }

    async fn hosts(self, mut records: Vec<(u16, String)>) -> Vec<MxHost> {
        // RFC 5321 §5.1: equal preferences in random order. A root name among others is no host.
        records.retain(|(_, name)| !name.is_empty());
        records.shuffle(&mut rand::rng());
        records.sort_by_key(|(preference, _)| *preference);
        records.truncate(MAX_HOSTS);
        let lookups =
            records.into_iter().map(|(preference, name)| async move { self.host(preference, name).await.0 });
        futures_util::future::join_all(lookups).await
    }

    /// The host, how far its addresses are proven, and where its CNAMEs lead.
    async fn host(self, preference: u16, name: String) -> (MxHost, Proof, Option<Alias>) {
        let Self { own, .. } = self;
        let answer = self.dns.addresses(&name, self.age).await;
        let tlsa = self.tlsa(&name, &answer).await;
        let (addresses, at_own_address, proof, alias) = match answer {
            Answer::Found(found) => {
                // ::ffff:192.0.2.1 is 192.0.2.1.
                let addresses: Vec<IpAddr> = found.records.iter().map(IpAddr::to_canonical).collect();
                let own_address = addresses.iter().any(|address| own.addresses.contains(address));
                (usable(own, addresses), own_address, found.proof, found.alias)
            }
            Answer::NoData(proof) | Answer::NxDomain(proof) => (Addresses::NoAddress, false, proof, None),
            Answer::Failed(failure) => (Addresses::Failed(failure), false, Proof::Insecure, None),
        };
        let is_self = own.names.contains(&name) || at_own_address;
        (MxHost { name, preference, addresses, is_self, tlsa }, proof, alias)
    }

    /// The TLSA records of a host whose addresses are these (RFC 7672 §2.2.2, §2.2.3).
    pub(crate) async fn tlsa(self, host: &str, addresses: &Answer<IpAddr>) -> Tlsa {
        // An unsigned name is not asked about: some name servers fail at such questions.
        let Answer::Found(found) = addresses else { return Tlsa::None };
        let bases: &[&str] = match (&found.alias, found.proof) {
            (None, Proof::Secure) => &[host],
            (Some(alias), Proof::Secure) => &[&alias.target, host],
            // Where the CNAMEs lead is unsigned; that the host has one is not.
            (Some(Alias { first: Proof::Secure, .. }), Proof::Insecure) => &[host],
            (None | Some(_), Proof::Insecure) => &[],
        };
        for base in bases {
            match self.dns.tlsa(self.port, base, self.age).await {
                Answer::Found(Found { records, proof: Proof::Secure, age, .. }) => {
                    return Tlsa::Published { base: (*base).to_owned(), records, age };
                }
                Answer::Failed(failure) => return Tlsa::Failed(failure),
                Answer::Found(_) | Answer::NoData(_) | Answer::NxDomain(_) => {}
            }
        }
        Tlsa::None
    }
}

/// The name at the end of proven CNAMEs is the next hop's, too (RFC 7672 §3.2.2).
fn expanded(alias: Option<Alias>, proof: Proof) -> Option<String> {
    alias.filter(|_| proof == Proof::Secure).map(|alias| alias.target)
}

/// Those of a host's addresses that may be connected to, not too many.
pub(crate) fn usable(own: &Ownership, mut found: Vec<IpAddr>) -> Addresses {
    found.retain(
        |address| if own.loopback_is_the_world { address.is_loopback() } else { is_public(*address) },
    );
    found.truncate(MAX_ADDRESSES);
    if found.is_empty() { Addresses::Forbidden } else { Addresses::Found(found) }
}

/// Whether mail routed by MX may go to this address: not to loopback, private, link-local, multicast or reserved
/// ones (RFC 6890), in whichever notation. What an operator configures, a route, may lie there; a zone of anybody may not point there.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let reserved = matches!(
        (a, b, c),
        (0 | 10 | 127 | 240..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !reserved && !address.is_multicast()
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        // IPv4-mapped, NAT64 (RFC 6052) and 6to4 lead to the IPv4 address inside.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(embedded(high, low))
        }
        [0x2002, high, low, ..] => is_public_v4(embedded(high, low)),
        // Protocol assignments, Teredo among them, and documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Global unicast is 2000::/3 (RFC 4291 §2.4); everything else is special.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("8.8.8.8", true)]
    #[case("127.0.0.1", false)]
    #[case("127.9.9.9", false)]
    #[case("10.1.2.3", false)]
    #[case("172.15.0.1", true)]
    #[case("172.16.0.1", false)]
    #[case("172.31.255.255", false)]
    #[case("172.32.0.1", true)]
    #[case("192.168.1.1", false)]
    #[case("169.254.169.254", false)]
    #[case("100.64.0.1", false)]
    #[case("100.128.0.1", true)]
    #[case("0.0.0.0", false)]
    #[case("224.0.0.1", false)]
    #[case("255.255.255.255", false)]
    #[case("::1", false)]
    #[case("::", false)]
    #[case("::ffff:127.0.0.1", false)]
    #[case("::ffff:8.8.8.8", true)]
    #[case("64:ff9b::7f00:1", false)]
    #[case("64:ff9b::808:808", true)]
    #[case("2002:7f00:1::", false)]
    #[case("fe80::1", false)]
    #[case("fc00::1", false)]
    #[case("fd12::1", false)]
    #[case("ff02::1", false)]
    #[case("2001:db8::1", false)]
    #[case("2001::1", false)]
    #[case("2001:20::1", false)]
    #[case("2001:200::1", true)]
    #[case("3fff::1", false)]
    #[case("2a00:1450::1", true)]
    fn mail_by_mx_goes_only_to_public_addresses(#[case] address: &str, #[case] public: bool) {
        assert_eq!(is_public(address.parse().expect("an address")), public);
    }
}
