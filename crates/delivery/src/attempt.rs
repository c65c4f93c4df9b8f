//! One attempt: one message to one next hop, host by host, until every recipient's fate is known.

use std::net::SocketAddr;

use bytes::Bytes;
use guarantee::{
    Cause, Conclusion, History, HostFailure, Plan, PlannedHost, Requirement, Weight, conclude, plan,
};
use jiff::Timestamp;
use smtp::{
    client::{self, Connection as State, Message, Obstacle, RecipientOutcome, Stage, Transaction},
    content::{ContentFacts, EightBit},
    envelope::{BodyType, MailFrom, Notify, RcptTo, Ret, ReversePath},
    limits::Limits,
    reply::{Class, Reply},
};

use crate::{
    Courier, Fate,
    connection::Connection,
    courier::{Cleared, Reuse},
    seven_bit::to_seven_bit,
};

/// A message for some recipients at one next hop, all with the same requirement.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The domain, in A-labels.
    pub next_hop: String,
    /// What must hold.
    pub requirement: Requirement,
    /// The envelope's sender.
    pub reverse_path: ReversePath,
    /// `RET=`.
    pub ret: Option<Ret>,
    /// `ENVID=`, xtext.
    pub envid: Option<String>,
    /// The message needs SMTPUTF8.
    pub smtputf8: bool,
    /// The content has octets above 127.
    pub eight_bit: bool,
    /// The recipients.
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

impl Courier {
    /// Tries to deliver; the fates are in the order of the recipients.
    pub async fn attempt(&self, attempt: Attempt) -> Vec<Fate> {
        let (facts, port) = self.facts(&attempt.next_hop).await;
        match plan(attempt.requirement, &facts) {
            Plan::Refuse(cause) => vec![Fate::Bounced(cause); attempt.recipients.len()],
            Plan::Defer(cause) => {
                let away = [HostFailure { cause, weight: Weight::Away }];
                attempt
                    .recipients
                    .iter()
                    .map(|recipient| settle(&away, None, recipient, attempt.now))
                    .collect()
            }
            Plan::Try { hosts, away } => {
                let mut round = Round::new(&attempt);
                for host in &hosts {
                    if round.is_over() {
                        break;
                    }
                    self.try_host(host, port, &mut round).await;
                }
                round.fates(away)
            }
        }
    }

    async fn try_host(&self, host: &PlannedHost, port: u16, round: &mut Round<'_>) {
        let mut failed: Option<HostFailure> = None;
        for address in &host.addresses {
            let address = SocketAddr::new(*address, port);
            match self.try_address(host, address, round).await {
                // A host that was spoken to has had its say; the recipients it did not take go to the next.
                Ok(()) => return,
                // The more certain finding about a host is the one that counts.
                Err(failure) if failed.as_ref().is_none_or(|known| known.weight < failure.weight) => {
                    failed = Some(failure);
                }
                Err(_) => {}
            }
        }
        round.host_failed(failed);
    }

    async fn try_address(
        &self,
        host: &PlannedHost,
        address: SocketAddr,
        round: &mut Round<'_>,
    ) -> Result<(), HostFailure> {
        let mut reuse = Reuse::Allowed;
        loop {
            let mut cleared = self.cleared(host, address, reuse).await?;
            match round.transact(&mut cleared).await {
                Transacted::Stale => reuse = Reuse::Never,
                Transacted::Over(State::Usable) => {
                    self.keep(address, cleared.connection).await;
                    return Ok(());
                }
                Transacted::Over(State::Dead) => return Ok(()),
                Transacted::NotBegun => {
                    cleared.connection.quit().await;
                    return Ok(());
                }
            }
        }
    }
}

/// What came of a transaction as far as the connection is concerned.
enum Transacted {
    Over(State),
    /// The message can't go to this host as it is; nothing was said.
    NotBegun,
    /// A connection that had waited was closed meanwhile; nothing was taken.
    Stale,
}

/// The state of an attempt: what is known of each recipient so far.
struct Round<'a> {
    attempt: &'a Attempt,
    fates: Vec<Option<Fate>>,
    /// Per recipient, what hosts in vain tried for it said.
    failures: Vec<Vec<HostFailure>>,
    /// Why a host can't take this message at all.
    obstacle: Option<Cause>,
}

