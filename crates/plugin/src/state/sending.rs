//! What is asked before a message is sent, and what follows from the answer.

use super::panel::Panel;
use super::protection::{self, Fate, Protections, Under, Word};
use crate::draft::{Draft, Recipients, same_mailbox};

/// What the dialog before sending says and offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Whom it would be stopped for because the way is not encrypted, which the user can lift.
    pub stopped: Vec<String>,
    /// The same, because the host does not prove who it is.
    pub unproven: Vec<String>,
    /// Whom it would be stopped for by what their domain publishes.
    pub bound: Vec<String>,
    /// Of whom nothing certain is known.
    pub unknown: Vec<String>,
    /// Whom it would reach encrypted, or without leaving this server.
    pub encrypted: Vec<String>,
    /// How many recipients there are.
    pub all: usize,
    /// Whether the user demands hosts that prove who they are, for this message.
    pub demand: bool,
    /// What is offered, in order.
    pub ways: Vec<Way>,
}

/// What can be chosen in the dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To those whom it reaches encrypted; the others are left.
    Encrypted,
    /// To all, and the server stops what it must.
    WithGuarantee,
    /// Nothing is sent; a text to ask for another address with.
    Tell,
    /// Nothing is sent; the content is to be encrypted first.
    EndToEnd,
    /// To all, without the guarantee for those who were named as stopped.
    Without,
}

/// What is sent, and who is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// The message, exactly as it was when Send was pressed.
    pub draft: Draft,
    /// Those of its recipients who are not sent to.
    pub left: Recipients,
}

/// What follows from a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is sent.
    Send(Box<Sending>),
    /// A text for these is shown.
    Tell(Vec<String>),
    /// The user wants to encrypt the content.
    EndToEnd,
}

/// To what a question belongs; it is over when that is otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The recipients when Send was pressed.
    pub recipients: Recipients,
    /// Whether hosts that prove who they are were demanded then.
    pub demand: bool,
    /// The switch when it was asked.
    pub panel: Panel,
}

impl Open {
    /// Whether it is still the same: an answer to it may be acted on only then.
    pub fn holds(&self, draft: &Draft, panel: Panel) -> bool {
        let is_same = draft.recipients == self.recipients && draft.demand_authenticated == self.demand;
        is_same && panel == self.panel
    }
}

/// Whether somebody is to be asked at all: with the guarantee neither on nor demanded for this message nothing would be stopped.
pub fn may_ask(draft: &Draft, panel: Panel) -> bool {
    panel == Panel::On || draft.demand_authenticated
}

/// What to ask before this draft is sent; `None` when it is to be sent as it is.
pub fn question(draft: &Draft, panel: Panel, known: &Protections, now: i64) -> Option<Asked> {
    if !may_ask(draft, panel) {
        return None;
    }
    let demand = draft.demand_authenticated;
    let under = if demand { Under::Proof } else { Under::Guarantee };
    let overridden = if demand { Vec::new() } else { draft.overridden() };
    let mut asked = Asked {
        stopped: Vec::new(),
        unproven: Vec::new(),
        bound: Vec::new(),
        unknown: Vec::new(),
        encrypted: Vec::new(),
        all: draft.recipients.len(),
        demand,
        ways: Vec::new(),
    };
    for address in draft.recipients.iter() {
        let email = &address.email;
        let check = known.of(email, now);
        let word = protection::word(check, under);
        let list = match protection::fate(check, under) {
            Fate::Protected => &mut asked.encrypted,
            Fate::Stopped if overridden.iter().any(|other| same_mailbox(other, email)) => continue,
            Fate::Stopped if word.is_unproven() => &mut asked.unproven,
            Fate::Stopped => &mut asked.stopped,
            Fate::Bound => &mut asked.bound,
            // That comes back for a reason of its own, whatever is chosen.
            Fate::Open if word == Word::NoMail => continue,
            Fate::Open => &mut asked.unknown,
            Fate::Excepted | Fate::InClear => continue,
        };
        if !list.iter().any(|other| same_mailbox(other, email)) {
            list.push(email.clone());
        }
    }
    asked.ways = ways(draft, &asked);
    (!asked.not_sent().is_empty()).then_some(asked)
}

fn ways(draft: &Draft, asked: &Asked) -> Vec<Way> {
    let mut ways = Vec::new();
    ways.extend((!asked.encrypted.is_empty()).then_some(Way::Encrypted));
    ways.push(Way::WithGuarantee);
    ways.push(Way::Tell);
    ways.extend((!draft.end_to_end).then_some(Way::EndToEnd));
    ways.extend((!asked.liftable().is_empty() && !asked.demand).then_some(Way::Without));
    ways
}

/// What follows from a way, for the draft as it was when Send was pressed.
pub fn take(draft: Draft, asked: &Asked, way: Way) -> Taken {
    let (mut draft, mut left) = (draft, Recipients::default());
    match way {
        Way::Tell => return Taken::Tell(asked.not_sent()),
        Way::EndToEnd => return Taken::EndToEnd,
        Way::WithGuarantee => {}
        Way::Without => {
            let overridden = draft.overridden();
            draft.without_guarantee_for = overridden.into_iter().chain(asked.liftable()).collect();
        }
        Way::Encrypted => (draft.recipients, left) = split(&draft.recipients, &asked.encrypted),
    }
    Taken::Send(Box::new(Sending { draft, left }))
}

impl Asked {
    /// Those whom it would be stopped for.
    pub fn not_sent(&self) -> Vec<String> {
        [self.stopped.as_slice(), &self.unproven, &self.bound].concat()
    }

    /// Those of them whom sending without the guarantee reaches.
    pub fn liftable(&self) -> Vec<String> {
        [self.stopped.as_slice(), &self.unproven].concat()
    }
}

/// Those who are in the list, and the others, each in their role.
fn split(recipients: &Recipients, list: &[String]) -> (Recipients, Recipients) {
    let mut parts = (Recipients::default(), Recipients::default());
    let fields = [
        (&recipients.to, &mut parts.0.to, &mut parts.1.to),
        (&recipients.cc, &mut parts.0.cc, &mut parts.1.cc),
        (&recipients.bcc, &mut parts.0.bcc, &mut parts.1.bcc),
    ];
    for (all, within, without) in fields {
        for address in all {
            let is_within = list.iter().any(|email| address.is(email));
            if is_within { &mut *within } else { &mut *without }.push(address.clone());
        }
    }
    parts
}

#[cfg(test)]
mod tests;
