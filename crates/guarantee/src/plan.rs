use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    Addresses, Age, Cause, Facts, HostAddress, HostFailure, LookupFailure, LookupFailureKind, Mechanism,
    MxAnswer, MxHost, Proof, Requirement, Sts, StsMode, StsPolicy, Tlsa, UsableTlsa, Weight, usable_tlsa,
};

/// What to do about a next hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Try these hosts in order.
    Try {
        /// Hosts that may be spoken to.
        hosts: Vec<PlannedHost>,
        /// Hosts that may not: unknown where they are or what they must show, or excluded by the domain's policy.
        barred: Vec<HostFailure>,
    },
    /// No host can ever take this: bounce.
    Refuse(Cause),
    /// Nothing can be said now: defer.
    Defer(Cause),
}

/// One MX host to try, and what it must show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedHost {
    /// The MX host's name.
    pub name: String,
    /// The name to ask for in SNI: the TLSA base domain with DANE (RFC 7672 §8.1), or else the host's (RFC 8461 §7).
    pub sni: String,
    /// Addresses in the order to try them.
    pub addresses: Vec<IpAddr>,
    /// What the sender asks.
    pub requirement: Requirement,
    /// What the receiving domain asks by DANE.
    pub dane: Dane,
    /// What it asks by MTA-STS.
    pub sts: StsDemand,
    /// The recipient domain, which a certificate may name instead of the host.
    pub next_hop: String,
    /// How far it is proven that mail for the domain goes to this host.
    pub proof: Proof,
}

/// What a receiving domain asks of one host by DANE (RFC 7672 §2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dane {
    /// Nothing.
    None,
    /// TLS, by anybody: there are records, and none is usable.
    Encrypt,
    /// TLS, by a host that one of the records matches.
    Authenticate {
        /// The TLSA base domain.
        base: String,
        /// Names of which a certificate below a trust anchor must have one (§3.2.2).
        names: Vec<String>,
        /// The usable records after RFC 7671 §9; never empty.
        records: Vec<UsableTlsa>,
        /// Whether they may be out of date.
        age: Age,
    },
}

/// What a receiving domain asks of one host by MTA-STS (RFC 8461 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StsDemand {
    /// Nothing; also what is only `testing`.
    None,
    /// Nothing that is known: there may be a policy by which the host could prove who it is.
    Unknown,
    /// A trusted certificate for the host's name.
    Enforce {
        /// Whether a newer policy was looked for.
        age: Age,
    },
}

impl PlannedHost {
    /// The names that a trusted certificate is asked about.
    pub fn names(&self) -> Vec<&str> {
        let mut names = vec![self.name.as_str()];
        if self.next_hop != self.name {
            names.push(&self.next_hop);
        }
        names
    }

    /// Whether the sender or the receiving domain forbids to send in clear.
    pub fn forbids_clear(&self) -> bool {
        self.requirement.stops() || self.binds()
    }

    /// Whether the receiving domain's wishes count, and it has some.
    fn binds(&self) -> bool {
        self.requirement != Requirement::Regardless
            && (self.dane != Dane::None || matches!(self.sts, StsDemand::Enforce { .. }))
    }
}

/// Which hosts to try for one next hop, in order, and what each must show.
pub fn plan(requirement: Requirement, facts: &Facts) -> Plan {
    let domain = || facts.next_hop.clone();
    match &facts.mx {
        MxAnswer::NullMx => Plan::Refuse(Cause::NullMx { domain: domain() }),
        MxAnswer::NoSuchDomain => Plan::Refuse(Cause::NoSuchDomain { domain: domain() }),
        MxAnswer::Failed(failure) => Plan::Defer(lookup_failed(domain(), failure)),
        MxAnswer::Hosts { hosts, .. } => plan_hosts(requirement, facts, hosts),
    }
}

fn plan_hosts(requirement: Requirement, facts: &Facts, hosts: &[MxHost]) -> Plan {
    // RFC 5321 §5.1: if this server is in the list, it and every host of the same or a higher
    // preference value are left out; if nothing remains, the mail would go round in a circle.
    let own = hosts.iter().filter(|host| host.is_self).map(|host| host.preference).min();
    let mut before_us = hosts.iter().filter(|host| own.is_none_or(|own| host.preference < own)).peekable();
    if before_us.peek().is_none() && own.is_some() {
        return Plan::Refuse(Cause::LoopsBack { domain: facts.next_hop.clone() });
    }
    let mut planned = Vec::new();
    let mut barred = Vec::new();
    for host in before_us {
        match plan_host(requirement, facts, host) {
            Some(Ok(host)) => planned.push(host),
            Some(Err(failure)) => barred.push(failure),
            None => {}
        }
    }
    if planned.is_empty() && barred.is_empty() {
        return Plan::Refuse(Cause::NoUsableAddress { domain: facts.next_hop.clone() });
    }
    Plan::Try { hosts: planned, barred }
}

