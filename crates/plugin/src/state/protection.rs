//! How mail to each recipient of a message in the making would travel, as far as the server has said.
//!
//! Times are milliseconds since 1970.

use std::collections::HashMap;

use api::{Check, Event, Outcome, ProtectionWord, RecipientState};
use jiff::Timestamp;

use super::cause::CauseWord;

/// How long an answer is good enough; from then on it is asked anew.
pub const FRESH: i64 = 600_000;
/// How long an answer is shown that can't be had anew.
const SHOWN: i64 = 2 * FRESH;
/// The same for an answer that says that it is not known.
const PATIENT: i64 = 120_000;
/// How many recipients the server takes in one question.
pub const MOST: usize = 100;
/// When a question without an answer is given up; the server takes three seconds at most.
const GIVEN_UP: i64 = 15_000;
/// The first pause after a failure, doubled with each further one up to the last.
const PAUSES: (i64, i64) = (5_000, 300_000);
/// How many answers are kept at most.
const KEPT: usize = 1_000;

/// What the server has said of each recipient, and what it is being asked.
#[derive(Clone, Debug, Default)]
pub struct Protections {
    entries: HashMap<String, Entry>,
    /// The number of the last question.
    asked: u32,
    failures: u32,
    /// Nothing is asked before.
    not_before: i64,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    /// With the time when it came.
    answer: Option<(Check, i64)>,
    /// Since when the answer is awaited.
    awaited: Option<i64>,
    /// The question that asked for it last.
    asked: u32,
    /// An answer to this question, or one before it, is older than something that has happened since.
    void: u32,
    /// When a mail of this user's was stopped there last, by the server's clock.
    stopped: Option<Timestamp>,
}

/// A question to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Whom it is about, at most [`MOST`].
    pub recipients: Vec<String>,
    number: u32,
}

/// How it is named and marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It stays on this server.
    Here,
    /// The user's own exception: it leaves also unencrypted.
    Exception,
    /// In clear.
    None,
    /// Encrypted, seen then.
    Encrypted(Option<Timestamp>),
    /// The same, and that is not enough: what is demanded is a host that proves who it is.
    Unproven(Option<Timestamp>),
    /// Encrypted to a host that has proven who it is, seen then.
    Authenticated(Option<Timestamp>),
    /// The same, and the domain has promised it (MTA-STS).
    Promised,
    /// Promised by DANE.
    Dane,
    /// The host is not the one that the domain says.
    Mismatch,
    /// It would wait, and be tried again.
    Waits,
    /// No mail is taken there.
    NoMail,
    /// Not known yet.
    Unknown,
    /// The server does not take this for an address.
    Invalid,
}

/// What a mark looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Protected.
    Good,
    /// Not protected, or not sent.
    Bad,
    /// Nothing certain.
    Open,
}

/// What is demanded of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Under {
    /// The guarantee.
    Guarantee,
    /// A host that proves who it is, for this message: with the guarantee or without.
    Proof,
    /// No more than what the domain publishes: the guarantee is off or paused, or does not hold here.
    Nothing,
}

/// What becomes of one recipient's copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It leaves encrypted, or does not leave this server.
    Protected,
    /// It leaves in any case, by the user's exception.
    Excepted,
    /// It leaves in clear.
    InClear,
    /// It is stopped, which the user can lift.
    Stopped,
    /// It is stopped by what the domain publishes, which nobody can lift.
    Bound,
    /// It waits, or comes back for a reason of its own, or nothing is known.
    Open,
}

impl Protections {
    /// The next question, if there is something to ask now of these recipients; it counts as asked then.
    pub fn ask(&mut self, recipients: &[String], now: i64) -> Option<Question> {
        if now < self.not_before {
            return None;
        }
        let due = |email: &&String| is_complete(email) && self.due(email, now) <= now;
        let recipients: Vec<String> = recipients.iter().filter(due).take(MOST).cloned().collect();
        if recipients.is_empty() {
            return None;
        }
        self.asked = self.asked.wrapping_add(1);
        self.make_room();
        for email in &recipients {
            let entry = self.entries.entry(key(email)).or_default();
            (entry.awaited, entry.asked) = (Some(now), self.asked);
        }
        Some(Question { recipients, number: self.asked })
    }

    /// When there is something to ask next, if nothing happens before.
    pub fn next(&self, recipients: &[String], now: i64) -> Option<i64> {
        let due = recipients.iter().filter(|email| is_complete(email)).map(|email| self.due(email, now));
        due.min().map(|due| due.max(self.not_before))
    }

    fn due(&self, email: &str, now: i64) -> i64 {
        let Some(entry) = self.entries.get(&key(email)) else { return now };
        match (entry.awaited, &entry.answer) {
            (Some(since), _) => since + GIVEN_UP,
            (None, Some((check, at))) if is_settled(check) => at + FRESH,
            (None, Some((_, at))) => at + PATIENT,
            (None, None) => now,
        }
    }

