//! "Open as new message": a sent message becomes a draft.
//!
//! Kept are text and HTML, attachments and inline pictures (their content byte for byte), the sender's
//! identity, `Reply-To`, the recipients' roles and the thread. New are Message-ID and date, which the
//! composer makes when it sends.

mod content;
mod flowed;

use api::{Stop, StoppedRecipient};
use mail_parser::{HeaderName, HeaderValue, Message, MessageParser};

use super::banner::Confirmed;
use super::cause::CauseWord;
use super::stops;
use crate::draft::{Address, Choice, Draft, Recipients, same_mailbox};

/// Whom a reopened message goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom<'a> {
    /// Only those it was not sent to, in the roles they had; all are offered as a choice.
    Stopped(&'a [String]),
    /// Everybody it was for.
    All,
}

/// How a stopped message is to be sent after all: the banner's ways that lead into the composer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The user wants to encrypt the content; the guarantee stays.
    EndToEnd,
    /// The user lifts the guarantee for this one message and those stopped recipients whom that reaches.
    WithoutGuarantee,
    /// The way to some of them is encrypted by now: to those, and the guarantee stays.
    Again,
}

/// The draft; `original` is the raw message. Of what is no message comes an empty draft.
pub fn draft(original: &[u8], whom: Whom<'_>) -> Draft {
    let Some(message) = crate::parse(original) else { return Draft::default() };
    let all = recipients(&message);
    let (recipients, choice) = match whom {
        Whom::All => (all, None),
        Whom::Stopped(stopped) => {
            let choice = choose(all, stopped);
            (choice.stopped.clone(), Some(choice))
        }
    };
    let content = content::of(&message, original);
    Draft {
        from: addresses(&message, HeaderName::From).into_iter().next(),
        reply_to: addresses(&message, HeaderName::ReplyTo),
        recipients,
        subject: message.subject().unwrap_or_default().to_owned(),
        text: content.text,
        html: content.html,
        attachments: content.attachments,
        in_reply_to: message_ids(message.in_reply_to()).pop(),
        references: message_ids(message.references()),
        choice,
        ..Draft::default()
    }
}

/// The draft of a sent message: all recipients, or, if a stop is recorded for it, the stopped ones.
pub fn sent_message(original: &[u8], stops: &[Stop]) -> Draft {
    let draft = draft(original, Whom::All);
    let message = MessageParser::default().parse_headers(original);
    let message_id = message.as_ref().and_then(|message| message.message_id()).unwrap_or_default();
    match addressed(draft.recipients.clone(), message_id, stops, None) {
        None => draft,
        Some(addressed) => Draft {
            recipients: addressed.recipients,
            choice: addressed.choice,
            replaces: addressed.replaces,
            bound: addressed.bound,
            ..draft
        },
    }
}

/// A way of the banner that was taken, and the stop it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The stop's id.
    pub stop: String,
    /// The way.
    pub way: Way,
    /// For [`Way::Again`]: to whom.
    pub only: Vec<String>,
}