/// `None` for a host without an address.
fn plan_host(
    requirement: Requirement,
    facts: &Facts,
    host: &MxHost,
) -> Option<Result<PlannedHost, HostFailure>> {
    let away = |failure| {
        Some(Err(HostFailure { cause: lookup_failed(host.name.clone(), failure), weight: Weight::Away }))
    };
    let addresses = match &host.addresses {
        Addresses::Found(addresses) => addresses,
        Addresses::Failed(failure) => return away(failure),
        Addresses::NoAddress | Addresses::Forbidden => return None,
    };
    let dane = match &host.tlsa {
        // RFC 8689 §4.2.2: nothing that the domain publishes, or fails to, makes such a mail fail.
        Tlsa::Failed(_) if requirement == Requirement::Regardless => Dane::None,
        // RFC 7672 §2.1.2: MUST NOT deliver via that server.
        Tlsa::Failed(failure) => return away(failure),
        Tlsa::None => Dane::None,
        Tlsa::Published { base, records, age } => dane(facts, base, &usable_tlsa(records), *age),
    };
    let authenticated_by_dane =
        matches!(dane, Dane::Authenticate { .. }) && facts.mx_proof() == Proof::Secure;
    let enforced = facts.sts.policy().filter(|policy| policy.mode == StsMode::Enforce);
    // RFC 8461 §2: MTA-STS does not interfere with DANE, which says the same of a proven host.
    let sts = match enforced.filter(|_| !authenticated_by_dane) {
        Some(policy) => match (policy.names(&host.name), requirement) {
            (true, _) => StsDemand::Enforce { age: policy.age },
            (false, Requirement::Regardless) => StsDemand::None,
            (false, _) => return Some(Err(not_in_policy(policy, host, addresses))),
        },
        None if matches!(facts.sts, Sts::Unknown | Sts::Unavailable { .. }) => StsDemand::Unknown,
        None => StsDemand::None,
    };
    let sni = match &dane {
        Dane::Authenticate { base, .. } => base.clone(),
        Dane::None | Dane::Encrypt => host.name.clone(),
    };
    Some(Ok(PlannedHost {
        name: host.name.clone(),
        sni,
        addresses: addresses.clone(),
        requirement,
        dane,
        sts,
        next_hop: facts.next_hop.clone(),
        proof: facts.mx_proof(),
    }))
}

fn dane(facts: &Facts, base: &str, usable: &[UsableTlsa], age: Age) -> Dane {
    if usable.is_empty() {
        return Dane::Encrypt;
    }
    let mut names = vec![base.to_owned()];
    // RFC 7672 §3.2.2: the next hop's names only where it is proven that its mail goes to this host.
    if let MxAnswer::Hosts { proof: Proof::Secure, expanded, .. } = &facts.mx {
        names.push(facts.next_hop.clone());
        names.extend(expanded.clone());
    }
    names.dedup();
    Dane::Authenticate { base: base.to_owned(), names, records: usable.to_vec(), age }
}

fn not_in_policy(policy: &StsPolicy, host: &MxHost, addresses: &[IpAddr]) -> HostFailure {
    let address = addresses.first().copied().unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED));
    let host = HostAddress { name: host.name.clone(), address };
    let detail = format!("the policy of {} does not name this host", policy.domain);
    let weight = Weight::of_mismatch(policy.age);
    HostFailure { cause: Cause::Mismatch { host, mechanism: Mechanism::MtaSts, detail }, weight }
}

fn lookup_failed(domain: String, failure: &LookupFailure) -> Cause {
    let detail = failure.detail.clone();
    match failure.kind {
        LookupFailureKind::Bogus => Cause::DnsBogus { domain, detail },
        LookupFailureKind::Unanswered => Cause::DnsFailed { domain, detail },
        LookupFailureKind::OwnFault => Cause::OwnFault { detail },
    }
}

impl Facts {
    /// How far it is proven which hosts take the domain's mail.
    pub fn mx_proof(&self) -> Proof {
        match &self.mx {
            MxAnswer::Hosts { proof, .. } => *proof,
            MxAnswer::NullMx | MxAnswer::NoSuchDomain | MxAnswer::Failed(_) => Proof::Insecure,
        }
    }
}
