//! Re-encoding a message for a next hop that takes only 7-bit content (RFC 6152 §3).

use base64::{Engine, prelude::BASE64_STANDARD};
use mail_parser::{HeaderName, Message, MessageParser, MimeHeaders};
use memchr::{memchr, memmem};

/// Multiparts and messages within each other; deeper ones are not encoded anew.
const DEPTH: usize = 20;

/// Characters of a line of base64 (RFC 2045 §6.8).
const BASE64_LINE: usize = 76;

/// The message with every 8-bit part in quoted-printable or base64 and everything else octet by octet as it was, or
/// `None` if it can't be: 8-bit octets are in a header, between parts or in a part that says it has none; a part must
/// not be touched (RFC 1847 §2.1); or what belongs where is not clear.
///
/// A DKIM signature does not survive it; RFC 6376 §5.3 has signers see to that.
pub(crate) fn to_seven_bit(content: &[u8]) -> Option<Vec<u8>> {
    let mut encoder =
        Encoder { out: Vec::with_capacity(content.len() * 3 / 2), boundaries: Vec::new(), depth: 0 };
    encoder.entity(content, Place::Message)?;
    // The octets that nobody has claimed: preambles and epilogues.
    encoder.out.is_ascii().then_some(encoder.out)
}

struct Encoder {
    out: Vec<u8>,
    /// Of the multiparts around.
    boundaries: Vec<Vec<u8>>,
    depth: usize,
}

/// Where an entity stands, which tells what it is when it does not say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is a message.
    Message,
    /// RFC 2046 §5.1.5.
    Digest,
    /// Any other multipart.
    Multipart,
}

/// What is done with a body.
enum Body {
    Multipart { boundary: Vec<u8>, place: Place },
    Message,
    Text,
    Other,
}

impl Encoder {
    /// A message or a part: header, empty line, body.
    fn entity(&mut self, entity: &[u8], place: Place) -> Option<()> {
        let (header, body) = split_header(entity);
        if body.is_ascii() {
            // With 8-bit octets in the header it fails at the end.
            self.out.extend_from_slice(entity);
            return Some(());
        }
        if self.depth == DEPTH {
            return None;
        }
        self.depth += 1;
        let header = Header::parse(header)?;
        match header.body(place)? {
            Body::Multipart { boundary, place: within } => {
                self.out.extend(header.labelled(place, Label::Container));
                self.multipart(body, boundary, within)?;
            }
            Body::Message => {
                self.out.extend(header.labelled(place, Label::Container));
                self.entity(body, Place::Message)?;
            }
            Body::Text => {
                let encoded = quoted_printable::encode(body);
                if self.has_boundary(&encoded) {
                    self.base64(&header, place, body);
                } else {
                    self.out.extend(header.labelled(place, Label::Leaf("quoted-printable")));
                    self.out.extend(encoded);
                }
            }
            Body::Other => self.base64(&header, place, body),
        }
        self.depth -= 1;
        Some(())
    }

    fn multipart(&mut self, body: &[u8], boundary: Vec<u8>, place: Place) -> Option<()> {
        let parts = split_multipart(body, &boundary)?;
        self.boundaries.push(boundary);
        let mut done = 0;
        for part in parts {
            self.out.extend_from_slice(&body[done..part.start]);
            done = part.end;
            self.entity(&body[part], place)?;
        }
        self.out.extend_from_slice(&body[done..]);
        self.boundaries.pop();
        Some(())
    }

    fn base64(&mut self, header: &Header<'_>, place: Place, body: &[u8]) {
        self.out.extend(header.labelled(place, Label::Leaf("base64")));
        for (number, line) in BASE64_STANDARD.encode(body).as_bytes().chunks(BASE64_LINE).enumerate() {
            if number > 0 {
                self.out.extend_from_slice(b"\r\n");
            }
            self.out.extend_from_slice(line);
        }
        if self.boundaries.is_empty() {
            self.out.extend_from_slice(b"\r\n");
        }
    }

    /// Whether a line begins like a boundary: a soft line break may have brought about what was not there before.
    fn has_boundary(&self, encoded: &[u8]) -> bool {
        let is_boundary = |line: &[u8]| {
            line.strip_prefix(b"--")
                .is_some_and(|rest| self.boundaries.iter().any(|boundary| rest.starts_with(boundary)))
        };
        encoded.split(|octet| *octet == b'\n').any(is_boundary)
    }
}

/// The header with its line ends, the empty line that ends it included, and the body.
fn split_header(entity: &[u8]) -> (&[u8], &[u8]) {
    if entity.starts_with(b"\r\n") {
        return entity.split_at(2);
    }
    let end = memmem::find(entity, b"\r\n\r\n").map_or(entity.len(), |at| at + 4);
    entity.split_at(end)
}

