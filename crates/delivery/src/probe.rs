//! What would happen to a guaranteed mail now, without sending one.

use guarantee::{
    Cause, Conclusion, History, HostAddress, HostFailure, Plan, PlannedHost, Protection, Requirement,
    TlsDetails, Weight, conclude, plan,
};
use jiff::Timestamp;

use crate::{
    Courier,
    courier::{Cleared, Reuse},
    patience::Remaining,
};

/// What a probe of a next hop found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What sending with the guarantee on would come to.
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
    /// Its TLS connection, if any.
    pub tls: Option<TlsDetails>,
}

impl Courier {
    /// Asks a next hop's hosts, as a delivery with the guarantee on would, up to the first that would get the mail.
    pub async fn probe(&self, next_hop: &str) -> Probe {
        let (facts, port) = self.facts(next_hop).await;
        let remaining = self.patience();
        match plan(Requirement::Encrypted, &facts) {
            // Neither is a matter of encryption: with or without the guarantee it would bounce, or wait.
            Plan::Refuse(cause) => Probe { conclusion: Err(Conclusion::Stop(cause)), hosts: Vec::new() },
            Plan::Defer(cause) => Probe { conclusion: Err(Conclusion::Defer(cause)), hosts: Vec::new() },
            Plan::Try { hosts, away } => self.probe_hosts(&hosts, away, port, remaining).await,
        }
    }

    async fn probe_hosts(
        &self,
        planned: &[PlannedHost],
        away: Vec<Cause>,
        port: u16,
        remaining: Remaining,
    ) -> Probe {
        let mut hosts = Vec::new();
        let mut failures = Vec::new();
        for host in planned {
            match self.probe_host(host, port, remaining).await {
                Ok(found) => {
                    let conclusion = found.found.clone().map_err(Conclusion::Defer);
                    hosts.push(found);
                    return Probe { conclusion, hosts };
                }
                Err(Some(failure)) => {
                    hosts.push(HostProbe {
                        name: host.name.clone(),
                        address: failure.cause.host().cloned(),
                        found: Err(failure.cause.clone()),
                        tls: None,
                    });
                    failures.push(failure);
                }
                Err(None) => {}
            }
        }
        failures.extend(away.into_iter().map(|cause| HostFailure { cause, weight: Weight::Away }));
        let (conclusion, _) = conclude(&failures, &History::default(), Timestamp::now());
        Probe { conclusion: Err(conclusion), hosts }
    }

    async fn probe_host(
        &self,
        host: &PlannedHost,
        port: u16,
        remaining: Remaining,
    ) -> Result<HostProbe, Option<HostFailure>> {
        let mut failed: Option<HostFailure> = None;
        for address in self.in_order(host, port) {
            match self.cleared(host, address, Reuse::Never, remaining).await {
                Ok(Cleared { connection, clearance, .. }) => {
                    let found = HostProbe {
                        name: host.name.clone(),
                        address: Some(connection.host.clone()),
                        found: Ok(clearance.protection()),
                        tls: connection.tls().cloned(),
                    };
                    connection.leave().await;
                    return Ok(found);
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
