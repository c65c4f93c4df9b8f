//! From the domains of the world to the hosts it consists of and the records DNS gives.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    domain::{Domain, MxHost, Records, Site},
    host::Behaviour,
    policy::{self, Policy},
};

/// The addresses of each host, by name.
pub(crate) type Addresses = BTreeMap<String, Vec<Ipv4Addr>>;

/// The domains by name, checked.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) domains: BTreeMap<String, Domain>,
}

/// A host: one name with one service for each address.
#[derive(Debug)]
pub(crate) struct Host<'a> {
    pub(crate) name: String,
    pub(crate) domain: &'a str,
    pub(crate) services: Vec<Service<'a>>,
}

/// What stands at an address.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Service<'a> {
    Mail(&'a Behaviour),
    Policy(&'a Policy),
    Home,
}

impl Plan {
    /// Of two domains with one name the later holds.
    pub(crate) fn new(domains: impl IntoIterator<Item = Domain>) -> Result<Self> {
        let plan =
            Self { domains: domains.into_iter().map(|domain| (domain.name.clone(), domain)).collect() };
        let mut hosts = BTreeSet::new();
        for host in plan.hosts() {
            let name = host.name;
            ensure!(hosts.insert(name.clone()), "two domains define the host {name}");
        }
        let mx =
            plan.domains.values().flat_map(|domain| mx_hosts(&domain.records)).map(|mx| mx.name.as_str());
        for name in plan.domains.keys().map(String::as_str).chain(mx) {
            check_name(name)?;
        }
        Ok(plan)
    }

    pub(crate) fn domain_mut(&mut self, name: &str) -> Result<&mut Domain> {
        self.domains.get_mut(name).with_context(|| format!("there is no domain {name}"))
    }

    /// All hosts, those without an address left out.
    pub(crate) fn hosts(&self) -> Vec<Host<'_>> {
        let mut hosts = Vec::new();
        for Domain { name: domain, records, policy, .. } in self.domains.values() {
            for mx in mx_hosts(records) {
                let services = match &mx.site {
                    Site::Own(behaviours) => behaviours.iter().map(Service::Mail).collect(),
                    Site::Home => vec![Service::Home],
                    Site::Elsewhere => continue,
                };
                hosts.push(Host { name: mx.name.clone(), domain, services });
            }
            if let Some(behaviour) = own_host(records) {
                hosts.push(Host { name: domain.clone(), domain, services: vec![Service::Mail(behaviour)] });
            }
            if let Some(policy) = policy {
                let name = policy::host_of(domain);
                hosts.push(Host { name, domain, services: vec![Service::Policy(policy)] });
            }
        }
        hosts.retain(|host| !host.services.is_empty());
        hosts
    }

    /// For each host the domains it takes mail for: those that name it, and the aliases of these.
    pub(crate) fn served(&self) -> BTreeMap<&str, BTreeSet<String>> {
        let mut served: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for Domain { name, records, .. } in self.domains.values() {
            let target = self.canonical(name);
            let Some(Domain { records: target_records, .. }) = self.domains.get(target) else { continue };
            for mx in mx_hosts(target_records) {
                served.entry(self.canonical(&mx.name)).or_default().insert(name.clone());
            }
            if own_host(target_records).is_some() || matches!(records, Records::Implicit(_)) {
                served.entry(target).or_default().insert(name.clone());
            }
        }
        served
    }

    fn alias(&self, name: &str) -> Option<&str> {
        match self.domains.get(name) {
            Some(Domain { records: Records::Alias(target), .. }) => Some(target),
            _ => self.domains.values().find_map(|domain| domain.aliases.get(name).map(String::as_str)),
        }
    }

    /// The name at the end of a chain of aliases.
    pub(crate) fn canonical<'a>(&'a self, name: &'a str) -> &'a str {
        let mut name = name;
        // So many at most, in case they go round.
        for _ in 0..8 {
            let Some(target) = self.alias(name) else { break };
            name = target;
        }
        name
    }
}

pub(crate) fn mx_hosts(records: &Records) -> &[MxHost] {
    if let Records::Mx { hosts, .. } = records { hosts } else { &[] }
}

/// What stands at a domain's own address.
fn own_host(records: &Records) -> Option<&Behaviour> {
    match records {
        Records::Mx { own, .. } | Records::NullMx { own } => own.as_ref(),
        Records::Implicit(behaviour) => Some(behaviour),
        Records::Alias(_) | Records::Nothing => None,
    }
}

/// Names become file names, too.
fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if name.len() > 253
        || !name.split('.').all(|label| (1..=63).contains(&label.len()) && label.chars().all(plain))
    {
        bail!("{name:?} is no domain name in lower case, with A-labels and without a final dot");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::table;

    #[test]
    fn hosts_take_mail_for_the_domains_that_name_them_and_for_their_aliases() {
        let shared = Domain::with_mx("shared.example", vec![MxHost::elsewhere(10, "mx.alias-of-mx.example")]);
        let alias = Domain::alias("mx.alias-of-mx.example", "mx.tls.example");
        let plan = Plan::new(table().into_iter().chain([shared, alias])).unwrap();
        let served = plan.served();
        let of = |host: &str| served.get(host).map(|set| set.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(of("mx.tls.example").unwrap(), ["alias.example", "shared.example", "tls.example"]);
        assert_eq!(of("implicit.example").unwrap(), ["implicit.example"]);
        assert_eq!(of("nomail.example").unwrap(), ["nomail.example"]);
        assert_eq!(of("mx2.mixed.example").unwrap(), ["mixed.example"]);
    }

    #[test]
    fn aliases_may_go_round() {
        let plan =
            Plan::new([Domain::alias("a.example", "b.example"), Domain::alias("b.example", "a.example")]);
        assert!(plan.unwrap().served().is_empty());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for domains in [
            vec![Domain::nothing("UPPER.example")],
            vec![Domain::nothing("../up.example")],
            vec![Domain::nothing("dot.example.")],
            vec![
                Domain::new("a.example", Behaviour::tls()),
                Domain::implicit("mx.a.example", Behaviour::tls()),
            ],
        ] {
            assert!(Plan::new(domains.clone()).is_err(), "{domains:?}");
        }
    }
}
