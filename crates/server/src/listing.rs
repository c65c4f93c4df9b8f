//! What a list shows of a message, and dates as messages have them.

use jiff::{Timestamp, tz::TimeZone};
use mail_parser::{Address, MessageParser};
use store::Listing;

/// Characters of a name or subject that a list keeps.
const MAX_TEXT: usize = 500;

/// Reads a message's header for a list; what is missing or broken is empty.
pub fn listing(raw: &[u8]) -> Listing {
    let Some(message) = MessageParser::default().parse_headers(raw) else { return Listing::default() };
    let date = message.date().and_then(|date| Timestamp::from_second(date.to_timestamp()).ok());
    Listing {
        message_id: message.message_id().map(|id| bounded(id.trim_matches(['<', '>', ' ']))),
        from: people(message.from()),
        to: people(message.to().or_else(|| message.cc())),
        subject: bounded(message.subject().unwrap_or_default()),
        date,
    }
}

fn people(addresses: Option<&Address<'_>>) -> String {
    let Some(addresses) = addresses else { return String::new() };
    let names: Vec<&str> =
        addresses.iter().filter_map(|one| one.name.as_deref().or(one.address.as_deref())).collect();
    bounded(&names.join(", "))
}

fn bounded(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TEXT).collect()
}

/// A date as RFC 5322 §3.3 has it, in UTC.
pub fn rfc2822(at: Timestamp) -> String {
    jiff::fmt::rfc2822::to_string(&at.to_zoned_datetime(TimeZone::UTC)).unwrap_or_else(|_| at.to_string())
}
