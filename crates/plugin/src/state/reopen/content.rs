//! Text, HTML and files of a message.

use std::borrow::Cow;
use std::collections::HashSet;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::html::text_to_html;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{ContentType, Encoding, Message, MessagePart, MimeHeaders, PartType};

use super::flowed;
use crate::draft::Attachment;

/// What a message consists of.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) text: String,
    pub(super) html: Option<String>,
    pub(super) attachments: Vec<Attachment>,
}

/// Everything the message holds: the bodies as text, every other leaf as an attachment, nothing left out
/// but a signature over what it no longer belongs to.
pub(super) fn of(message: &Message<'_>, raw: &[u8]) -> Content {
    let body = |ids: &[u32], read: fn(&MessagePart<'_>) -> Option<String>| {
        let parts = ids.iter().filter_map(|&id| message.part(id));
        parts.filter_map(read).collect::<Vec<_>>()
    };
    let has_html = |ids: &[u32]| {
        ids.iter().any(|&id| message.part(id).is_some_and(|part| matches!(part.body, PartType::Html(_))))
    };
    let html = has_html(&message.html_body).then(|| body(&message.html_body, as_html).join("\n"));
    let bodies: HashSet<u32> = message
        .text_body
        .iter()
        .chain(&message.html_body)
        .copied()
        .filter(|&id| message.part(id).is_some_and(|part| is_text(&part.body)))
        .collect();
    let leaves = (0_u32..).zip(&message.parts).filter(|(id, _)| !bodies.contains(id));
    let attachments = leaves.filter_map(|(_, part)| attachment(part, raw)).collect::<Vec<_>>();
    Content { text: body(&message.text_body, as_text).join("\n"), html, attachments }
}

fn is_text(body: &PartType<'_>) -> bool {
    matches!(body, PartType::Text(_) | PartType::Html(_))
}

fn as_text(part: &MessagePart<'_>) -> Option<String> {
    match &part.body {
        PartType::Text(text) => {
            let text = unix_lines(text);
            let content_type = part.content_type();
            let parameter = |name, wanted: &str| {
                content_type
                    .and_then(|content_type| content_type.attribute(name))
                    .is_some_and(|value| value.eq_ignore_ascii_case(wanted))
            };
            // RFC 3676 §4
            Some(if parameter("format", "flowed") {
                flowed::join(&text, parameter("delsp", "yes"))
            } else {
                text.into_owned()
            })
        }
        PartType::Html(html) => Some(bounce::plain_text(html)),
        PartType::Binary(_) | PartType::InlineBinary(_) | PartType::Message(_) | PartType::Multipart(_) => {
            None
        }
    }
}

fn as_html(part: &MessagePart<'_>) -> Option<String> {
    match &part.body {
        PartType::Html(html) => Some(unix_lines(html).into_owned()),
        PartType::Text(text) => Some(text_to_html(text)),
        PartType::Binary(_) | PartType::InlineBinary(_) | PartType::Message(_) | PartType::Multipart(_) => {
            None
        }
    }
}

fn unix_lines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { text.replace("\r\n", "\n").into() } else { Cow::Borrowed(text) }
}

/// A signature over parts that are about to be written anew would only be found broken.
const SIGNATURES: [&str; 3] =
    ["application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"];

fn attachment(part: &MessagePart<'_>, raw: &[u8]) -> Option<Attachment> {
    if matches!(part.body, PartType::Multipart(_)) {
        return None;
    }
    let content_type = content_type(part);
    if SIGNATURES.iter().any(|signature| content_type.starts_with(signature)) {
        return None;
    }
    let disposition = part.content_disposition();
    let content_id = part.content_id().map(str::to_owned);
    // A picture that the HTML names need not say that it is inline.
    let inline = disposition.map_or(content_id.is_some(), ContentType::is_inline);
    Some(Attachment {
        name: part.attachment_name().unwrap_or_default().to_owned(),
        content_type,
        content_id,
        inline,
        bytes: bytes(part, raw),
    })
}

/// The content as it was before its transfer encoding, no character set converted.
fn bytes(part: &MessagePart<'_>, raw: &[u8]) -> Vec<u8> {
    let encoded = raw.get(part.offset_body as usize..part.offset_end as usize).unwrap_or_default();
    let decoded = match part.encoding {
        Encoding::None => Some(encoded.to_vec()),
        Encoding::Base64 => base64_decode(encoded),
        Encoding::QuotedPrintable => quoted_printable_decode(encoded),
    };
    decoded.unwrap_or_else(|| part.contents().to_vec())
}

/// The media type with its parameters; the file's name is written elsewhere, a boundary is nobody's.
fn content_type(part: &MessagePart<'_>) -> String {
    let Some(content_type) = part.content_type() else {
        return if is_text(&part.body) { "text/plain" } else { "application/octet-stream" }.to_owned();
    };
    let mut written = match content_type.subtype() {
        Some(subtype) => format!("{}/{subtype}", content_type.ctype()),
        None => "application/octet-stream".to_owned(),
    };
    for parameter in content_type.attributes().unwrap_or_default() {
        let (name, value) = (parameter.name.as_ref(), parameter.value.as_ref());
        let unwanted = ["name", "boundary"].iter().any(|other| name.eq_ignore_ascii_case(other));
        if !unwanted && is_token(name) && value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            written.push_str(&format!("; {name}=\"{value}\""));
        }
    }
    written
}

/// RFC 2045 §5.1
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte))
}
