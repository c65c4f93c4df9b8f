//! Which bounce gets which banner.

use api::{Check, Outcome, ProtectionWord, Stop, StoppedRecipient};
use bounce::{Action, Claim, Failure, Reason};
use jiff::Timestamp;

use super::cause::CauseWord;
use super::panel::Panel;
use super::stops::{bare_message_id, was_sent_again};
use crate::client::ClientError;
use crate::draft::same_mailbox;

/// What stands above a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Banner {
    /// Nothing: it is no bounce, or the server has not answered yet.
    #[default]
    None,
    /// A stop that the server recorded for this user. The only one that offers ways.
    Confirmed(Confirmed),
    /// It claims a stop that the server knows nothing of.
    Forged,
    /// Another bounce; empty if it names nobody. Addresses are the sender's text.
    Other(Vec<FailedGroup>),
    /// A report that something waits, for these.
    Delayed(Vec<String>),
    /// It claims a stop, and the server can't be asked, for this reason.
    Unchecked(ClientError),
}

impl Banner {
    /// The banner without what later events may change in it.
    pub fn without_numbers(&self) -> Self {
        match self {
            Self::Confirmed(confirmed) => {
                Self::Confirmed(Confirmed { delivered_others: 0, waiting_others: 0, ..confirmed.clone() })
            }
            other => other.clone(),
        }
    }
}

/// A confirmed stop; everything is the record's, nothing the mail's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirmed {
    /// The stop's id.
    pub stop: String,
    /// The stopped message's Message-ID without `<>`.
    pub message_id: Option<String>,
    /// Who was not sent to, by host and cause.
    pub groups: Vec<StoppedGroup>,
    /// How many others got it.
    pub delivered_others: u32,
    /// How many others it still waits for.
    pub waiting_others: u32,
    /// When the first of these recipients was stopped.
    pub stopped_at: Timestamp,
    /// To whom another message was sent in its stead since.
    pub sent_again_to: Vec<String>,
}

impl Confirmed {
    /// The stopped recipients.
    pub fn recipients(&self) -> Vec<String> {
        self.groups.iter().flat_map(|group| group.recipients.iter().cloned()).collect()
    }

    /// Those of them who are still without the message, to be sent to; all once it was sent to all again.
    pub fn addressees(&self) -> Vec<String> {
        self.those(|_| true)
    }

    /// Those of the addressees whom sending without the guarantee reaches.
    pub fn liftable(&self) -> Vec<String> {
        self.those(CauseWord::is_liftable)
    }

    /// Those whom it does not: what their domain publishes binds every mail.
    pub fn bound(&self) -> Vec<String> {
        self.those(|cause| !cause.is_liftable())
    }

    /// Whether it was sent again to all of them.
    pub fn is_settled(&self) -> bool {
        self.recipients().iter().all(|email| self.sent_again_to.contains(email))
    }

    /// The addressees whom it reaches encrypted now, by what the server has just been asked and with the switch as it
    /// stands; nothing if it reaches nobody so.
    pub fn reachable(&self, checks: &[Check], panel: Panel) -> Option<Reachable> {
        if self.is_settled() {
            return None;
        }
        let mut found: Option<Reachable> = None;
        for group in &self.groups {
            for email in group.recipients.iter().filter(|email| !self.sent_again_to.contains(email)) {
                let check = checks.iter().find(|check| same_mailbox(&check.recipient, email));
                // Without the guarantee another host may take it, and in clear.
                let check = check.filter(|check| panel == Panel::On || check.unguarded.is_none());
                let Some(check) = check.filter(|check| makes_up_for(check, group.cause)) else { continue };
                let found = found.get_or_insert_default();
                found.recipients.push(email.clone());
                found.seen = match (found.seen, check.observed_at) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
            }
        }
        found
    }

    /// The same stop as if only these had been stopped.
    pub fn only(&self, recipients: &[String]) -> Self {
        let those = |group: &StoppedGroup| {
            let kept = group.recipients.iter().filter(|email| recipients.contains(email));
            StoppedGroup { recipients: kept.cloned().collect(), ..group.clone() }
        };
        let groups = self.groups.iter().map(those).filter(|group| !group.recipients.is_empty()).collect();
        Self { groups, ..self.clone() }
    }

