//! What would happen to a guaranteed mail now, without sending one.

use guarantee::{
    Age, Authentication, Cause, Conclusion, Facts, History, HostAddress, HostFailure, Plan, PlannedHost,
    Protection, Requirement, Sighted, TlsDetails, Weight, conclude, plan,
};
use jiff::Timestamp;

use crate::{
    Courier,
    courier::{Cleared, Reuse},
    log::Log,
    patience::Remaining,
};

/// What a probe of a next hop found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What the domain publishes.
    pub facts: Facts,
    /// What sending would come to.
    pub conclusion: Result<Protection, Conclusion>,
    /// The hosts, in the order of trying, up to the one that would take the mail.
    pub hosts: Vec<HostProbe>,
}

/// Which hosts a probe asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Up to the first that would get the mail.
    FirstToServe,
    /// All of them.
    All,
}

/// What a probe of one MX host found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostProbe {
    /// The MX host's name.
    pub name: String,
    /// The address spoken to, if one could be.
    pub address: Option<HostAddress>,
    /// The protection it gives, or why it would not get the mail.
    pub found: Result<Protection, Cause>,
    /// How it has proven who it is.
    pub authentication: Authentication,
    /// Its TLS connection, if any.
    pub tls: Option<TlsDetails>,
}

impl Courier {
    /// Asks a next hop's hosts, as a delivery with this requirement would.
    pub async fn probe(&self, next_hop: &str, requirement: Requirement, extent: Extent) -> Probe {
        let asked = Asked { requirement, extent, remaining: self.patience() };
        let mut probe = self.probe_once(next_hop, &asked, Age::Cached).await;
        if probe.unconfirmed {
            probe = self.probe_once(next_hop, &asked, Age::Fresh).await;
        }
        let Looked { facts, conclusion, hosts, .. } = probe;
        Probe { facts, conclusion, hosts }
    }

    async fn probe_once(&self, next_hop: &str, asked: &Asked, age: Age) -> Looked {
        let requirement = asked.requirement;
        let (facts, port) = self.facts(next_hop, age).await;
        let planned = match plan(requirement, &facts) {
            // Neither is a matter of encryption: with or without the guarantee it would bounce, or wait.
            Plan::Refuse(cause) => Err(Conclusion::Stop(cause)),
            Plan::Defer(cause) => Err(Conclusion::Defer(cause)),
            Plan::Try { hosts, barred } => Ok((hosts, barred)),
        };
        let mut looked =
            Looked { facts, conclusion: Ok(Protection::None), hosts: Vec::new(), unconfirmed: false };
        match planned {
            Err(conclusion) => looked.conclusion = Err(conclusion),
            Ok((hosts, barred)) => {
                let failures = self.probe_hosts(&mut looked, &hosts, port, asked).await;
                if let Some(mut failures) = failures {
                    failures.extend(barred);
                    looked.unconfirmed =
                        age == Age::Cached && failures.iter().any(|one| one.weight == Weight::Unconfirmed);
                    let (conclusion, _) =
                        conclude(requirement, &failures, &History::default(), Timestamp::now());
                    looked.conclusion = Err(conclusion);
                }
            }
        }
        looked
    }

    /// `None` when a host would get the mail.
    async fn probe_hosts(
        &self,
        looked: &mut Looked,
        planned: &[PlannedHost],
        port: u16,
        asked: &Asked,
    ) -> Option<Vec<HostFailure>> {
        let mut served = None;
        let mut failures = Vec::new();
        for host in planned {
            let probed = self.probe_host(&looked.facts, host, port, asked.remaining).await;
            looked.hosts.extend(probed.host);
            failures.extend(probed.failure);
            served = served.or(probed.served);
            if served.is_some() && asked.extent == Extent::FirstToServe {
                break;
            }
        }
        match served {
            Some(protection) => {
                looked.conclusion = Ok(protection);
                None
            }
            None => Some(failures),
        }
    }

    async fn probe_host(&self, facts: &Facts, host: &PlannedHost, port: u16, remaining: Remaining) -> Probed {
        let mut failed: Option<HostFailure> = None;
        let mut log = Log::new(facts);
        for address in self.in_order(host, port) {
            match self.cleared(host, address, Reuse::Never, remaining, &mut log).await {
                Ok(Cleared { connection, clearance, .. }) => {
                    let found = HostProbe {
                        name: host.name.clone(),
                        address: Some(connection.host.clone()),
                        found: Ok(clearance.protection()),
                        authentication: clearance.authentication().clone(),
                        tls: connection.tls().cloned(),
                    };
                    connection.leave().await;
                    return Probed { host: Some(found), served: Some(clearance.protection()), failure: None };
                }
                Err(failure) if failed.as_ref().is_none_or(|known| known.weight < failure.weight) => {
                    failed = Some(failure);
                }
                Err(_) => {}
            }
        }
        let found = failed.as_ref().map(|failure| HostProbe {
            name: host.name.clone(),
            address: failure.cause.host().cloned(),
            found: Err(failure.cause.clone()),
            authentication: Authentication::Nothing,
            tls: log.into_sightings().into_iter().rev().find_map(|sighting| match sighting.outcome {
                Sighted::Tls { tls, .. } | Sighted::Flawed { tls, .. } => Some(tls),
                Sighted::NoTls { .. } | Sighted::NoPolicy { .. } => None,
            }),
        });
        Probed { host: found, served: None, failure: failed }
    }
}

/// What is asked of every host.
struct Asked {
    requirement: Requirement,
    extent: Extent,
    remaining: Remaining,
}

/// What became of one host.
struct Probed {
    host: Option<HostProbe>,
    /// The protection with which it would get the mail.
    served: Option<Protection>,
    failure: Option<HostFailure>,
}

/// A probe so far.
struct Looked {
    facts: Facts,
    conclusion: Result<Protection, Conclusion>,
    hosts: Vec<HostProbe>,
    /// It depends on a newer look at what the domain publishes.
    unconfirmed: bool,
}
