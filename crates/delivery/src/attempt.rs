//! One attempt: one message to one next hop, host by host, until every recipient's fate is known.

use std::net::SocketAddr;

use bytes::Bytes;
use guarantee::{Age, Facts, History, HostFailure, Plan, PlannedHost, Proof, Requirement, Weight, plan};
use jiff::Timestamp;
use smtp::{
    client::Connection as State,
    envelope::{Notify, Ret, ReversePath},
};

use crate::{
    Attempted, Courier,
    courier::Reuse,
    log::Log,
    patience::Remaining,
    round::{Round, Transacted},
};

/// A message for some recipients at one next hop, all with the same requirement.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The domain, in A-labels.
    pub next_hop: String,
    /// What must hold.
    pub requirement: Requirement,
    /// The message asks for REQUIRETLS on the way that follows. Where the requirement does not demand it, as of a
    /// report (RFC 8689 §5) or where its sender demands the next host alone, it is said to hosts that offer it.
    pub requiretls: bool,
    /// The envelope's sender.
    pub reverse_path: ReversePath,
    /// `RET=`.
    pub ret: Option<Ret>,
    /// `ENVID=`, xtext.
    pub envid: Option<String>,
    /// The message needs SMTPUTF8.
    pub smtputf8: bool,
    /// MAIL declared octets above 127.
    pub eight_bit: bool,
    /// The recipients: no more than [`smtp::client::RECIPIENTS`], which every host takes in one transaction.
    pub recipients: Vec<AttemptRecipient>,
    /// The message.
    pub content: Bytes,
    /// The time of the attempt.
    pub now: Timestamp,
}

/// One recipient of an attempt.
#[derive(Clone, Debug)]
pub struct AttemptRecipient {
    /// `local@domain`.
    pub address: String,
    /// `NOTIFY=`.
    pub notify: Notify,
    /// `ORCPT=` as given.
    pub orcpt: Option<String>,
    /// What earlier attempts showed.
    pub history: History,
}

/// What somebody says about a next hop, and the port of its hosts.
#[doc(hidden)]
pub type Told<'a> = dyn Fn(Age) -> (Facts, u16) + Sync + 'a;

impl Courier {
    /// Tries to deliver. Ends within three hours whatever the hosts do,
    /// and much sooner with honest ones. Dropped, it leaves nothing behind but a closed connection.
    pub async fn attempt(&self, attempt: Attempt) -> Attempted {
        self.attempt_by(attempt, None).await
    }

    /// The same by what is told about the next hop instead of what is published, for tests in memory.
    #[doc(hidden)]
    pub async fn attempt_by(&self, attempt: Attempt, told: Option<&Told<'_>>) -> Attempted {
        let remaining = self.patience();
        let mut round = Round::new(&attempt);
        let mut sightings = Vec::new();
        let mut mx = Proof::Insecure;
        // What contradicts the domain's records or its policy is certain only after a look past every cache.
        for age in [Age::Cached, Age::Fresh] {
            let (facts, port) = match told {
                Some(told) => told(age),
                None => self.facts(&attempt.next_hop, age).await,
            };
            mx = facts.mx_proof();
            let mut log = Log::new(&facts);
            match plan(attempt.requirement, &facts) {
                Plan::Refuse(cause) => round.refused(&cause),
                Plan::Defer(cause) => round.host_failed(&HostFailure { cause, weight: Weight::Away }),
                Plan::Try { hosts, barred } => {
                    for host in &hosts {
                        if round.is_over() {
                            break;
                        }
                        self.try_host(host, port, remaining, (&mut round, &mut log)).await;
                    }
                    barred.iter().for_each(|failure| round.host_failed(failure));
                }
            }
            sightings.extend(log.into_sightings());
            if !round.begin_again(age) {
                break;
            }
        }
        Attempted { fates: round.fates(), sightings, mx }
    }

    async fn try_host(
        &self,
        host: &PlannedHost,
        port: u16,
        remaining: Remaining,
        (round, log): (&mut Round<'_>, &mut Log<'_>),
    ) {
        let mut failed: Option<HostFailure> = None;
        for address in self.in_order(host, port) {
            match self.try_address(host, address, remaining, (&mut *round, &mut *log)).await {
                // A host that was spoken to has had its say; the recipients it did not take go to the next.
                Ok(()) => return,
                // The more certain finding about a host is the one that counts.
                Err(failure) if failed.as_ref().is_none_or(|known| known.weight < failure.weight) => {
                    failed = Some(failure);
                }
                Err(_) => {}
            }
        }
        if let Some(failure) = failed {
            round.host_failed(&failure);
        }
    }

    async fn try_address(
        &self,
        host: &PlannedHost,
        address: SocketAddr,
        remaining: Remaining,
        (round, log): (&mut Round<'_>, &mut Log<'_>),
    ) -> Result<(), HostFailure> {
        let mut reuse = Reuse::Allowed;
        loop {
            let mut cleared = self.cleared(host, address, reuse, remaining, log).await?;
            match round.transact(&mut cleared, remaining).await {
                Transacted::Stale(state) => {
                    log.take_back();
                    reuse = Reuse::Never;
                    if state == State::Usable {
                        cleared.connection.leave().await;
                    }
                }
                Transacted::Over(State::Usable) => {
                    self.keep(host, address, cleared.connection).await;
                    return Ok(());
                }
                Transacted::Over(State::Dead) => return Ok(()),
            }
        }
    }
}