    /// Whether some host was better before, which may be an attack.
    pub fn may_be_attack(&self) -> bool {
        self.groups.iter().any(|group| group.cause.is_worse_than_before())
    }

    /// Whether the message itself asks for REQUIRETLS.
    pub fn asks_for_require_tls(&self) -> bool {
        let asks = |cause| matches!(cause, CauseWord::RequireTlsNotOffered | CauseWord::RequireTlsFailed);
        self.groups.iter().any(|group| asks(group.cause))
    }

    /// What sending without the guarantee would mean.
    pub fn without(&self) -> Without {
        let mut liftable = self.groups.iter().map(|group| group.cause).filter(|cause| cause.is_liftable());
        let unproven = |cause| matches!(cause, CauseWord::NotAuthenticated | CauseWord::IdentityLost);
        match liftable.next() {
            None => Without::NoHelp,
            Some(first) if unproven(first) && liftable.all(unproven) => Without::Unproven,
            Some(_) => Without::Readable,
        }
    }

    fn those(&self, of: impl Fn(CauseWord) -> bool) -> Vec<String> {
        let groups = self.groups.iter().filter(|group| of(group.cause));
        let all = groups.flat_map(|group| group.recipients.iter());
        let is_settled = self.is_settled();
        all.filter(|email| is_settled || !self.sent_again_to.contains(email)).cloned().collect()
    }
}

/// Stopped recipients whom the same message would reach now, with the guarantee on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reachable {
    /// Who.
    pub recipients: Vec<String>,
    /// When it was looked at, at the earliest.
    pub seen: Option<Timestamp>,
}

/// Whether what was found is what was missing. An exception of the account's makes up for nothing; a host that has not
/// proven who it is does so only where that was not asked for; and what a message asked for itself no check knows.
fn makes_up_for(check: &Check, stopped_for: CauseWord) -> bool {
    let is_proven = matches!(check.protection, ProtectionWord::Authenticated | ProtectionWord::Dane);
    let is_found = match stopped_for {
        CauseWord::NoStarttls
        | CauseWord::StarttlsRefused
        | CauseWord::HandshakeFailed
        | CauseWord::Downgrade => is_proven || check.protection == ProtectionWord::Encrypted,
        CauseWord::IdentityLost
        | CauseWord::DaneMismatch
        | CauseWord::StsMismatch
        | CauseWord::NotAuthenticated => is_proven,
        CauseWord::RequireTlsNotOffered | CauseWord::RequireTlsFailed | CauseWord::Unknown => false,
    };
    is_found && check.outcome == Outcome::Deliver
}

/// What sending without the guarantee would mean for the stopped recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// It reaches none of them.
    NoHelp,
    /// Whoever listens on the way can read it.
    Readable,
    /// It goes, encrypted, to a host that does not prove who it is.
    Unproven,
}

/// Recipients stopped at one host for one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedGroup {
    /// Their addresses.
    pub recipients: Vec<String>,
    /// The MX host's name.
    pub host: String,
    /// Why.
    pub cause: CauseWord,
    /// When this user's mail last met there what is missing now.
    pub last_seen: Option<Timestamp>,
    /// Whether the user had demanded more for this message than the guarantee does.
    pub demanded: bool,
}

/// Recipients that another bounce reports, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedGroup {
    /// Their addresses, as the report has them.
    pub recipients: Vec<String>,
    /// Why.
    pub reason: Reason,
}

/// How many recipients of another bounce are named: the list is whatever its sender wrote.
const NAMED: usize = 10;

/// What a message claims, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// A stop of this server's, for these recipients: only the server can say whether it is so.
    Stop {
        /// The queue id it gives.
        queue_id: Option<String>,
        /// The Message-ID it gives, without `<>`.
        message_id: Option<String>,
        /// Those it says were stopped.
        recipients: Vec<String>,
    },
    /// Nothing that the server need be asked about.
    Settled(Banner),
}

