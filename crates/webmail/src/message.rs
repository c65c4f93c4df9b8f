//! A message as the page shows it, read from its bytes.

use std::sync::Arc;

use jiff::Timestamp;
use leptos::wasm_split::wasm_split;
use mail_parser::{Message, MessagePart, MimeHeaders, PartType};
use plugin::{Address, ClientError};

use crate::html;

/// A file in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) name: String,
    /// `type/subtype` in lower case.
    pub(crate) media_type: String,
    pub(crate) bytes: Arc<[u8]>,
    /// Without `<>`.
    pub(crate) content_id: Option<String>,
}

/// What there is to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Html(String),
    Text(String),
}

impl Default for Body {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// An opened message.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Opened {
    /// The bytes it was read from.
    pub(crate) raw: Arc<Vec<u8>>,
    pub(crate) from: Vec<Address>,
    pub(crate) reply_to: Vec<Address>,
    pub(crate) to: Vec<Address>,
    pub(crate) cc: Vec<Address>,
    pub(crate) bcc: Vec<Address>,
    pub(crate) subject: String,
    pub(crate) date: Option<Timestamp>,
    /// Without `<>`.
    pub(crate) message_id: Option<String>,
    /// Without `<>`, oldest first.
    pub(crate) references: Vec<String>,
    /// As its author meant it.
    pub(crate) body: Body,
    /// The same without any markup.
    pub(crate) text: String,
    pub(crate) files: Vec<File>,
}

impl Opened {
    /// Reads a message; nothing is too broken to show something.
    pub(crate) fn read(raw: Vec<u8>) -> Self {
        let raw = Arc::new(raw);
        let Some(message) = plugin::parse(&raw) else {
            let text = beginning(&raw);
            return Self { body: Body::Text(text.clone()), text, raw, ..Self::default() };
        };
        let text = if plugin::is_simple(&raw) { text_of(&message) } else { beginning(&raw) };
        Self {
            from: people(message.from()),
            reply_to: people(message.reply_to()),
            to: people(message.to()),
            cc: people(message.cc()),
            bcc: people(message.bcc()),
            subject: straight(message.subject().unwrap_or_default().trim()),
            date: message.date().and_then(|date| Timestamp::from_second(date.to_timestamp()).ok()),
            message_id: message.message_id().map(str::to_owned),
            references: references(&message),
            body: html_of(&message).map_or_else(|| Body::Text(text.clone()), Body::Html),
            text,
            files: message.attachments().map(|part| file(&message, part)).collect(),
            raw,
        }
    }

    /// As [`Opened::read`], by the part of the module that reads messages.
    ///
    /// # Errors
    /// When that can't be loaded.
    pub(crate) async fn read_by_part(raw: Vec<u8>) -> Result<Self, ClientError> {
        read(raw).await
    }

    /// The header as it came, for people who want to see it.
    pub(crate) fn header(&self) -> String {
        let raw = &self.raw;
        let end = [&b"\r\n\r\n"[..], b"\n\n"].iter().filter_map(|blank| find(raw, blank)).min();
        String::from_utf8_lossy(raw.get(..end.unwrap_or(raw.len())).unwrap_or_default()).replace("\r\n", "\n")
    }

    /// The picture that an HTML body names by its Content-ID.
    pub(crate) fn part_of_html(&self, content_id: &str) -> Option<&File> {
        self.files.iter().find(|file| file.content_id.as_deref() == Some(content_id))
    }
}

#[wasm_split(mail, wasm_split_path = ::leptos::wasm_split, fallible)]
fn read(raw: Vec<u8>) -> Result<Opened, ClientError> {
    Ok(Opened::read(raw))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn people(address: Option<&mail_parser::Address<'_>>) -> Vec<Address> {
    let Some(address) = address else { return Vec::new() };
    let person = |addr: &mail_parser::Addr<'_>| {
        let name = addr.name.as_deref().map(|name| straight(name.trim())).filter(|name| !name.is_empty());
        let email = straight(addr.address.as_deref().unwrap_or_default());
        (name.is_some() || !email.is_empty()).then_some(Address { name, email })
    };
    address.iter().filter_map(person).collect()
}

