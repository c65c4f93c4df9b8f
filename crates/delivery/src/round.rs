//! The state of an attempt: what each host said of each recipient, and what follows.

use guarantee::{
    Age, Cause, Conclusion, HostAddress, HostFailure, Protection, RequireTlsOffer, Requirement, Starttls,
    Weight, conclude,
};
use smtp::{
    client::{
        Connection as State, Disposition, Extension, Loss, Message, Obstacle, RecipientOutcome, Stage,
        Transaction, prepare,
    },
    content::ContentFacts,
    envelope::{BodyType, MailFrom, RcptTo},
    reply::{Class, Reply},
};

use crate::{
    Attempt, AttemptRecipient, DsnOffer, Fate,
    connection::{Connection, Shown},
    courier::Cleared,
    patience::Remaining,
    seven_bit::to_seven_bit,
};

/// RFC 3207 §4: "Must issue a STARTTLS command first".
const STARTTLS_FIRST: u16 = 530;

/// What came of a transaction as far as the connection is concerned.
pub(crate) enum Transacted {
    Over(State),
    /// A connection that had waited was good for no more; nothing was taken.
    Stale(State),
}

/// What is known of each recipient so far.
pub(crate) struct Round<'a> {
    attempt: &'a Attempt,
    /// As it was accepted.
    original: Form,
    /// For hosts that take 7-bit content only, once one has been met; then `None` if there is no such form.
    seven_bit: Option<Option<Form>>,
    standings: Vec<Standing>,
}

/// What can be offered to a host.
struct Ready {
    /// By their place in the attempt.
    recipients: Vec<usize>,
    transaction: Transaction,
    encoding: Encoding,
}

#[derive(Clone, Copy)]
enum Encoding {
    Original,
    SevenBit,
}

/// The message in one encoding.
struct Form {
    mail: MailFrom,
    facts: ContentFacts,
    /// `None`: the attempt's own content.
    content: Option<Vec<u8>>,
}

/// What is known of one recipient.
#[derive(Clone, Default)]
struct Standing {
    fate: Option<Fate>,
    /// Hosts that were not cleared.
    failures: Vec<HostFailure>,
    /// What the first host said that was cleared and did not take the mail now.
    later: Option<Cause>,
    /// Why the last host that was cleared can never take it.
    obstacle: Option<Cause>,
}

impl<'a> Round<'a> {
    pub(crate) fn new(attempt: &'a Attempt) -> Self {
        let mail = MailFrom {
            reverse_path: attempt.reverse_path.clone(),
            body: if attempt.eight_bit { BodyType::EightBitMime } else { BodyType::SevenBit },
            smtputf8: attempt.smtputf8,
            ret: attempt.ret,
            envid: attempt.envid.clone(),
            requiretls: false,
        };
        let original = Form { mail, facts: ContentFacts::of(&attempt.content), content: None };
        let standings = vec![Standing::default(); attempt.recipients.len()];
        Self { attempt, original, seven_bit: None, standings }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.standings.iter().all(|standing| standing.fate.is_some())
    }

    /// A host that was not cleared, for whoever has no fate yet.
    pub(crate) fn host_failed(&mut self, failure: &HostFailure) {
        for standing in self.standings.iter_mut().filter(|standing| standing.fate.is_none()) {
            standing.failures.push(failure.clone());
        }
    }

    /// No host can ever take it, for whoever has no fate yet.
    pub(crate) fn refused(&mut self, cause: &Cause) {
        for standing in self.standings.iter_mut().filter(|standing| standing.fate.is_none()) {
            standing.fate = Some(Fate::Bounced(cause.clone()));
        }
    }

    /// Whether it depends on a newer look at what the domain publishes; if so, the hosts are to be tried anew by it.
    pub(crate) fn begin_again(&mut self, looked: Age) -> bool {
        let is_unconfirmed = |standing: &Standing| {
            standing.fate.is_none()
                && standing.later.is_none()
                && standing.failures.iter().any(|failure| failure.weight == Weight::Unconfirmed)
        };
        let again = looked == Age::Cached && self.standings.iter().any(is_unconfirmed);
        if again {
            self.standings.iter_mut().for_each(|standing| standing.failures.clear());
        }
        again
    }

