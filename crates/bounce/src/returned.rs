//! The message that a report returns: whole, its header alone, or pasted into the report's text.

use crate::{
    address,
    fields::{Fields, field_colon, split_line},
    mime::{Kind, Parts},
    signs::{addresses, message_id},
};

/// What is known of the returned message.
#[derive(Default)]
pub(crate) struct Returned {
    pub(crate) message_id: Option<String>,
    /// To and Cc
    pub(crate) written_to: Vec<String>,
    /// `for <…>` of its last Received field: one recipient of its envelope.
    pub(crate) received_for: Option<String>,
    pub(crate) found: bool,
}

impl Returned {
    /// From the first part that holds a message or a header, in the mail at `level`; else from `pasted` text.
    pub(crate) fn of(parts: &Parts<'_>, level: u16, pasted: &str) -> Self {
        let mut returned = Self::default();
        for (index, part) in parts.list.iter().enumerate() {
            match part.kind {
                Kind::Message if part.level == level => {
                    if let Some(inner) = parts.list.get(index + 1).filter(|inner| inner.level == level + 1) {
                        returned.take(inner.headers);
                    }
                }
                Kind::Headers if part.level == level => returned.take(&crate::decode::bytes(part)),
                _ => continue,
            }
            if returned.found {
                return returned;
            }
        }
        Self::pasted(pasted)
    }

    /// From the header of a message that is pasted into `text`.
    pub(crate) fn pasted(text: &str) -> Self {
        let mut returned = Self::default();
        returned.take(header_block(text));
        returned
    }

    fn take(&mut self, headers: &[u8]) {
        for field in Fields::of(headers) {
            match field.lower_name(&mut [0; 32]) {
                b"message-id" if self.message_id.is_none() => self.message_id = message_id(&field.text()),
                b"to" | b"cc" => self.written_to.extend(addresses(field)),
                b"received" if self.received_for.is_none() => {
                    let text = field.text();
                    self.received_for = text.rfind(" for ").and_then(|at| {
                        address::in_text(&text[at..]).next().map(|found| found.address.to_owned())
                    });
                }
                _ => {}
            }
            self.found = true;
        }
    }
}

/// The text from its first line that looks like a header field.
pub(crate) fn message_in(text: &str) -> &[u8] {
    let mut rest = text.as_bytes();
    while let Some((line, after)) = split_line(rest) {
        if field_colon(line).is_some() {
            break;
        }
        rest = after;
    }
    rest
}

/// The first block of lines that look like header fields.
fn header_block(text: &str) -> &[u8] {
    let text = message_in(text);
    let mut end = 0;
    while let Some((line, _)) = split_line(&text[end..]) {
        if line.trim_ascii().is_empty() {
            break;
        }
        end += line.len();
    }
    &text[..end]
}