fn references(message: &Message<'_>) -> Vec<String> {
    message.references().as_text_list().unwrap_or_default().iter().map(ToString::to_string).collect()
}

/// The HTML, when there is any. Several bodies in a row become one document.
fn html_of(message: &Message<'_>) -> Option<String> {
    let mut any = false;
    let mut html = String::new();
    for part in message.html_bodies() {
        match &part.body {
            PartType::Html(text) => {
                any = true;
                html.push_str(text);
            }
            PartType::Text(text) => html.push_str(&html::of_text(text)),
            PartType::Binary(_)
            | PartType::InlineBinary(_)
            | PartType::Message(_)
            | PartType::Multipart(_) => {}
        }
    }
    any.then_some(html)
}

fn text_of(message: &Message<'_>) -> String {
    let body = |part: &MessagePart<'_>| match &part.body {
        PartType::Html(html) => Some(plugin::plain_text(html).trim_end().to_owned()),
        PartType::Text(text) => Some(text.trim_end().replace("\r\n", "\n")),
        PartType::Binary(_) | PartType::InlineBinary(_) | PartType::Message(_) | PartType::Multipart(_) => {
            None
        }
    };
    message.text_bodies().filter_map(body).collect::<Vec<_>>().join("\n\n")
}

/// The first octets of a message that no MIME reader should be given whole, as they are.
fn beginning(raw: &[u8]) -> String {
    const SHOWN: usize = 64 << 10;
    String::from_utf8_lossy(&raw[..raw.len().min(SHOWN)]).replace("\r\n", "\n")
}

fn file(message: &Message<'_>, part: &MessagePart<'_>) -> File {
    let media_type = part.content_type().map_or_else(
        || "application/octet-stream".to_owned(),
        |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("octet-stream")).to_ascii_lowercase(),
    );
    let bytes = match &part.body {
        PartType::Text(text) | PartType::Html(text) => text.as_bytes(),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => bytes,
        PartType::Message(inner) => inner.raw_message(),
        PartType::Multipart(_) => {
            message.raw_message().get(part.offset_body as usize..part.offset_end as usize).unwrap_or_default()
        }
    };
    let name = part.attachment_name().map(safe_name).filter(|name| !name.is_empty());
    File {
        name: name.unwrap_or_else(|| default_name(&media_type).to_owned()),
        bytes: bytes.into(),
        content_id: part.content_id().map(str::to_owned),
        media_type,
    }
}

/// A text without the characters that turn the direction of writing of all that follows: they would show
/// `exe.txt` for `txt.exe`, and another sender's address behind a name.
pub(crate) fn straight(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    text.chars().filter(|c| !turns(*c)).collect()
}