    /// Offers the message to a cleared host, for the recipients that have no fate yet.
    pub(crate) async fn transact(&mut self, cleared: &mut Cleared, remaining: Remaining) -> Transacted {
        let Some(Ready { recipients, transaction, encoding }) = self.ready(cleared) else {
            return Transacted::Over(State::Usable);
        };
        let form = self.form(encoding);
        let content = form.content.as_deref().unwrap_or(&self.attempt.content);
        let Some(outcome) = cleared.connection.transact(transaction, content, remaining).await else {
            let cause = cleared.connection.lost(Stage::Mail, "the connection was not ready");
            for index in recipients {
                self.later(index, cause.clone());
            }
            return Transacted::Over(State::Dead);
        };
        if cleared.reused && outcome.recipients.iter().all(is_stale) {
            return Transacted::Stale(outcome.connection);
        }
        for (index, of_one) in recipients.into_iter().zip(outcome.recipients) {
            self.take(index, of_one, cleared);
        }
        Transacted::Over(outcome.connection)
    }

    /// What can be offered to this host: to the recipients it can take the message for, in a form it can take.
    /// What stands in the way of one recipient does not keep the others from their mail.
    fn ready(&mut self, cleared: &Cleared) -> Option<Ready> {
        let open: Vec<usize> =
            (0..self.standings.len()).filter(|index| self.standings[*index].fate.is_none()).collect();
        let requiretls = self.says_requiretls(cleared);
        self.original.mail.requiretls = requiretls;
        if let Some(Some(form)) = &mut self.seven_bit {
            form.mail.requiretls = requiretls;
        }
        let mut encoding = Encoding::Original;
        let (mut recipients, mut obstacles) = self.sort_out(encoding, &open, &cleared.connection);
        if obstacles.iter().any(|(_, obstacle)| *obstacle == Obstacle::NeedsReencoding) {
            let Self { attempt, original, seven_bit, .. } = self;
            let form = seven_bit.get_or_insert_with(|| original.seven_bit(&attempt.content));
            if form.is_some() {
                encoding = Encoding::SevenBit;
                (recipients, obstacles) = self.sort_out(encoding, &open, &cleared.connection);
            }
        }
        for (index, obstacle) in obstacles {
            self.standings[index].obstacle = Some(cause_of(&obstacle, &cleared.connection));
        }
        if recipients.is_empty() {
            return None;
        }
        let rcpt_to: Vec<RcptTo> = recipients.iter().map(|index| self.rcpt_to(*index)).collect();
        let Form { mail, facts, .. } = self.form(encoding);
        let message = Message { mail, recipients: &rcpt_to, content: *facts };
        let capabilities = cleared.connection.capabilities();
        let transaction = Transaction::new(&cleared.clearance, capabilities, &message).ok()?;
        Some(Ready { recipients, transaction, encoding })
    }

    /// RFC 8689 §5: a report is not to be lost because its way lacks what the message had asked for.
    fn says_requiretls(&self, cleared: &Cleared) -> bool {
        let must = self.attempt.requirement == Requirement::RequireTls;
        let can = cleared.connection.requiretls() == RequireTlsOffer::Offered
            && cleared.clearance.protection() >= Protection::Authenticated;
        self.attempt.requiretls && (must || can)
    }

    fn form(&self, encoding: Encoding) -> &Form {
        match (&self.seven_bit, encoding) {
            (Some(Some(form)), Encoding::SevenBit) => form,
            _ => &self.original,
        }
    }

    /// For which recipients the host can take this form, and what stands in the way for the others.
    fn sort_out(
        &self,
        encoding: Encoding,
        open: &[usize],
        connection: &Connection,
    ) -> (Vec<usize>, Vec<(usize, Obstacle)>) {
        let Form { mail, facts, .. } = self.form(encoding);
        let mut ready = Vec::new();
        let mut obstacles = Vec::new();
        for index in open {
            let recipients = [self.rcpt_to(*index)];
            let message = Message { mail, recipients: &recipients, content: *facts };
            match prepare(&message, connection.capabilities()) {
                Ok(_) => ready.push(*index),
                Err(obstacle) => obstacles.push((*index, obstacle)),
            }
        }
        (ready, obstacles)
    }

    fn rcpt_to(&self, index: usize) -> RcptTo {
        let AttemptRecipient { address, notify, orcpt, .. } = &self.attempt.recipients[index];
        RcptTo { address: address.clone(), notify: *notify, orcpt: orcpt.clone() }
    }

