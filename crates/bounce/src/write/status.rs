//! The second part: the report's fields, for programs (RFC 3464 §2, RFC 6533 §4.1).

use jiff::Timestamp;

use super::{
    Report, Reported,
    clean::{self, Alphabet, field, whole_field},
    date,
};
use crate::{address, claim::OWN_DIAGNOSTIC, reading::Action, status::status_code};

/// Whether the part has to be the UTF-8 one: only when an address needs it (RFC 6533 §4.4).
pub(super) fn alphabet(report: &Report<'_>) -> Alphabet {
    let needs = |r: &Reported| {
        !r.address.is_ascii() || r.orcpt.as_deref().is_some_and(|o| !original_recipient(o).is_ascii())
    };
    if report.recipients.iter().any(needs) { Alphabet::Unicode } else { Alphabet::Ascii }
}

/// The fields, with CRLF line ends.
pub(super) fn part(report: &Report<'_>) -> String {
    let alphabet = alphabet(report);
    let mut out = String::new();
    field("Reporting-MTA", &format!("dns; {}", clean::token(&report.own_name)), &mut out);
    field("X-TLS-Guarantee-Queue-ID", &clean::token(&report.queue_id), &mut out);
    if let Some(id) = &report.envelope_id {
        // RFC 3461 §6.3 a: decoded
        field("Original-Envelope-Id", &clean::line(&clean::from_xtext(id), alphabet), &mut out);
    }
    field("Arrival-Date", &date(report.arrival), &mut out);
    for recipient in &report.recipients {
        out.push_str("\r\n");
        group(recipient, report.notice.action(&recipient.cause), alphabet, &mut out);
    }
    out
}

fn group(recipient: &Reported, action: Action, alphabet: Alphabet, out: &mut String) {
    let address = clean::address(&recipient.address);
    let kind = if address.is_ascii() { "rfc822" } else { "utf-8" };
    whole_field("Final-Recipient", &format!("{kind}; {address}"), out);
    if let Some(orcpt) = &recipient.orcpt {
        whole_field("Original-Recipient", &original_recipient(orcpt), out);
    }
    field("Action", action.as_str(), out);
    field("Status", &status(recipient, action), out);
    if let Some(remote) = &recipient.remote {
        // the name without the address that people know it with
        let name = remote.split('[').next().filter(|name| !name.is_empty()).unwrap_or(remote);
        field("Remote-MTA", &format!("dns; {}", clean::token(name)), out);
    }
    // RFC 3464 §2.3.6, RFC 3461 §9.2: `smtp` only for what a server really replied
    let kind = if recipient.cause.is_reply() { "smtp" } else { OWN_DIAGNOSTIC };
    let text = clean::line(recipient.cause.text(), alphabet);
    if !text.is_empty() {
        field("Diagnostic-Code", &format!("{kind}; {text}"), out);
    }
    let time = |time: Option<Timestamp>| time.map(date).unwrap_or_default();
    field("Last-Attempt-Date", &time(recipient.last_attempt), out);
    if action == Action::Delayed {
        field("Will-Retry-Until", &time(recipient.will_retry_until), out);
    }
}

/// The status, if it is one of trouble or of success as the action is, else the general one.
fn status(recipient: &Reported, action: Action) -> String {
    let general = match action {
        Action::Failed => "5.0.0",
        Action::Delayed => "4.0.0",
        Action::Delivered | Action::Relayed | Action::Expanded => "2.0.0",
    };
    status_code(&recipient.status)
        .filter(|code| code.starts_with('2') != action.is_trouble())
        .map_or_else(|| general.to_owned(), |code| without_leading_zeros(&code))
}

/// Other servers' codes have them; ours may not (RFC 3464 §2.3.4).
fn without_leading_zeros(code: &str) -> String {
    let short = |number: &str| match number.trim_start_matches('0') {
        "" => "0".to_owned(),
        short => short.to_owned(),
    };
    code.split('.').map(short).collect::<Vec<_>>().join(".")
}

/// ORCPT (RFC 3461 §4.2) as `address-type; address`, decoded: xtext, and the escapes of a `utf-8` address (RFC 6533 §3).
fn original_recipient(orcpt: &str) -> String {
    let (kind, encoded) = orcpt.split_once(';').unwrap_or(("rfc822", orcpt));
    let kind: String = clean::token(kind).chars().take(64).collect();
    let decoded = if kind.eq_ignore_ascii_case("utf-8") {
        address::unescape(encoded)
    } else {
        clean::from_xtext(encoded)
    };
    format!("{}; {}", if kind.is_empty() { "rfc822" } else { &kind }, clean::address(&decoded))
}
