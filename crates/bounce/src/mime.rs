//! The parts of a message, found in one pass over its lines.
//!
//! The library's own tree is not used here: it scans to the end of the message for every boundary that is missing,
//! and frees nested messages recursively, so that a hostile message of one megabyte costs seconds or the stack.
//! This walk is linear, keeps a flat list, and bounds depth and number. What stands *in* a part (content types,
//! transfer encodings, charsets, encoded words) is left to the library.

use std::collections::HashMap;

use mail_parser::{HeaderValue, parsers::MessageStream};

use crate::fields::{Field, Fields, field_colon, split_line};

/// Multiparts open at once; what is nested deeper is read as text of the last one.
const MAX_DEPTH: usize = 256;
/// Parts of one message; a list of 10,000 attachments is still seen whole.
const MAX_PARTS: usize = 20_000;
/// Longest boundary that is looked for (RFC 2046 §5.1.1 allows 70).
const MAX_BOUNDARY: usize = 512;

/// Parts, and messages within each other, that a message read by the library's own tree may have.
const SIMPLE_PARTS: usize = 500;
const SIMPLE_LEVEL: u16 = 30;
/// Octets of a message times its parts: what the library may look through in the worst case.
const SIMPLE_WORK: usize = 2 << 30;

/// Whether a message can be given to the MIME library whole: its parts are few and flat enough for that to be quick
/// and to end. Whatever is not was made to do harm, and is shown as its header and plain text.
pub fn is_simple(raw: &[u8]) -> bool {
    let parts = Parts::of(raw);
    let deepest = parts.list.iter().map(|part| part.level).max().unwrap_or(0);
    let count = parts.list.len();
    !parts.truncated
        && count <= SIMPLE_PARTS
        && deepest <= SIMPLE_LEVEL
        && count.saturating_mul(raw.len()) <= SIMPLE_WORK
}

/// What a part is to a reader of bounces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Multipart,
    Text,
    Html,
    /// `message/delivery-status` (RFC 3464) or `message/global-delivery-status` (RFC 6533)
    Status,
    /// A message in the message: its own parts follow, one level higher.
    Message,
    /// The header of a message, alone: `text/rfc822-headers`, `message/global-headers`.
    Headers,
    /// `message/feedback-report` (RFC 5965)
    Feedback,
    /// `message/disposition-notification` (RFC 8098)
    Disposition,
    Other,
}

/// How a part's body is encoded (RFC 2045 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Base64,
    QuotedPrintable,
}

/// One part, with slices of the message.
#[derive(Debug)]
pub(crate) struct Part<'x> {
    pub(crate) kind: Kind,
    pub(crate) encoding: Encoding,
    pub(crate) charset: Option<String>,
    /// How many messages enclose it: 0 for the mail itself, 1 for the message it returns.
    pub(crate) level: u16,
    pub(crate) headers: &'x [u8],
    pub(crate) body: &'x [u8],
    /// `report-type` of a `multipart/report` (RFC 6522 §3)
    pub(crate) report_type: Option<String>,
}

/// A message taken apart.
#[derive(Debug)]
pub(crate) struct Parts<'x> {
    pub(crate) list: Vec<Part<'x>>,
    /// A bound was reached, so that something may have been missed.
    pub(crate) truncated: bool,
}

impl<'x> Parts<'x> {
    /// Never empty: the first part is the mail itself.
    pub(crate) fn of(raw: &'x [u8]) -> Self {
        let mut walk = Walk {
            raw,
            parts: Vec::new(),
            open: Vec::new(),
            by_boundary: HashMap::new(),
            body_start: 0,
            truncated: false,
        };
        walk.run();
        Self { list: walk.parts, truncated: walk.truncated }
    }

    /// The parts of the messages that are enclosed by `level` others; at level 0, of the mail itself.
    pub(crate) fn at(&self, level: u16) -> impl Iterator<Item = &Part<'x>> {
        self.list.iter().filter(move |part| part.level == level)
    }
}