    fn take(&mut self, index: usize, outcome: RecipientOutcome, cleared: &Cleared) {
        let host = cleared.connection.host.clone();
        let disposition = outcome.disposition();
        match outcome {
            RecipientOutcome::Accepted(reply) => {
                self.standings[index].fate = Some(Fate::Delivered {
                    protection: cleared.clearance.protection(),
                    authentication: cleared.clearance.authentication().clone(),
                    host,
                    tls: cleared.connection.tls().cloned(),
                    reply: reply.to_string(),
                    dsn: dsn_offer(&cleared.connection),
                });
            }
            RecipientOutcome::Refused { stage, reply } => {
                // It insists on the TLS that has just failed with it; the next time it may not.
                let not_tried = matches!(cleared.connection.shown, Shown::InClear(Starttls::NotTried));
                let wants_tls = reply.code == STARTTLS_FIRST && not_tried;
                let cause = rejected(host, stage, &reply);
                if disposition == Disposition::Failed && !wants_tls {
                    self.standings[index].fate = Some(Fate::Bounced(cause));
                } else {
                    self.later(index, cause);
                }
            }
            RecipientOutcome::Lost { stage, loss } => {
                let cause = cleared.connection.lost(stage, &loss.to_string());
                if stage == Stage::EndOfData {
                    // The host may have it: another host now would make two of it for sure (RFC 5321 §4.5.3.2.6).
                    self.standings[index].later = Some(cause);
                    self.standings[index].fate = Some(self.settle(index));
                } else {
                    self.later(index, cause);
                }
            }
        }
    }

    fn later(&mut self, index: usize, cause: Cause) {
        self.standings[index].later.get_or_insert(cause);
    }

    /// Every recipient's fate, now that no other host is left.
    pub(crate) fn fates(&self) -> Vec<Fate> {
        let fate = |(index, standing): (usize, &Standing)| {
            standing.fate.clone().unwrap_or_else(|| self.settle(index))
        };
        self.standings.iter().enumerate().map(fate).collect()
    }

    /// The fate of a recipient whom no host took.
    fn settle(&self, index: usize) -> Fate {
        let Standing { failures, later, obstacle, .. } = &self.standings[index];
        let failures = match (later, obstacle) {
            // A host that gives what is required and says "later" is one to wait for, whatever the others lack.
            (Some(cause), _) => &vec![HostFailure { cause: cause.clone(), weight: Weight::Away }],
            // A host that can never take the message is none to wait for.
            (None, Some(cause)) if failures.is_empty() => return Fate::Bounced(cause.clone()),
            _ => failures,
        };
        let Attempt { requirement, recipients, now, .. } = self.attempt;
        match conclude(*requirement, failures, &recipients[index].history, *now) {
            (Conclusion::Stop(cause), history) => Fate::Stopped { cause, history },
            (Conclusion::Defer(cause), history) => Fate::Deferred { cause, history },
        }
    }
}

impl Form {
    /// The same for hosts that take 7-bit content only.
    fn seven_bit(&self, content: &[u8]) -> Option<Self> {
        let content = to_seven_bit(content)?;
        let mail = MailFrom { body: BodyType::SevenBit, ..self.mail.clone() };
        Some(Self { mail, facts: ContentFacts::of(&content), content: Some(content) })
    }
}

/// Whether nothing was taken because the connection has waited, or carried mail, for too long.
fn is_stale(outcome: &RecipientOutcome) -> bool {
    match outcome {
        RecipientOutcome::Lost { stage, loss: Loss::Closed } => {
            matches!(stage, Stage::Rset | Stage::Mail | Stage::Rcpt | Stage::Data)
        }
        // Only a connection that has carried mail before is reset.
        RecipientOutcome::Refused { stage: Stage::Rset, .. } => true,
        // So many mails a connection and no more, for one.
        RecipientOutcome::Refused { stage: Stage::Mail, reply } => reply.class() == Class::Transient,
        _ => false,
    }
}

fn dsn_offer(connection: &Connection) -> DsnOffer {
    if connection.capabilities().offers(Extension::Dsn) { DsnOffer::Offered } else { DsnOffer::NotOffered }
}

fn cause_of(obstacle: &Obstacle, connection: &Connection) -> Cause {
    let host = connection.host.clone();
    match obstacle {
        Obstacle::NeedsReencoding => Cause::NoEightBitMime { host },
        Obstacle::AddressNeedsSmtputf8 | Obstacle::HeaderNeedsSmtputf8 => Cause::NoSmtpUtf8 { host },
        Obstacle::NoRequireTls => Cause::RequireTlsNotOffered { host },
        Obstacle::TooLarge { limit, .. } => Cause::TooLarge { host, limit: *limit },
        Obstacle::Malformed { what } => Cause::OwnFault { detail: format!("a malformed envelope: {what:?}") },
    }
}

fn rejected(host: HostAddress, stage: Stage, reply: &Reply) -> Cause {
    let class = if reply.class() == Class::Permanent { 5 } else { 4 };
    // RFC 3463: without an enhanced code, X.0.0.
    let status = reply.enhanced.map_or_else(|| format!("{class}.0.0"), |status| status.to_string());
    Cause::Rejected { host, status, command: stage.command().to_owned(), reply: reply.to_string() }
}
