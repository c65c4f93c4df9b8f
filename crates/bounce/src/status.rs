//! The machine-readable part of a report: `message/delivery-status` (RFC 3464) and its UTF-8 form (RFC 6533), with
//! what systems get wrong in it.

use std::collections::HashSet;

use crate::{
    address,
    fields::{Field, Fields, one_line, split_line},
    reading::{Action, Diagnostic, Reading, Recipient},
    tls::{self, Speaker},
};

/// Recipients of one report; more are not listed.
pub(crate) const MAX_RECIPIENTS: usize = 20_000;

/// `Reporting-MTA` fields that are kept; a genuine report has one.
const MAX_REPORTERS: usize = 100;

/// Collects recipients, each address once.
#[derive(Default)]
pub(crate) struct Recipients {
    pub(crate) list: Vec<Recipient>,
    seen: HashSet<String>,
}

impl Recipients {
    pub(crate) fn has(&self, address: &str) -> bool {
        self.seen.contains(&address.to_lowercase())
    }

    pub(crate) fn add(&mut self, recipient: Recipient) {
        if self.list.len() < MAX_RECIPIENTS && self.seen.insert(recipient.address.to_lowercase()) {
            self.list.push(recipient);
        }
    }
}

/// One group of fields while it is read.
#[derive(Default)]
struct Group {
    final_recipient: Option<String>,
    original_recipient: Option<String>,
    /// `X-Actual-Recipient` and the like
    other_recipient: Option<String>,
    action: Option<String>,
    status: Option<String>,
    diagnostic: Option<Diagnostic>,
    remote_mta: Option<String>,
}

impl Group {
    fn names_somebody(&self) -> bool {
        self.final_recipient.is_some() || self.original_recipient.is_some() || self.other_recipient.is_some()
    }

    fn take(&mut self, field: Field<'_>) {
        match field.lower_name(&mut [0; 32]) {
            b"final-recipient" => self.final_recipient = Some(field.unfolded()),
            b"original-recipient" => self.original_recipient = Some(field.unfolded()),
            b"x-actual-recipient" => self.other_recipient = Some(field.unfolded()),
            b"action" => self.action = Some(field.text()),
            b"status" => self.status = status_code(&field.text()),
            b"diagnostic-code" if self.diagnostic.is_none() => self.diagnostic = diagnostic(&field.text()),
            b"remote-mta" => {
                self.remote_mta = Some(host(&field.text()).to_owned()).filter(|host| !host.is_empty());
            }
            _ => {}
        }
    }

    fn recipient(self) -> Option<Recipient> {
        let of = |value: &Option<String>| value.as_deref().and_then(address::of_field);
        let original = of(&self.original_recipient);
        let address =
            of(&self.final_recipient).or_else(|| original.clone()).or_else(|| of(&self.other_recipient))?;
        let action = action(self.action.as_deref(), self.status.as_deref());
        let tls = self.diagnostic.as_ref().and_then(|d| {
            tls::cause(Speaker::of(d.kind.as_deref(), &d.text), self.status.as_deref(), &d.text)
        });
        let (status, diagnostic, remote_mta) = (self.status, self.diagnostic, self.remote_mta);
        Some(Recipient { original, status, diagnostic, remote_mta, tls, ..Recipient::only(address, action) })
    }
}

/// Reads one report part (decoded) into `reading` and `recipients`.
pub(crate) fn read(body: &[u8], reading: &mut Reading, recipients: &mut Recipients) {
    let mut group = Group::default();
    let mut rest = body;
    while !rest.is_empty() {
        let (block, after) = next_block(rest);
        rest = after;
        // A new group begins after an empty line (RFC 3464 §2.1), or where its writer forgot that, with the next
        // recipient. Fields after an empty line that name nobody belong to the group before.
        let names = |field: Field<'_>| field.is("final-recipient") || field.is("original-recipient");
        if group.names_somebody() && Fields::of(block).any(names) {
            recipients.end(std::mem::take(&mut group));
        }
        for field in Fields::of(block) {
            let again = (field.is("final-recipient") && group.final_recipient.is_some())
                || (field.is("original-recipient") && group.original_recipient.is_some());
            if again {
                recipients.end(std::mem::take(&mut group));
            }
            if !message_field(field, reading) {
                group.take(field);
            }
        }
    }
    recipients.end(group);
}

impl Recipients {
    fn end(&mut self, group: Group) {
        if group.names_somebody()
            && let Some(recipient) = group.recipient()
        {
            self.add(recipient);
        }
    }
}

/// The lines up to the next empty one, and what follows it.
fn next_block(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut end = 0;
    while let Some((line, _)) = split_line(&bytes[end..]) {
        if line.trim_ascii().is_empty() {
            return (&bytes[..end], &bytes[end + line.len()..]);
        }
        end += line.len();
    }
    (bytes, &[])
}

/// Takes a per-message field (RFC 3464 §2.2); whether it was one.
fn message_field(field: Field<'_>, reading: &mut Reading) -> bool {
    if field.is("reporting-mta") {
        let value = field.text();
        if !host(&value).is_empty() && reading.reporting_mtas.len() < MAX_REPORTERS {
            reading.reporting_mtas.push(value);
        }
    } else if field.is("original-envelope-id") {
        reading.envelope_id.get_or_insert_with(|| field.text());
    } else if field.is("x-tls-guarantee-queue-id") {
        reading.queue_id.get_or_insert_with(|| field.text());
    } else {
        return false;
    }
    true
}