/// Reads the raw message; `own_name` is the server's name as its reports have it in Reporting-MTA.
pub fn claimed(raw: &[u8], own_name: &str) -> Claimed {
    let reading = bounce::read(raw);
    match bounce::claim(&reading, own_name) {
        Claim::NotABounce => Claimed::Settled(Banner::None),
        Claim::OtherBounce { failures, .. } => Claimed::Settled(explained(failures)),
        Claim::ClaimsOurStop { queue_id, message_id, recipients } => {
            // A report of ours may tell of other failures besides: of those the record of stops knows nothing.
            let stopped = |one: &&bounce::Recipient| one.action == Action::Failed && one.tls.is_some();
            let named: Vec<String> =
                reading.recipients.iter().filter(stopped).map(|one| one.address.clone()).collect();
            let recipients = if named.is_empty() { recipients } else { named };
            Claimed::Stop { queue_id, message_id, recipients }
        }
    }
}

/// The banner for a claim, given the stops recorded for this user, or why they can't be had.
pub fn of(claimed: &Claimed, stops: Result<&[Stop], &ClientError>) -> Banner {
    let (queue_id, message_id, recipients) = match claimed {
        Claimed::Settled(banner) => return banner.clone(),
        Claimed::Stop { queue_id, message_id, recipients } => (queue_id, message_id, recipients),
    };
    let stops = match stops {
        Ok(stops) => stops,
        Err(error) => return Banner::Unchecked(error.clone()),
    };
    let Some(queue_id) = queue_id else { return Banner::Forged };
    let message_id = message_id.as_deref().map(bare_message_id);
    let recorded =
        stops.iter().find(|stop| stop.queue_id == *queue_id && stop.message_id.as_deref() == message_id);
    recorded.and_then(|stop| confirmed(stop, recipients, stops)).map_or(Banner::Forged, Banner::Confirmed)
}

/// The record of those the report names; nothing if it names nobody, or one whom the record does not know.
fn confirmed(stop: &Stop, named: &[String], stops: &[Stop]) -> Option<Confirmed> {
    let recorded = |email: &String| stop.recipients.iter().find(|one| same_mailbox(&one.address, email));
    let recipients: Vec<&StoppedRecipient> = named.iter().map(recorded).collect::<Option<_>>()?;
    let mut groups: Vec<StoppedGroup> = Vec::new();
    for recipient in &recipients {
        let cause = CauseWord::of_stopped(recipient);
        match groups.iter_mut().find(|group| group.host == recipient.host && group.cause == cause) {
            Some(group) => {
                group.recipients.push(recipient.address.clone());
                group.last_seen = group.last_seen.max(recipient.tls_last_seen);
            }
            None => groups.push(StoppedGroup {
                recipients: vec![recipient.address.clone()],
                host: recipient.host.clone(),
                cause,
                last_seen: recipient.tls_last_seen,
                demanded: stop.demanded,
            }),
        }
    }
    let sent_again = recipients.iter().filter(|one| was_sent_again(stops, one));
    Some(Confirmed {
        stop: stop.id.clone(),
        message_id: stop.message_id.clone(),
        groups,
        delivered_others: stop.delivered_others,
        waiting_others: stop.waiting_others,
        stopped_at: recipients.iter().map(|one| one.stopped_at).min()?,
        sent_again_to: sent_again.map(|one| one.address.clone()).collect(),
    })
}

/// The banner of another bounce. What waits besides what failed is left to the report's text.
fn explained(mut failures: Vec<Failure>) -> Banner {
    let all_wait = !failures.is_empty() && failures.iter().all(|failure| failure.reason == Reason::Delayed);
    if !all_wait {
        failures.retain(|failure| failure.reason != Reason::Delayed);
    }
    let more = failures.len() > NAMED;
    failures.truncate(NAMED);
    let mut groups: Vec<FailedGroup> = Vec::new();
    for Failure { address, reason } in failures {
        match groups.iter_mut().find(|group| group.reason == reason) {
            Some(group) => group.recipients.push(address),
            None => groups.push(FailedGroup { recipients: vec![address], reason }),
        }
    }
    if let Some(last) = groups.last_mut().filter(|_| more) {
        last.recipients.push("…".to_owned());
    }
    if all_wait {
        Banner::Delayed(groups.into_iter().flat_map(|group| group.recipients).collect())
    } else {
        Banner::Other(groups)
    }
}

#[cfg(test)]
mod tests;