impl<'a> Round<'a> {
    fn new(attempt: &'a Attempt) -> Self {
        let count = attempt.recipients.len();
        Self { attempt, fates: vec![None; count], failures: vec![Vec::new(); count], obstacle: None }
    }

    fn is_over(&self) -> bool {
        self.fates.iter().all(Option::is_some)
    }

    fn open(&self) -> Vec<usize> {
        (0..self.fates.len()).filter(|index| self.fates[*index].is_none()).collect()
    }

    fn host_failed(&mut self, failure: Option<HostFailure>) {
        let Some(failure) = failure else { return };
        for index in self.open() {
            self.failures[index].push(failure.clone());
        }
    }

    async fn transact(&mut self, cleared: &mut Cleared) -> Transacted {
        let open = self.open();
        let (transaction, content) = match self.transaction(cleared, &open) {
            Ok(ready) => ready,
            Err(obstacle) => {
                self.obstacle = Some(obstacle);
                return Transacted::NotBegun;
            }
        };
        let content = content.as_deref().unwrap_or(&self.attempt.content);
        let Some(outcome) = cleared.connection.transact(transaction, content).await else {
            let cause = cleared.connection.lost(Stage::Mail, "the connection was not ready");
            self.host_failed(Some(HostFailure { cause, weight: Weight::Away }));
            return Transacted::Over(State::Dead);
        };
        if cleared.reused && outcome.recipients.iter().all(is_stale) {
            return Transacted::Stale;
        }
        for (index, outcome_of_one) in open.into_iter().zip(outcome.recipients) {
            self.take(index, outcome_of_one, cleared);
        }
        Transacted::Over(outcome.connection)
    }

    /// The transaction for this connection, and other content if the message had to be re-encoded.
    fn transaction(
        &self,
        cleared: &Cleared,
        open: &[usize],
    ) -> Result<(Transaction, Option<Vec<u8>>), Cause> {
        let mail = MailFrom {
            reverse_path: self.attempt.reverse_path.clone(),
            body: if self.attempt.eight_bit { BodyType::EightBitMime } else { BodyType::SevenBit },
            smtputf8: self.attempt.smtputf8,
            ret: self.attempt.ret,
            envid: self.attempt.envid.clone(),
        };
        let recipients: Vec<RcptTo> =
            open.iter().map(|index| rcpt_to(&self.attempt.recipients[*index])).collect();
        let capabilities = cleared.connection.dialogue().capabilities();
        let new = |mail: &MailFrom, content: ContentFacts| {
            let message = Message { mail, recipients: &recipients, content };
            Transaction::new(&cleared.clearance, capabilities, &message)
        };
        match new(&mail, facts_of(&self.attempt.content)) {
            Ok(transaction) => Ok((transaction, None)),
            Err(Obstacle::NeedsReencoding) => {
                let encoded = to_seven_bit(&self.attempt.content)
                    .ok_or_else(|| cause_of(&Obstacle::NeedsReencoding, &cleared.connection))?;
                let mail = MailFrom { body: BodyType::SevenBit, ..mail };
                let transaction = new(&mail, facts_of(&encoded))
                    .map_err(|obstacle| cause_of(&obstacle, &cleared.connection))?;
                Ok((transaction, Some(encoded)))
            }
            Err(obstacle) => Err(cause_of(&obstacle, &cleared.connection)),
        }
    }

