//! Bounces as a user's mail program sees them.

use mail_parser::{Message, MessageParser, MimeHeaders};

/// A report of RFC 3464, read.
#[derive(Clone, Debug)]
pub struct Report {
    /// The whole message.
    pub raw: String,
    /// The text for people.
    pub text: String,
    /// The fields about the whole message, names in lower case.
    pub fields: Vec<(String, String)>,
    /// One for each recipient.
    pub recipients: Vec<ReportedRecipient>,
    /// What is returned of the original, and its media type.
    pub returned: String,
    /// `message/rfc822`, `text/rfc822-headers`, or their likes of RFC 6533.
    pub returned_type: String,
}

/// What a report says about one recipient.
#[derive(Clone, Debug)]
pub struct ReportedRecipient {
    /// The fields, names in lower case.
    pub fields: Vec<(String, String)>,
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
}

impl ReportedRecipient {
    /// A field's value, unfolded; empty without one.
    pub fn field(&self, name: &str) -> &str {
        field(&self.fields, name)
    }

    /// The address of Final-Recipient.
    pub fn address(&self) -> &str {
        self.field("final-recipient").split_once(';').map_or("", |(_, address)| address.trim())
    }

    /// The text of Diagnostic-Code without its type.
    pub fn diagnostic(&self) -> &str {
        self.field("diagnostic-code").split_once(';').map_or("", |(_, text)| text.trim())
    }
}

/// What an original, or its header, comes back as.
const RETURNED: [&str; 4] =
    ["message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"];

impl Report {
    /// The subject of a bounce (P6).
    pub const SUBJECT: &str = "Undelivered Mail Returned to Sender";

    /// Reads a bounce.
    ///
    /// # Panics
    /// When it is not built as RFC 6522 and 3464 say.
    pub fn read(raw: &[u8]) -> Self {
        let message = MessageParser::default().parse(raw).expect("a message");
        let content_type = message.content_type().expect("a Content-Type");
        assert_eq!((content_type.ctype(), content_type.subtype()), ("multipart", Some("report")));
        assert_eq!(content_type.attribute("report-type"), Some("delivery-status"));
        let part = |wanted: &str| part(&message, raw, wanted);
        let text = message.body_text(0).expect("a text part").into_owned();
        let statuses = ["message/delivery-status", "message/global-delivery-status"];
        let status = statuses.into_iter().find_map(part).expect("a delivery-status part");
        let mut groups = status.split("\n\n").map(read_fields).filter(|group| !group.is_empty());
        let fields = groups.next().expect("fields about the message");
        let recipients = groups.map(|fields| ReportedRecipient { fields }).collect();
        // The second two where the original is not ASCII (RFC 6533).
        let (returned_type, returned) = RETURNED
            .into_iter()
            .find_map(|wanted| Some((wanted.to_owned(), part(wanted)?)))
            .expect("the original, or its headers");
        Self {
            raw: String::from_utf8_lossy(raw).into_owned(),
            text,
            fields,
            recipients,
            returned,
            returned_type,
        }
    }

    /// A field about the whole message, unfolded; empty without one.
    pub fn field(&self, name: &str) -> &str {
        field(&self.fields, name)
    }

    /// A header field of the bounce itself, unfolded; empty without one.
    pub fn header(&self, name: &str) -> String {
        let head = self.raw.replace("\r\n", "\n");
        let head = head.split("\n\n").next().unwrap_or_default();
        field(&read_fields(head), &name.to_lowercase()).to_owned()
    }

    /// The recipients' addresses, in order.
    pub fn addresses(&self) -> Vec<&str> {
        self.recipients.iter().map(ReportedRecipient::address).collect()
    }

    /// The Message-ID of the original, without `<>`.
    pub fn original_message_id(&self) -> String {
        field(&read_fields(&self.returned), "message-id").trim_matches(['<', '>']).to_owned()
    }

    /// The text for people with its lines joined, so that a wrapped sentence can be found.
    pub fn unwrapped_text(&self) -> String {
        self.text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// The raw content of the first part of this media type, with plain line ends.
fn part(message: &Message<'_>, raw: &[u8], wanted: &str) -> Option<String> {
    let part = message.parts.iter().find(|part| {
        let Some(content_type) = part.content_type() else { return false };
        format!("{}/{}", content_type.ctype(), content_type.subtype().unwrap_or_default())
            .eq_ignore_ascii_case(wanted)
    })?;
    let content = raw.get(part.raw_body_offset() as usize..part.raw_end_offset() as usize)?;
    Some(String::from_utf8_lossy(content).replace("\r\n", "\n"))
}

/// Unfolded header fields up to the first empty line.
fn read_fields(text: &str) -> Vec<(String, String)> {
    let mut fields = Vec::<(String, String)>::new();
    for line in text.trim_start().lines().take_while(|line| !line.is_empty()) {
        if let (true, Some(last)) = (line.starts_with([' ', '\t']), fields.last_mut()) {
            last.1 = format!("{} {}", last.1, line.trim());
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
    fields
}