/// Where the parts of a multipart are, without the delimiters and the line ends that belong to these (RFC 2046 §5.1.1).
/// `None` if there is no end to it.
fn split_multipart(body: &[u8], boundary: &[u8]) -> Option<Vec<std::ops::Range<usize>>> {
    let mut parts = Vec::new();
    let mut begun = None;
    let mut line_start = 0;
    while line_start < body.len() {
        let line_end = memchr(b'\n', &body[line_start..]).map_or(body.len(), |at| line_start + at + 1);
        if let Some(delimiter) = delimiter(&body[line_start..line_end], boundary) {
            if let Some(start) = begun {
                // A part without a line has no line end of its own to give to the delimiter.
                let end = line_start.saturating_sub(2).max(start);
                parts.push(start..end);
            }
            match delimiter {
                Delimiter::Between => begun = Some(line_end),
                Delimiter::Last => return begun.map(|_| parts),
            }
        }
        line_start = line_end;
    }
    None
}

enum Delimiter {
    Between,
    Last,
}

fn delimiter(line: &[u8], boundary: &[u8]) -> Option<Delimiter> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let is_blank = |rest: &[u8]| rest.iter().all(u8::is_ascii_whitespace);
    match rest.strip_prefix(b"--") {
        Some(rest) if is_blank(rest) => Some(Delimiter::Last),
        _ => is_blank(rest).then_some(Delimiter::Between),
    }
}

/// What an entity's header says of its encoding.
struct Header<'a> {
    raw: &'a [u8],
    parsed: Option<Message<'a>>,
}

/// What Content-Transfer-Encoding is to say.
enum Label {
    /// `7bit`, if it says anything.
    Container,
    Leaf(&'static str),
}

impl<'a> Header<'a> {
    /// `None` for a header with 8-bit octets or with fields that contradict each other, and where the body is said to
    /// have no 8-bit octets.
    fn parse(raw: &'a [u8]) -> Option<Self> {
        if !raw.is_ascii() {
            return None;
        }
        let header = Self { raw, parsed: MessageParser::default().parse_headers(raw) };
        for name in [HeaderName::ContentType, HeaderName::ContentTransferEncoding] {
            if header.fields(&name).count() > 1 {
                return None;
            }
        }
        let encoding = header.parsed.as_ref().and_then(Message::content_transfer_encoding);
        let is_identity =
            |name: &str| ["7bit", "8bit", "binary"].iter().any(|i| name.eq_ignore_ascii_case(i));
        encoding.is_none_or(is_identity).then_some(header)
    }

    /// Where the fields of that name are.
    fn fields(&self, name: &HeaderName<'_>) -> impl Iterator<Item = std::ops::Range<usize>> {
        let headers = self.parsed.as_ref().map_or(&[][..], Message::headers);
        let place =
            |field: &mail_parser::Header<'_>| field.offset_field() as usize..field.offset_end() as usize;
        headers.iter().filter(move |field| field.name == *name).map(place)
    }

    /// `None` if it must not be encoded anew.
    fn body(&self, place: Place) -> Option<Body> {
        let Some(kind) = self.parsed.as_ref().and_then(Message::content_type) else {
            return Some(if place == Place::Digest { Body::Message } else { Body::Text });
        };
        let subtype = kind.subtype().unwrap_or_default().to_ascii_lowercase();
        match (kind.ctype().to_ascii_lowercase().as_str(), subtype.as_str()) {
            ("multipart", "signed" | "encrypted") => None,
            ("multipart", _) => {
                let boundary = kind.attribute("boundary").filter(|boundary| !boundary.is_empty())?;
                let place = if subtype == "digest" { Place::Digest } else { Place::Multipart };
                Some(Body::Multipart { boundary: boundary.as_bytes().to_vec(), place })
            }
            ("message", "rfc822") => Some(Body::Message),
            // RFC 6532 §3.7: the only other type of message that may be encoded.
            ("message", "global") => Some(Body::Other),
            ("message", _) => None,
            ("text", _) => Some(Body::Text),
            _ => Some(Body::Other),
        }
    }

    /// The header with another label.
    fn labelled(&self, place: Place, label: Label) -> Vec<u8> {
        let old = self.fields(&HeaderName::ContentTransferEncoding).next();
        let field = match (label, &old) {
            (Label::Leaf(encoding), _) => format!("Content-Transfer-Encoding: {encoding}\r\n"),
            (Label::Container, Some(_)) => "Content-Transfer-Encoding: 7bit\r\n".to_owned(),
            (Label::Container, None) => String::new(),
        };
        // The empty line.
        let end = self.raw.len() - 2;
        let old = old.unwrap_or(end..end);
        let mut labelled = self.raw[..old.start].to_vec();
        labelled.extend_from_slice(field.as_bytes());
        labelled.extend_from_slice(&self.raw[old.end..end]);
        // RFC 2045 §4: without it the label would say nothing.
        if place == Place::Message && self.fields(&HeaderName::MimeVersion).next().is_none() {
            labelled.extend_from_slice(b"MIME-Version: 1.0\r\n");
        }
        labelled.extend_from_slice(b"\r\n");
        labelled
    }
}

#[cfg(test)]
mod tests;