/// A multipart whose closing delimiter was not met yet.
struct Open {
    boundary: Vec<u8>,
    part: usize,
    level: u16,
    /// A delimiter of it was met; without any it is no multipart.
    met: bool,
    /// index of an outer multipart with the same boundary
    shadowed: Option<usize>,
}

struct Walk<'x> {
    raw: &'x [u8],
    parts: Vec<Part<'x>>,
    open: Vec<Open>,
    by_boundary: HashMap<Vec<u8>, usize>,
    /// where the body of the last part begins
    body_start: usize,
    truncated: bool,
}

/// A delimiter line (RFC 2046 §5.1.1) of the open multipart `index`.
struct Delimiter {
    index: usize,
    closes: bool,
    start: usize,
    end: usize,
}

impl<'x> Walk<'x> {
    fn run(&mut self) {
        let mut at = self.entity(skip_mbox_line(self.raw), 0);
        while let Some(delimiter) = self.next_delimiter(at) {
            self.end_body(delimiter.start);
            self.open[delimiter.index].met = true;
            let level = self.open[delimiter.index].level;
            self.close(if delimiter.closes { delimiter.index } else { delimiter.index + 1 });
            at = delimiter.end;
            if !delimiter.closes {
                at = self.entity(at, level);
            }
        }
        self.end_body(self.raw.len());
        self.close(0);
    }

    /// Takes in the entity whose header begins at `at`, and the messages it directly consists of; gives where its
    /// body begins.
    fn entity(&mut self, mut at: usize, mut level: u16) -> usize {
        let mut inside = !self.open.is_empty();
        loop {
            if self.parts.len() >= MAX_PARTS {
                self.truncated = true;
                return at;
            }
            let (header_end, body) = self.header(at);
            let (mut part, boundary) = describe(&self.raw[at..header_end], inside);
            part.level = level;
            let descend = part.kind == Kind::Message && part.encoding == Encoding::Plain;
            match boundary {
                Some(boundary) if self.open.len() < MAX_DEPTH => self.begin(boundary, level),
                Some(_) => (self.truncated, part.kind) = (true, Kind::Text),
                None if part.kind == Kind::Multipart => part.kind = Kind::Text,
                None => {}
            }
            self.parts.push(part);
            self.body_start = body;
            if !descend {
                return body;
            }
            (at, inside) = (body, false);
            level = level.saturating_add(1);
        }
    }

    /// Where the header that begins at `at` ends, and where the body begins.
    fn header(&self, at: usize) -> (usize, usize) {
        let mut end = at;
        while let Some((line, _)) = split_line(&self.raw[end..]) {
            if line.trim_ascii().is_empty() {
                return (end, end + line.len());
            }
            let goes_on = end > at || field_colon(line).is_some();
            if !goes_on || self.delimiter(line).is_some() {
                break;
            }
            end += line.len();
        }
        (end, end)
    }

    fn begin(&mut self, boundary: Vec<u8>, level: u16) {
        let shadowed = self.by_boundary.insert(boundary.clone(), self.open.len());
        self.open.push(Open { boundary, part: self.parts.len(), level, met: false, shadowed });
    }

    /// Forgets the multiparts from index `keep` on.
    fn close(&mut self, keep: usize) {
        while self.open.len() > keep {
            let Some(last) = self.open.pop() else { return };
            match last.shadowed {
                Some(index) => self.by_boundary.insert(last.boundary, index),
                None => self.by_boundary.remove(&last.boundary),
            };
            if !last.met {
                self.parts[last.part].kind = Kind::Text;
            }
        }
    }

    /// Ends the body of the last part before the line that begins at `end`; its line end belongs to the delimiter.
    fn end_body(&mut self, end: usize) {
        let Some(last) = self.parts.last_mut() else { return };
        if last.body.is_empty() && self.body_start < end {
            last.body = &self.raw[self.body_start..end];
        }
        self.body_start = self.raw.len();
    }