/// Of a sent message that its webmail itself has reopened for `all`: whom it goes to now, what is recorded and how it is
/// sent; nothing else is in this draft. `None` if no stop is recorded for it: then it goes to all.
pub fn addressed(all: Recipients, message_id: &str, stops: &[Stop], taken: Option<&Taken>) -> Option<Draft> {
    let mut recorded: Vec<&Stop> = stops::of_message(stops, message_id).collect();
    // An address in the page's URL is anybody's word: what is not recorded for this message counts for nothing.
    let taken = taken.filter(|taken| recorded.iter().any(|stop| stop.id == taken.stop));
    if let Some(taken) = taken {
        recorded.retain(|stop| stop.id == taken.stop);
    }
    let way = taken.map(|taken| taken.way);
    let replaces = recorded.first()?.id.clone();
    let recorded: Vec<_> = recorded.iter().flat_map(|stop| &stop.recipients).collect();
    let recipients = stops::still_without(stops, &recorded);
    let those = |is_wanted: &dyn Fn(&StoppedRecipient) -> bool| {
        let such = recipients.iter().filter(|one| is_wanted(one));
        such.map(|one| one.address.clone()).collect::<Vec<_>>()
    };
    let is_liftable = |one: &StoppedRecipient| CauseWord::of_stopped(one).is_liftable();
    let stopped = match taken {
        Some(Taken { way: Way::WithoutGuarantee, .. }) => those(&is_liftable),
        Some(Taken { way: Way::Again, only, .. }) => {
            let again = those(&|one| only.iter().any(|email| same_mailbox(email, &one.address)));
            let recipients = choose(all, &again).stopped;
            return Some(Draft { recipients, replaces: Some(replaces), ..Draft::default() });
        }
        Some(Taken { way: Way::EndToEnd, .. }) | None => those(&|_| true),
    };
    let choice = choose(all, &stopped);
    Some(Draft {
        recipients: choice.stopped.clone(),
        choice: Some(choice),
        replaces: Some(replaces),
        bound: those(&|one| !is_liftable(one)),
        end_to_end: way == Some(Way::EndToEnd),
        without_guarantee_for: if way == Some(Way::WithoutGuarantee) { stopped } else { Vec::new() },
        ..Draft::default()
    })
}

/// The draft of a message whose stop the server has confirmed, on one of the banner's ways; for [`Way::Again`] only
/// those are in `confirmed` whom it is to go to.
pub fn stopped(original: &[u8], confirmed: &Confirmed, way: Way) -> Draft {
    let stopped = match way {
        Way::EndToEnd | Way::Again => confirmed.addressees(),
        Way::WithoutGuarantee => confirmed.liftable(),
    };
    let (replaces, bound) = (Some(confirmed.stop.clone()), confirmed.bound());
    let draft = Draft { replaces, bound, ..draft(original, Whom::Stopped(&stopped)) };
    match way {
        Way::EndToEnd => Draft { end_to_end: true, ..draft },
        Way::WithoutGuarantee => Draft { without_guarantee_for: stopped, ..draft },
        // Nothing of it is to be stopped again: there is nothing to choose, and nothing to warn of.
        Way::Again => Draft { choice: None, bound: Vec::new(), ..draft },
    }
}

/// The stopped ones in the roles they had. Whom the copy does not name got it hidden: mail programs
/// strip `Bcc` from their copy, so that is the role they get.
fn choose(mut all: Recipients, stopped: &[String]) -> Choice {
    let hidden = stopped.iter().filter(|email| !all.contains(email)).map(Address::bare).collect::<Vec<_>>();
    all.bcc.extend(hidden);
    let only = |role: &[Address]| {
        let was_stopped =
            |address: &&Address| stopped.iter().any(|email| same_mailbox(email, &address.email));
        role.iter().filter(was_stopped).cloned().collect()
    };
    Choice { stopped: Recipients { to: only(&all.to), cc: only(&all.cc), bcc: only(&all.bcc) }, all }
}

fn recipients(message: &Message<'_>) -> Recipients {
    Recipients {
        to: addresses(message, HeaderName::To),
        cc: addresses(message, HeaderName::Cc),
        bcc: addresses(message, HeaderName::Bcc),
    }
}

/// All addresses of all fields of this name, members of groups among them.
fn addresses(message: &Message<'_>, field: HeaderName<'static>) -> Vec<Address> {
    message
        .header_values(field)
        .filter_map(HeaderValue::as_address)
        .flat_map(|list| list.iter())
        .filter_map(|one| {
            let email = one.address().filter(|email| email.contains('@'))?.to_owned();
            Some(Address { name: one.name().filter(|name| !name.is_empty()).map(str::to_owned), email })
        })
        .collect()
}

fn message_ids(value: &HeaderValue<'_>) -> Vec<String> {
    value.as_text_list().unwrap_or_default().iter().map(|id| id.clone().into_owned()).collect()
}

#[cfg(test)]
mod tests;