    /// The server has answered.
    pub fn answer(&mut self, question: &Question, checks: Vec<Check>, now: i64) {
        (self.failures, self.not_before) = (0, 0);
        self.end(question);
        for check in checks {
            self.take(check, question.number, now);
        }
    }

    /// There was no answer, or a refusal: the next question waits, each time longer.
    pub fn fail(&mut self, question: &Question, now: i64) {
        self.end(question);
        self.not_before = now + (PAUSES.0 << self.failures.min(10)).min(PAUSES.1);
        self.failures = self.failures.saturating_add(1);
    }

    fn end(&mut self, question: &Question) {
        for email in &question.recipients {
            if let Some(entry) = self.entries.get_mut(&key(email))
                && entry.asked == question.number
            {
                entry.awaited = None;
            }
        }
    }

    /// Takes over what an event tells: an answer that took longer, or that mail has met something else.
    pub fn hear(&mut self, event: &Event, now: i64) {
        match event {
            Event::Check(check) => self.late(check, now),
            Event::Stop(stop) => {
                let stopped = stop.recipients.iter();
                stopped.for_each(|one| self.void(&one.address, Some(one.stopped_at)));
            }
            Event::Delivery(status) => {
                let is_news = |state| state != RecipientState::Queued;
                let tried = status.recipients.iter().filter(|recipient| is_news(recipient.state));
                tried.for_each(|recipient| self.void(&recipient.address, None));
            }
            // Another level, or another exception.
            Event::Guarantee(_) => self.void_all(),
            Event::Mailbox { .. } => {}
        }
    }

    fn late(&mut self, check: &Check, now: i64) {
        // While another answer is awaited this may be the one to an older question.
        let entry = self.entries.get(&key(&check.recipient)).filter(|entry| entry.awaited.is_none());
        if let Some(number) = entry.map(|entry| entry.asked) {
            self.take(check.clone(), number, now);
        }
    }

    fn take(&mut self, check: Check, number: u32, now: i64) {
        let Some(entry) = self.entries.get_mut(&key(&check.recipient)) else { return };
        if number <= entry.void {
            return;
        }
        // The server may answer with what it has seen some minutes ago.
        let is_older =
            entry.stopped.is_some_and(|stopped| check.observed_at.is_some_and(|seen| seen < stopped));
        let check = match is_older {
            true => Check::new(check.recipient, ProtectionWord::Unknown, Outcome::Unknown, ""),
            false => check,
        };
        entry.answer = Some((check, now));
    }

    /// What was said of this address's domain may hold no longer.
    fn void(&mut self, email: &str, stopped: Option<Timestamp>) {
        let (domain, asked) = (domain(email).to_ascii_lowercase(), self.asked);
        for (_, entry) in self.entries.iter_mut().filter(|(email, _)| self::domain(email) == domain) {
            entry.empty(asked);
            entry.stopped = entry.stopped.max(stopped);
        }
    }

    /// Another level or another exception: all may be otherwise.
    pub fn void_all(&mut self) {
        let asked = self.asked;
        self.entries.values_mut().for_each(|entry| entry.empty(asked));
    }

    fn make_room(&mut self) {
        if self.entries.len() > KEPT {
            self.entries.retain(|_, entry| entry.awaited.is_some());
        }
    }

    /// Whether an answer about one of them is on its way that is not known yet.
    pub fn is_awaited(&self, recipients: &[String], now: i64) -> bool {
        let awaited = |email: &String| self.entries.get(&key(email)).is_some_and(|it| it.awaited.is_some());
        recipients.iter().any(|email| awaited(email) && self.of(email, now).is_none())
    }

    /// What is known of a recipient; of its domain, if the account has no exception there that could be for the other address only.
    pub fn of(&self, email: &str, now: i64) -> Option<&Check> {
        let known = |entry: &&Entry| entry.answer.as_ref().is_some_and(|(_, at)| now - at < SHOWN);
        let entry = self.entries.get(&key(email)).filter(known).or_else(|| {
            let domain = domain(email);
            let mut others =
                self.entries.iter().filter(|(other, _)| self::domain(other).eq_ignore_ascii_case(domain));
            let (_, entry) = others.find(|(_, entry)| known(entry) && entry.is_of_domain())?;
            Some(entry)
        });
        entry.and_then(|entry| entry.answer.as_ref()).map(|(check, _)| check)
    }
}

impl Entry {
    fn empty(&mut self, asked: u32) {
        (self.answer, self.awaited, self.void) = (None, None, asked);
    }

    fn is_of_domain(&self) -> bool {
        self.answer.as_ref().is_some_and(|(check, _)| is_settled(check) && !check.exception)
    }
}

