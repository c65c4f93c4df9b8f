use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{Addresses, Cause, Facts, MxAnswer, MxHost, Requirement};

/// What to do about a next hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Try these hosts in order.
    Try {
        /// Hosts with addresses.
        hosts: Vec<PlannedHost>,
        /// Hosts whose addresses could not be looked up: they count as away, not as absent.
        away: Vec<Cause>,
    },
    /// No host can ever take this: bounce.
    Refuse(Cause),
    /// Nothing can be said now: defer.
    Defer(Cause),
}

/// One MX host to try, and what it must show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedHost {
    /// The MX host's name, which is also the SNI name.
    pub name: String,
    /// Addresses in the order to try them.
    pub addresses: Vec<IpAddr>,
    /// What must hold before envelope or message are sent.
    pub requirement: Requirement,
}

/// Which hosts to try for one next hop, in order, and what each must show.
pub fn plan(requirement: Requirement, facts: &Facts) -> Plan {
    let domain = || facts.next_hop.clone();
    match &facts.mx {
        MxAnswer::NullMx => Plan::Refuse(Cause::NullMx { domain: domain() }),
        MxAnswer::NoSuchDomain => Plan::Refuse(Cause::NoSuchDomain { domain: domain() }),
        MxAnswer::Failed { detail } => {
            Plan::Defer(Cause::DnsFailed { domain: domain(), detail: detail.clone() })
        }
        MxAnswer::Hosts(hosts) => plan_hosts(requirement, &facts.next_hop, hosts),
    }
}

fn plan_hosts(requirement: Requirement, next_hop: &str, hosts: &[MxHost]) -> Plan {
    // RFC 5321 §5.1: if this server is in the list, it and every host of the same or a higher
    // preference value are left out; if nothing remains, the mail would go round in a circle.
    let own = hosts.iter().filter(|host| host.is_self).map(|host| host.preference).min();
    let before_us: Vec<&MxHost> =
        hosts.iter().filter(|host| own.is_none_or(|own| host.preference < own)).collect();
    if before_us.is_empty() && own.is_some() {
        return Plan::Refuse(Cause::LoopsBack { domain: next_hop.to_owned() });
    }
    let mut planned = Vec::new();
    let mut away = Vec::new();
    for host in before_us {
        match &host.addresses {
            Addresses::Found(addresses) => planned.push(PlannedHost {
                name: host.name.clone(),
                addresses: addresses.clone(),
                requirement,
            }),
            Addresses::Failed { detail } => {
                away.push(Cause::DnsFailed { domain: host.name.clone(), detail: detail.clone() });
            }
            Addresses::NoAddress | Addresses::Forbidden => {}
        }
    }
    match (planned.is_empty(), away.into_iter().next()) {
        (true, Some(failed)) => Plan::Defer(failed),
        (true, None) => Plan::Refuse(Cause::NoUsableAddress { domain: next_hop.to_owned() }),
        (false, failed) => Plan::Try { hosts: planned, away: failed.into_iter().collect() },
    }
}