/// A file name without what means something to a file system or hides the name's end.
fn safe_name(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = straight(base.trim().trim_start_matches('.'));
    name.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn default_name(media_type: &str) -> &'static str {
    match media_type {
        "message/rfc822" | "message/global" => "message.eml",
        "text/rfc822-headers" | "message/rfc822-headers" | "message/global-headers" => "headers.txt",
        "message/delivery-status" | "message/global-delivery-status" => "delivery-status.txt",
        "text/plain" => "text.txt",
        "text/html" => "text.html",
        "text/calendar" => "invitation.ics",
        "image/png" => "picture.png",
        "image/jpeg" => "picture.jpg",
        "image/gif" => "picture.gif",
        "application/pdf" => "document.pdf",
        "application/pgp-signature" => "signature.asc",
        _ => "file.bin",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn opened(raw: &str) -> Opened {
        Opened::read(raw.replace('\n', "\r\n").into_bytes())
    }

    const MIXED: &str = "From: =?utf-8?q?J=C3=B6rg?= <joerg@x.example>\nTo: a@home.example, \"B, C\" <b@y.example>\n\
        Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nMessage-ID: <m1@x.example>\nReferences: <r1@x> <r2@x>\n\
        Date: Tue, 24 Nov 2026 14:05:00 +0100\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=o\n\n\
        --o\nContent-Type: multipart/related; boundary=r\n\n--r\nContent-Type: multipart/alternative; boundary=i\n\n\
        --i\nContent-Type: text/plain\n\nplain\n--i\nContent-Type: text/html\n\n<p>rich <img src=\"cid:p1\"></p>\n--i--\n\
        --r\nContent-Type: image/png\nContent-ID: <p1>\nContent-Disposition: inline\nContent-Transfer-Encoding: base64\n\niVBORw==\n--r--\n\
        --o\nContent-Type: application/pdf; name=\"../../Vertrag.pdf\"\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64\n\nJVBERg==\n--o--\n";

    #[test]
    fn reads_the_head() {
        let message = opened(MIXED);
        assert_eq!(message.from[0].to_string(), "Jörg <joerg@x.example>");
        assert_eq!(message.to[1].to_string(), "\"B, C\" <b@y.example>");
        assert_eq!(message.subject, "Grüße");
        assert_eq!(message.message_id.as_deref(), Some("m1@x.example"));
        assert_eq!(message.references, ["r1@x", "r2@x"]);
        assert_eq!(message.date.map(|date| date.to_string()).as_deref(), Some("2026-11-24T13:05:00Z"));
        assert!(message.header().ends_with("boundary=o"), "{}", message.header());
    }

    #[test]
    fn prefers_html_and_keeps_the_text() {
        let message = opened(MIXED);
        assert!(matches!(&message.body, Body::Html(html) if html.contains("rich")));
        assert_eq!(message.text, "plain");
        let picture = message.part_of_html("p1").expect("the picture");
        assert_eq!((&*picture.media_type, &*picture.bytes), ("image/png", &b"\x89PNG"[..]));
    }

    #[test]
    fn names_files_without_folders() {
        let message = opened(MIXED);
        let file = message.files.iter().find(|file| file.media_type == "application/pdf").expect("the file");
        assert_eq!((&*file.name, &*file.bytes), ("Vertrag.pdf", &b"%PDF"[..]));
    }

    #[rstest]
    #[case("a/b\\c.txt", "c.txt")]
    #[case("..", "")]
    #[case("\u{202e}txt.exe", "txt.exe")]
    #[case(" x\r\ny ", "xy")]
    fn file_names(#[case] name: &str, #[case] safe: &str) {
        assert_eq!(safe_name(name), safe);
    }

    #[rstest]
    #[case("")]
    #[case("\0\0\0")]
    #[case("Subject: only a header")]
    #[case("\r\n\r\nonly a body")]
    #[case("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x")]
    fn shows_something_of_anything(#[case] raw: &str) {
        let message = Opened::read(raw.as_bytes().to_vec());
        assert!(message.text.len() <= raw.len());
    }

    #[test]
    fn a_name_does_not_turn_the_address_around() {
        let message = opened("From: \"\u{202e}ecilA\" <bob@x.example>\nSubject: \u{2066}a\u{202e}b\n\nx\n");
        assert_eq!(message.from[0].to_string(), "ecilA <bob@x.example>");
        assert_eq!(message.subject, "ab");
    }

    #[test]
    fn a_plain_message_is_text() {
        assert_eq!(opened("Subject: x\n\none\ntwo <b>\n").body, Body::Text("one\ntwo <b>".into()));
    }

    #[test]
    fn a_text_beside_html_is_escaped() {
        let raw = "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: text/html\n\n<p>a</p>\n--o\n\
            Content-Type: text/plain\n\n1 < 2\n--o--\n";
        let Body::Html(html) = opened(raw).body else { panic!("HTML") };
        assert!(html.contains("1 &lt; 2"), "{html}");
    }
}
