//! From the bytes of a message to what it reports.

use std::collections::HashMap;

use crate::{
    decode,
    fields::with_line_feeds,
    mime::{self, Part, Parts},
    prose::{self, Prose, Standing, Tone},
    reading::{Action, Kind, Reading, Recipient},
    returned::{Returned, message_in},
    shown::shows_stop,
    signs::{Signs, Title, Weight},
    status::{self, Recipients},
};

/// A report that another system has put into a report of its own is still read, and the one in that.
const MAX_WRAPPED: u16 = 2;

/// Text of a report that is looked at, in bytes; what systems say stands at its front.
const MAX_TEXT: usize = 512 * 1024;

/// What a message reports about deliveries, whatever system wrote it.
///
/// Linear in the length of the message and bounded in memory; never fails: what is not understood is
/// [`Kind::Ordinary`]. RFC 3464, 6522, 6533, and the forms that systems had before and beside these.
pub fn read(raw: &[u8]) -> Reading {
    let raw = with_line_feeds(raw);
    let parts = Parts::of(&raw);
    let mut reading = Reading::default();
    read_level(&parts, Depth::default(), &mut reading);
    if !reading.recipients.is_empty() {
        let trouble = reading.recipients.iter().any(|r| r.action.is_trouble());
        reading.kind = if trouble { Kind::Bounce } else { Kind::Success };
    }
    if reading.kind == Kind::Ordinary && !reading.titled_as_ours {
        reading.message_id = None;
    }
    if reading.titled_as_ours || !reading.reporting_mtas.is_empty() {
        reading.shows_stop = shows_stop(&parts);
    }
    reading
}

/// Which message is read: the one enclosed by `level` others in the parts at hand, after `wraps` reports around it.
#[derive(Clone, Copy, Default)]
struct Depth {
    level: u16,
    wraps: u16,
}

/// Reads one message.
fn read_level(parts: &Parts<'_>, depth: Depth, reading: &mut Reading) {
    let level = depth.level;
    let Some(top) = parts.at(level).next() else { return };
    let signs = Signs::of(top.headers, top.report_type.as_deref());
    if depth.level == 0 && depth.wraps == 0 {
        reading.titled_as_ours = signs.titled_as_ours;
    }
    let mut recipients = Recipients::default();
    let mut has_status = false;
    for part in parts.at(level).filter(|part| part.kind == mime::Kind::Status) {
        has_status = true;
        status::read(&decode::bytes(part), reading, &mut recipients);
    }
    reading.recipients = recipients.list;
    if reading.recipients.iter().any(|r| r.action.is_trouble() && r.diagnostic.is_none()) {
        explain(&mut reading.recipients, &prose::read(&report_text(parts, level), &signs));
    }
    let mut pasted = String::new();
    let weight = if has_status { Weight::Declared } else { signs.weight() };
    if reading.recipients.is_empty() && weight > Weight::None && !is_another_kind(parts, level) {
        let text = report_text(parts, level);
        let prose = prose::read(&text, &signs);
        pasted = prose.pasted.to_owned();
        let returns = !prose.pasted.is_empty() || parts.at(level).any(is_returned);
        if prose.is_report(weight, returns) {
            conclude(prose, parts, depth, &signs, reading);
        }
    }
    if reading.message_id.is_none() {
        reading.message_id = Returned::of(parts, level, &pasted).message_id.or(signs.refers_to);
    }
}

fn is_returned(part: &Part<'_>) -> bool {
    matches!(part.kind, mime::Kind::Message | mime::Kind::Headers)
}

/// Adds what the text says about recipients whose fields say nothing (OpenSMTPD and Exim give no diagnostic).
fn explain(recipients: &mut [Recipient], prose: &Prose<'_>) {
    let told: HashMap<String, &Recipient> =
        prose.recipients.iter().map(|r| (r.address.to_lowercase(), r)).collect();
    for recipient in recipients.iter_mut().filter(|r| r.action.is_trouble() && r.diagnostic.is_none()) {
        if let Some(told) = told.get(&recipient.address.to_lowercase()) {
            recipient.explanation = told.diagnostic.as_ref().map(|d| d.text.clone());
            recipient.tls = recipient.tls.or(told.tls);
        }
    }
}