/// The name of an MTA field (RFC 3464 §2.1.2 `mta-name-type; mta-name`) without type, comment and trailing dot.
pub(crate) fn host(value: &str) -> &str {
    let name = value.split_once(';').map_or(value, |(_, name)| name).trim();
    let name = name.split_once(" (").map_or(name, |(name, _)| name);
    name.trim_end_matches('.').trim()
}

/// The enhanced status code (RFC 3463 §2) at the front of a `Status` field.
pub(crate) fn status_code(value: &str) -> Option<String> {
    let value = value.trim_start();
    let code = &value[..value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len())];
    is_status(code).then(|| code.to_owned())
}

fn is_status(code: &str) -> bool {
    let mut parts = code.split('.');
    let class = parts.next().is_some_and(|c| matches!(c, "2" | "4" | "5"));
    let number = |n: Option<&str>| {
        n.is_some_and(|n| (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
    };
    class && number(parts.next()) && number(parts.next()) && parts.next().is_none()
}

/// An enhanced status code that stands alone in running text.
pub(crate) fn status_in(text: &str) -> Option<String> {
    text.split(|c: char| {
        c.is_whitespace() || matches!(c, '(' | ')' | '#' | '-' | ',' | ';' | ':' | '[' | ']')
    })
    .map(|word| word.trim_end_matches('.'))
    .find(|word| is_status(word))
    .map(str::to_owned)
}

fn diagnostic(value: &str) -> Option<Diagnostic> {
    let is_type = |kind: &str| {
        !kind.is_empty() && kind.len() < 40 && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let (kind, text) = match value.split_once(';') {
        Some((kind, text)) if is_type(kind.trim()) => (Some(kind.trim().to_owned()), text.trim()),
        _ => (None, value.trim()),
    };
    (!text.is_empty()).then(|| Diagnostic { kind, text: one_line(text) })
}

/// What an `Action` field means; without a known word the status decides, and without that it is a failure.
fn action(word: Option<&str>, status: Option<&str>) -> Action {
    let word = word.unwrap_or_default().to_ascii_lowercase();
    match word.as_str() {
        w if w.starts_with("fail") => Action::Failed,
        w if w.starts_with("delay") => Action::Delayed,
        w if w.starts_with("deliver") => Action::Delivered,
        w if w.starts_with("relay") => Action::Relayed,
        w if w.starts_with("expand") => Action::Expanded,
        _ if status.is_some_and(|s| s.starts_with('2')) => Action::Delivered,
        _ => Action::Failed,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read_all(text: &str) -> (Reading, Vec<Recipient>) {
        let (mut reading, mut recipients) = (Reading::default(), Recipients::default());
        read(text.as_bytes(), &mut reading, &mut recipients);
        (reading, recipients.list)
    }

    #[test]
    fn a_plain_report() {
        let (reading, recipients) = read_all(
            "Reporting-MTA: dns; mx.a.example. (Postfix)\nArrival-Date: x\n\nFinal-Recipient: rfc822; b@c.example\n\
             Action: failed\nStatus: 5.1.1 (no such user)\nRemote-MTA: dns; mx.c.example\n\
             Diagnostic-Code: smtp; 550 5.1.1\n    No\n user\n",
        );
        assert_eq!(reading.reporting_mta(), Some("mx.a.example"));
        let text = "550 5.1.1 No user".to_owned();
        assert_eq!(
            recipients,
            [Recipient {
                address: "b@c.example".into(),
                original: None,
                action: Action::Failed,
                status: Some("5.1.1".into()),
                diagnostic: Some(Diagnostic { kind: Some("smtp".into()), text }),
                explanation: None,
                remote_mta: Some("mx.c.example".into()),
                tls: None,
            }]
        );
    }

    #[rstest]
    #[case(
        "Final-Recipient: rfc822; a@b.example\nAction: failed\nFinal-Recipient: rfc822; c@d.example\nAction: failed\n",
        2
    )]
    #[case(
        "Original-Recipient: rfc822; a@b.example\nFinal-Recipient: rfc822; c@d.example\nAction: failed\n",
        1
    )]
    #[case("Final-Recipient: rfc822; a@b.example\n\nAction: failed\n\nStatus: 5.0.0\n", 1)]
    #[case("Final-Recipient: rfc822; a@b.example\n\nFinal-Recipient: rfc822; A@B.example\n", 1)]
    #[case("Original-Recipient: <a@b.example>\nAction: failed\n", 1)]
    #[case("Final-Recipient: system; root\nAction: failed\n", 0)]
    #[case("Action: failed\nStatus: 5.0.0\n", 0)]
    fn groups(#[case] text: &str, #[case] count: usize) {
        assert_eq!(read_all(text).1.len(), count);
    }

    #[rstest]
    #[case(Some("Failed"), Some("4.7.4"), Action::Failed)]
    #[case(Some("delayed"), None, Action::Delayed)]
    #[case(Some("error"), Some("5.0.0"), Action::Failed)]
    #[case(Some("deliverable"), Some("2.1.5"), Action::Delivered)]
    #[case(None, Some("2.0.0"), Action::Delivered)]
    #[case(None, None, Action::Failed)]
    fn actions(#[case] word: Option<&str>, #[case] status: Option<&str>, #[case] expected: Action) {
        assert_eq!(action(word, status), expected);
    }
}