    fn next_delimiter(&self, mut at: usize) -> Option<Delimiter> {
        if self.open.is_empty() {
            return None;
        }
        loop {
            let (line, _) = split_line(&self.raw[at..])?;
            if let Some((index, closes)) = self.delimiter(line) {
                return Some(Delimiter { index, closes, start: at, end: at + line.len() });
            }
            at += line.len();
        }
    }

    /// Which open multipart `line` delimits, and whether it closes it.
    fn delimiter(&self, line: &[u8]) -> Option<(usize, bool)> {
        let boundary = line.strip_prefix(b"--")?;
        if boundary.len() > MAX_BOUNDARY + 8 {
            return None;
        }
        let boundary = boundary.trim_ascii_end();
        if let Some(&index) = self.by_boundary.get(boundary) {
            return Some((index, false));
        }
        let boundary = boundary.strip_suffix(b"--")?.trim_ascii_end();
        self.by_boundary.get(boundary).map(|&index| (index, true))
    }
}

/// The `From ` line that mailbox files put before a message.
fn skip_mbox_line(raw: &[u8]) -> usize {
    match split_line(raw) {
        Some((line, _)) if line.starts_with(b"From ") || line.starts_with(b">From ") => line.len(),
        _ => 0,
    }
}

/// What the header of an entity says about it, and the boundary if it is a multipart. `inside` a multipart, an entity
/// that has a message's header instead of a part's is a returned message without a header of its own.
fn describe(headers: &[u8], inside: bool) -> (Part<'_>, Option<Vec<u8>>) {
    let mut part = Part {
        kind: Kind::Text,
        encoding: Encoding::Plain,
        charset: None,
        level: 0,
        headers,
        body: &[],
        report_type: None,
    };
    let mut boundary = None;
    let mut returned = false;
    for field in Fields::of(headers) {
        if field.is("content-type") {
            boundary = content_type(&mut part, field);
        } else if field.is("content-transfer-encoding") {
            let value = field.raw().trim_ascii();
            if value.eq_ignore_ascii_case(b"base64") {
                part.encoding = Encoding::Base64;
            } else if value.eq_ignore_ascii_case(b"quoted-printable") {
                part.encoding = Encoding::QuotedPrintable;
            }
        } else if inside && (field.is("received") || field.is("return-path")) {
            returned = true;
        }
    }
    if returned {
        (part.kind, part.body) = (Kind::Headers, headers);
        return (part, None);
    }
    (part, boundary.filter(|b| !b.is_empty() && b.len() <= MAX_BOUNDARY))
}

/// Reads `Content-Type` (RFC 2045 §5) into `part`; gives the boundary.
fn content_type(part: &mut Part<'_>, field: Field<'_>) -> Option<Vec<u8>> {
    // on one line, since some systems fold without indentation; the library wants a line end after the value
    let mut raw: Vec<u8> =
        field.raw().iter().map(|&b| if b.is_ascii_whitespace() { b' ' } else { b }).collect();
    raw.push(b'\n');
    let HeaderValue::ContentType(value) = MessageStream::new(&raw).parse_content_type() else { return None };
    let subtype = value.subtype().unwrap_or_default().to_ascii_lowercase();
    part.charset = value.attribute("charset").map(str::to_owned);
    part.kind = match value.ctype().to_ascii_lowercase().as_str() {
        "multipart" => Kind::Multipart,
        _ if subtype.ends_with("delivery-status") => Kind::Status,
        _ if subtype.ends_with("disposition-notification") => Kind::Disposition,
        _ if subtype == "feedback-report" => Kind::Feedback,
        "text" | "message" if subtype.ends_with("headers") => Kind::Headers,
        "message" if matches!(subtype.as_str(), "rfc822" | "global" | "news") => Kind::Message,
        "text" if subtype == "html" => Kind::Html,
        "text" => Kind::Text,
        _ => Kind::Other,
    };
    if part.kind != Kind::Multipart {
        return None;
    }
    part.report_type = value.attribute("report-type").map(str::to_ascii_lowercase);
    value.attribute("boundary").map(|boundary| boundary.as_bytes().to_vec())
}