/// Read receipts and feedback reports, by their parts. A receipt that says it was a rejection (Dovecot's old form of
/// one) is none.
fn is_another_kind(parts: &Parts<'_>, level: u16) -> bool {
    let has = |part: &Part<'_>, words: &[u8]| memchr::memmem::find(part.body, words).is_some();
    let rejection = |part: &Part<'_>| has(part, b"automatic-action/") && !has(part, b"displayed");
    parts.at(level).any(|part| match part.kind {
        mime::Kind::Feedback => true,
        mime::Kind::Disposition => !rejection(part),
        _ => false,
    })
}

/// The text that comes before the returned message; from HTML where there is no plain text with an address in it.
fn report_text(parts: &Parts<'_>, level: u16) -> String {
    let all = || parts.at(level).take_while(|part| !is_returned(part));
    let mut text = String::new();
    for kind in [mime::Kind::Text, mime::Kind::Html] {
        for part in all().filter(|part| part.kind == kind) {
            text.push_str(&decode::readable_head(part, MAX_TEXT.saturating_sub(text.len())));
            text.push('\n');
        }
        if text.contains('@') {
            break;
        }
    }
    text
}

/// Takes the recipients from the best source there is.
fn conclude(prose: Prose<'_>, parts: &Parts<'_>, depth: Depth, signs: &Signs, reading: &mut Reading) {
    let action = if signs.title == Title::Delay { Action::Delayed } else { Action::Failed };
    let only = |address: &String| Recipient::only(address.clone(), action);
    let mut recipients = Recipients::default();
    if let Some(fields) = prose.status {
        status::read(fields.as_bytes(), reading, &mut recipients);
        if !recipients.list.is_empty() {
            reading.recipients = recipients.list;
            return;
        }
    }
    let headed = &signs.failed_recipients;
    if headed.is_empty()
        || (prose.standing == Some(Standing::Alone) && prose.recipients.len() == headed.len())
    {
        prose.recipients.into_iter().for_each(|r| recipients.add(r));
    } else {
        let mut told: HashMap<String, Recipient> =
            prose.recipients.into_iter().map(|r| (r.address.to_lowercase(), r)).collect();
        for address in headed {
            recipients.add(told.remove(&address.to_lowercase()).unwrap_or_else(|| only(address)));
        }
    }
    if recipients.list.is_empty() {
        prose.written_to.iter().map(only).for_each(|r| recipients.add(r));
    }
    reading.recipients.append(&mut recipients.list);
    let wraps = depth.wraps + 1;
    if reading.recipients.is_empty() && wraps <= MAX_WRAPPED {
        read_level(parts, Depth { level: depth.level + 1, wraps }, reading);
    }
    if reading.recipients.is_empty() && wraps <= MAX_WRAPPED && !prose.pasted.is_empty() {
        read_level(&Parts::of(message_in(prose.pasted)), Depth { level: 0, wraps }, reading);
    }
    if reading.recipients.is_empty() {
        let pasted = Returned::pasted(prose.pasted);
        let returned = Returned::of(parts, depth.level, "");
        // whom an attached message went to is only known from its envelope
        let attached = returned
            .written_to
            .iter()
            .filter(|to| returned.received_for.as_ref().is_some_and(|for_| for_.eq_ignore_ascii_case(to)));
        attached.chain(&pasted.written_to).map(only).for_each(|r| recipients.add(r));
        reading.recipients = recipients.list;
        // a bounce all the same, by its subject, its text and what it returns
        if returned.found && signs.titled() && prose.tone == Tone::Failure {
            reading.kind = Kind::Bounce;
        }
    }
}
