//! The message as it travels: RFC 5322 and MIME out of a draft.

use std::borrow::Cow;

use jiff::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address as Mailbox;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};

use crate::draft::{Address, Attachment, Draft};

/// What makes a message unlike any other; passed in, so that writing is a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The new Message-ID, without `<>`.
    pub message_id: String,
    /// The `Date`.
    pub date: Timestamp,
    /// Letters and digits nobody could guess: the boundaries are made of it.
    pub boundary: String,
}

/// Writes the message, from `account` if the draft names nobody else. `Bcc` is kept: `POST /messages`
/// takes the recipients from the header and strips it on the way.
pub fn write(draft: &Draft, account: &str, stamp: &Stamp) -> Vec<u8> {
    let from = draft.from.clone().unwrap_or_else(|| Address::bare(account));
    let mut message = MessageBuilder::new()
        .date(Date::new(stamp.date.as_second()))
        .message_id(MessageId::new(one_line(&stamp.message_id)))
        .from(mailbox(&from))
        .subject(one_line(&draft.subject));
    let lists = [
        ("Reply-To", &draft.reply_to),
        ("To", &draft.recipients.to),
        ("Cc", &draft.recipients.cc),
        ("Bcc", &draft.recipients.bcc),
    ];
    for (field, addresses) in lists.into_iter().filter(|(_, addresses)| !addresses.is_empty()) {
        message = message.header(field, Mailbox::new_list(addresses.iter().map(mailbox).collect()));
    }
    if let Some(answered) = &draft.in_reply_to {
        message = message.in_reply_to(MessageId::new(one_line(answered)));
    }
    if !draft.references.is_empty() {
        message = message.references(MessageId::new_list(draft.references.iter().map(|id| one_line(id))));
    }
    let mut written = Vec::new();
    message.body(body(draft, &stamp.boundary)).serialize(&mut written);
    written
}

fn mailbox(address: &Address) -> Mailbox<'_> {
    Mailbox::new_address(address.name.as_deref().map(one_line), one_line(&address.email))
}

/// No field ends but where it should, whatever was pasted or came out of an encoded word.
fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) { text.replace(char::is_control, " ").into() } else { text.into() }
}

fn body<'x>(draft: &'x Draft, boundary: &str) -> MimePart<'x> {
    let is_picture = |file: &&Attachment| draft.html.is_some() && file.inline && file.content_id.is_some();
    let (pictures, files): (Vec<_>, Vec<_>) = draft.attachments.iter().partition(is_picture);
    let text = MimePart::new("text/plain", dos_lines(&draft.text));
    let said = match &draft.html {
        None => text,
        Some(html) => {
            let html = MimePart::new("text/html", dos_lines(html));
            let html = gather("related", boundary, html, pictures.into_iter().map(part).collect());
            if draft.text.is_empty() { html } else { multipart("alternative", boundary, vec![text, html]) }
        }
    };
    gather("mixed", boundary, said, files.into_iter().map(part).collect())
}

/// `first` with others beside it, or alone if there are none.
fn gather<'x>(kind: &str, boundary: &str, first: MimePart<'x>, others: Vec<MimePart<'x>>) -> MimePart<'x> {
    if others.is_empty() {
        return first;
    }
    let parts = std::iter::once(first).chain(others).collect();
    multipart(kind, boundary, parts)
}

fn multipart<'x>(kind: &str, boundary: &str, parts: Vec<MimePart<'x>>) -> MimePart<'x> {
    // `=_` occurs in neither quoted-printable nor base64 (RFC 2045 §6.7)
    let boundary = format!("=_{kind}_{boundary}");
    MimePart::new(ContentType::new(format!("multipart/{kind}")).attribute("boundary", boundary), parts)
}

fn part(file: &Attachment) -> MimePart<'_> {
    let content_type = one_line(&file.content_type);
    let content_type = if content_type.is_empty() { "application/octet-stream".into() } else { content_type };
    let mut part = MimePart::raw(BodyPart::Binary(file.bytes.as_slice().into()));
    part = match plain_encoding(&content_type, &file.bytes) {
        Some(encoding) => part.header("Content-Type", Raw::new(content_type)).transfer_encoding(encoding),
        // A message that can't be kept as it is may not be encoded either (RFC 2046 §5.2.1): it goes as a file.
        None if is_message(&content_type) => {
            part.header("Content-Type", Raw::new("application/octet-stream"))
        }
        // As `Raw` it is no text to the library, which would choose lines by itself: always base64.
        None => part.header("Content-Type", Raw::new(content_type)),
    };
    let mut disposition = ContentType::new(if file.inline { "inline" } else { "attachment" });
    if !file.name.is_empty() {
        disposition = disposition.attribute("filename", file.name.as_str());
    }
    part = part.header("Content-Disposition", disposition);
    match &file.content_id {
        Some(id) => part.cid(one_line(id)),
        None => part,
    }
}

fn is_message(content_type: &str) -> bool {
    content_type.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("message/"))
}

/// The transfer encoding that leaves an attached message as it is, if its lines allow that (RFC 5321 §4.5.3.1.6).
fn plain_encoding(content_type: &str, bytes: &[u8]) -> Option<&'static str> {
    let mut lines = bytes.split(|&byte| byte == b'\n').peekable();
    let mut is_fit = is_message(content_type) && !bytes.contains(&0);
    while let Some(line) = lines.next() {
        let is_last = lines.peek().is_none();
        let line = if is_last { Some(line) } else { line.strip_suffix(b"\r") };
        is_fit &= line.is_some_and(|line| line.len() <= 998 && !line.contains(&b'\r'));
    }
    is_fit.then_some(if bytes.is_ascii() { "7bit" } else { "8bit" })
}

fn dos_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

#[cfg(test)]
mod tests;