    fn take(&mut self, index: usize, outcome: RecipientOutcome, cleared: &Cleared) {
        let host = cleared.connection.host.clone();
        let away = |cause| HostFailure { cause, weight: Weight::Away };
        match outcome {
            RecipientOutcome::Accepted(reply) => {
                self.fates[index] = Some(Fate::Delivered {
                    protection: cleared.clearance.protection(),
                    host,
                    tls: cleared.connection.tls().cloned(),
                    reply: reply.to_string(),
                });
            }
            RecipientOutcome::Refused { stage, reply } => {
                let permanent = reply.class() == Class::Permanent;
                let cause = rejected(host, stage, &reply);
                if permanent {
                    self.fates[index] = Some(Fate::Bounced(cause));
                } else {
                    self.failures[index].push(away(cause));
                }
            }
            RecipientOutcome::Lost { stage, loss } => {
                let cause = cleared.connection.lost(stage, &loss.to_string());
                if stage == Stage::EndOfData {
                    // The host may have it: another host now would make two of it for sure (RFC 5321 §4.5.3.2.6).
                    let recipient = &self.attempt.recipients[index];
                    self.fates[index] = Some(settle(&[away(cause)], None, recipient, self.attempt.now));
                } else {
                    self.failures[index].push(away(cause));
                }
            }
        }
    }

    fn fates(self, away: Vec<Cause>) -> Vec<Fate> {
        let away: Vec<HostFailure> =
            away.into_iter().map(|cause| HostFailure { cause, weight: Weight::Away }).collect();
        let Self { attempt, fates, failures, obstacle } = self;
        let decided = fates.into_iter().zip(failures).zip(&attempt.recipients);
        decided
            .map(|((fate, mut failures), recipient)| {
                fate.unwrap_or_else(|| {
                    failures.extend(away.iter().cloned());
                    settle(&failures, obstacle.as_ref(), recipient, attempt.now)
                })
            })
            .collect()
    }
}

/// The fate of a recipient whom no host took. A host that can't take the message at all is no reason to wait for it.
fn settle(
    tried: &[HostFailure],
    obstacle: Option<&Cause>,
    recipient: &AttemptRecipient,
    now: Timestamp,
) -> Fate {
    match (tried.is_empty(), obstacle) {
        (true, Some(cause)) => Fate::Bounced(cause.clone()),
        _ => match conclude(tried, &recipient.history, now) {
            (Conclusion::Stop(cause), _) => Fate::Stopped(cause),
            (Conclusion::Defer(cause), history) => Fate::Deferred { cause, history },
        },
    }
}

/// Whether nothing was taken because the connection was closed while it waited.
fn is_stale(outcome: &RecipientOutcome) -> bool {
    matches!(
        outcome,
        RecipientOutcome::Lost {
            stage: Stage::Rset | Stage::Mail | Stage::Rcpt | Stage::Data,
            loss: client::Loss::Closed
        }
    ) || matches!(outcome, RecipientOutcome::Refused { stage: Stage::Rset | Stage::Mail, reply } if reply.code == 421)
}

fn rcpt_to(recipient: &AttemptRecipient) -> RcptTo {
    RcptTo { address: recipient.address.clone(), notify: recipient.notify, orcpt: recipient.orcpt.clone() }
}

fn facts_of(content: &[u8]) -> ContentFacts {
    let without_limits = Limits { message: u64::MAX, text_line: usize::MAX, ..Limits::default() };
    smtp::content::check(content, &without_limits).unwrap_or_else(|_| ContentFacts {
        size: content.len() as u64,
        longest_line: 0,
        eight_bit: if content.is_ascii() { EightBit::Nowhere } else { EightBit::Body },
    })
}

fn cause_of(obstacle: &Obstacle, connection: &Connection) -> Cause {
    let host = connection.host.clone();
    match obstacle {
        Obstacle::NeedsReencoding => Cause::NoEightBitMime { host },
        Obstacle::AddressNeedsSmtputf8 | Obstacle::HeaderNeedsSmtputf8 => Cause::NoSmtpUtf8 { host },
        Obstacle::TooLarge { limit, .. } => Cause::TooLarge { host, limit: *limit },
        Obstacle::Malformed { what } => Cause::OwnFault { detail: format!("a malformed envelope: {what:?}") },
    }
}

fn rejected(host: guarantee::HostAddress, stage: Stage, reply: &Reply) -> Cause {
    let class = if reply.class() == Class::Permanent { 5 } else { 4 };
    // RFC 3463: without an enhanced code, X.0.0.
    let status = reply.enhanced.map_or_else(|| format!("{class}.0.0"), |status| status.to_string());
    Cause::Rejected { host, status, command: stage.command().to_owned(), reply: reply.to_string() }
}
