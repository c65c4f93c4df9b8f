//! What would happen to a guaranteed mail now, without sending one.

use guarantee::{
    Age, Authentication, Cause, Conclusion, Facts, History, HostAddress, HostFailure, Plan, PlannedHost,
    Protection, Requirement, TlsDetails, Weight, conclude, plan,
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
    /// Asks a next hop's hosts, as a delivery with this requirement would, up to the first that would get the mail.
    pub async fn probe(&self, next_hop: &str, requirement: Requirement) -> Probe {
        let remaining = self.patience();
        let mut probe = self.probe_once(next_hop, requirement, Age::Cached, remaining).await;
        if probe.unconfirmed {
            probe = self.probe_once(next_hop, requirement, Age::Fresh, remaining).await;
        }
        let Looked { facts, conclusion, hosts, .. } = probe;
        Probe { facts, conclusion, hosts }
    }

    async fn probe_once(
        &self,
        next_hop: &str,
        requirement: Requirement,
        age: Age,
        remaining: Remaining,
    ) -> Looked {
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
                let failures = self.probe_hosts(&mut looked, &hosts, port, remaining).await;
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
        remaining: Remaining,
    ) -> Option<Vec<HostFailure>> {
        let mut failures = Vec::new();
        for host in planned {
            match self.probe_host(&looked.facts, host, port, remaining).await {
                Ok((found, protection)) => {
                    looked.conclusion = Ok(protection);
                    looked.hosts.push(found);
                    return None;
                }
                Err(Some(failure)) => {
                    looked.hosts.push(HostProbe {
                        name: host.name.clone(),
                        address: failure.cause.host().cloned(),
                        found: Err(failure.cause.clone()),
                        authentication: Authentication::Nothing,
                        tls: None,
                    });
                    failures.push(failure);
                }
                Err(None) => {}
            }
        }
        Some(failures)
    }

    async fn probe_host(
        &self,
        facts: &Facts,
        host: &PlannedHost,
        port: u16,
        remaining: Remaining,
    ) -> Result<(HostProbe, Protection), Option<HostFailure>> {
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
                    return Ok((found, clearance.protection()));
                }
                Err(failure) if failed.as_ref().is_none_or(|known| known.weight < failure.weight) => {
                    failed = Some(failure);
                }
                Err(_) => {}
            }
        }
        Err(failed)
    }
}

/// A probe so far.
struct Looked {
    facts: Facts,
    conclusion: Result<Protection, Conclusion>,
    hosts: Vec<HostProbe>,
    /// It depends on a newer look at what the domain publishes.
    unconfirmed: bool,
}