fn is_settled(check: &Check) -> bool {
    let is_known = !matches!(check.outcome, Outcome::Unknown | Outcome::Defer);
    is_known || check.protection == ProtectionWord::Invalid
}

fn key(email: &str) -> String {
    email.to_ascii_lowercase()
}

fn domain(email: &str) -> &str {
    email.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// Whether an address that can be read is likely to be typed to its end.
fn is_complete(email: &str) -> bool {
    let domain = domain(email);
    domain.starts_with('[') || domain.rsplit_once('.').is_some_and(|(_, last)| last.len() > 1)
}

/// How a recipient is shown.
pub fn word(check: Option<&Check>, under: Under) -> Word {
    let Some(check) = check else { return Word::Unknown };
    let fate = fate(Some(check), under);
    match (protection(check, under), check.outcome) {
        (ProtectionWord::Invalid, _) => Word::Invalid,
        _ if fate == Fate::Bound => Word::Mismatch,
        (ProtectionWord::Dane, _) => Word::Dane,
        (ProtectionWord::Authenticated, _) if check.promised => Word::Promised,
        _ if fate == Fate::Excepted => Word::Exception,
        _ if is_here(check) => Word::Here,
        (ProtectionWord::Authenticated, _) => Word::Authenticated(check.observed_at),
        (ProtectionWord::Encrypted, _) if fate == Fate::Stopped => Word::Unproven(check.observed_at),
        (ProtectionWord::Encrypted, _) => Word::Encrypted(check.observed_at),
        (ProtectionWord::None, _) => Word::None,
        (ProtectionWord::Unknown, Outcome::Stop) => Word::NoMail,
        (ProtectionWord::Unknown, Outcome::Defer) => Word::Waits,
        (ProtectionWord::Unknown, _) => Word::Unknown,
    }
}

fn protection(check: &Check, under: Under) -> ProtectionWord {
    match under {
        // An exception lifts the guarantee: its copy takes the way that it would take without.
        Under::Guarantee if check.exception => check.unguarded.unwrap_or(check.protection),
        Under::Guarantee | Under::Proof => check.protection,
        Under::Nothing => check.unguarded.unwrap_or(check.protection),
    }
}

impl Word {
    /// How it is marked.
    pub fn mark(self) -> Mark {
        match self {
            Self::Here | Self::Encrypted(_) | Self::Authenticated(_) | Self::Promised | Self::Dane => {
                Mark::Good
            }
            Self::Exception | Self::None | Self::Unproven(_) | Self::Mismatch | Self::NoMail => Mark::Bad,
            Self::Waits | Self::Unknown | Self::Invalid => Mark::Open,
        }
    }

    /// Whether what is missing is a proof of who the host is.
    pub fn is_unproven(self) -> bool {
        matches!(self, Self::Unproven(_))
    }

    /// Whether it was only seen so: nobody has promised it.
    pub fn is_only_seen(self) -> bool {
        matches!(self, Self::Encrypted(_) | Self::Unproven(_) | Self::Authenticated(_))
    }
}

/// What becomes of a recipient's copy.
pub fn fate(check: Option<&Check>, under: Under) -> Fate {
    let Some(check) = check else { return Fate::Open };
    let protection = protection(check, under);
    let is_proven = matches!(protection, ProtectionWord::Authenticated | ProtectionWord::Dane);
    match (check.outcome, check.protection) {
        (_, ProtectionWord::Invalid) | (Outcome::Unknown, _) => Fate::Open,
        // With an exception the outcome is that without the guarantee: it waits, and still nobody can lift it.
        (Outcome::Stop | Outcome::Defer, ProtectionWord::None) if is_bound(check) => Fate::Bound,
        (Outcome::Defer, _) | (_, ProtectionWord::Unknown) => Fate::Open,
        (Outcome::Deliver, _) if is_proven || is_here(check) => Fate::Protected,
        _ if under == Under::Nothing => match protection {
            ProtectionWord::None => Fate::InClear,
            _ => Fate::Protected,
        },
        _ if under == Under::Proof => Fate::Stopped,
        _ if check.exception => Fate::Excepted,
        (Outcome::Stop, _) | (_, ProtectionWord::None) => Fate::Stopped,
        (Outcome::Deliver, _) => Fate::Protected,
    }
}

/// Why it would not be delivered, if the server has said so.
pub fn cause(check: &Check) -> Option<CauseWord> {
    check.cause.as_deref().map(CauseWord::of)
}

fn is_bound(check: &Check) -> bool {
    cause(check).is_some_and(|cause| !cause.is_liftable())
}

/// What stays on this server has neither a host nor a time when it was looked at.
fn is_here(check: &Check) -> bool {
    check.outcome == Outcome::Deliver && check.host.is_none() && check.observed_at.is_none()
}

#[cfg(test)]
pub(super) mod tests;
