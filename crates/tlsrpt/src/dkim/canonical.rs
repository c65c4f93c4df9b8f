//! Messages in the form that is signed: `relaxed` for header and body (RFC 6376 §3.4).

use aws_lc_rs::digest::{self, Digest, SHA256};

use super::Error;

/// A message, its header in fields.
#[derive(Debug)]
pub(super) struct Message<'x> {
    pub(super) fields: Vec<Field<'x>>,
    pub(super) body: &'x [u8],
}

/// One field of a header.
#[derive(Debug)]
pub(super) struct Field<'x> {
    pub(super) name: &'x str,
    /// After the colon, as it is folded.
    value: &'x [u8],
}

impl<'x> Message<'x> {
    pub(super) fn parse(message: &'x [u8]) -> Result<Self, Error> {
        if !ends_with_crlf_only(message) {
            return Err(Error::LineEnd);
        }
        let mut fields = Vec::new();
        let mut rest = message;
        while !rest.is_empty() {
            if let Some(body) = rest.strip_prefix(b"\r\n") {
                return Ok(Self { fields, body });
            }
            let (field, after) = rest.split_at(field_length(rest));
            fields.push(Field::parse(field)?);
            rest = after;
        }
        Ok(Self { fields, body: &[] })
    }
}

impl<'x> Field<'x> {
    pub(super) fn parse(field: &'x [u8]) -> Result<Self, Error> {
        let colon = field.iter().position(|byte| *byte == b':').ok_or(Error::Header)?;
        // Obsolete syntax has white space before the colon (RFC 5322 §4.5.8).
        let name = str::from_utf8(&field[..colon]).map_err(|_| Error::Header)?.trim_end_matches([' ', '\t']);
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Header);
        }
        Ok(Self { name, value: &field[colon + 1..] })
    }
}

/// Octets up to the end of the first line that none continues.
fn field_length(header: &[u8]) -> usize {
    let mut at = 0;
    while let Some(end) = header[at..].iter().position(|byte| *byte == b'\n') {
        at += end + 1;
        if !matches!(header.get(at), Some(b' ' | b'\t')) {
            return at;
        }
    }
    header.len()
}

fn ends_with_crlf_only(message: &[u8]) -> bool {
    let mut before = 0;
    for byte in message {
        if (before == b'\r') != (*byte == b'\n') {
            return false;
        }
        before = *byte;
    }
    before != b'\r'
}

/// RFC 6376 §3.4.2: the name in small letters, the value unfolded, each run of white space one space and none at the
/// ends.
pub(super) fn field(field: &Field<'_>, out: &mut Vec<u8>) {
    out.extend(field.name.bytes().map(|byte| byte.to_ascii_lowercase()));
    out.push(b':');
    let start = out.len();
    // CR and LF stand only where a field is folded, beside white space.
    for byte in field.value.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')) {
        push_relaxed(*byte, start, out);
    }
    while out.len() > start && out.last() == Some(&b' ') {
        out.pop();
    }
    if out.get(start) == Some(&b' ') {
        out.remove(start);
    }
    out.extend_from_slice(b"\r\n");
}

/// RFC 6376 §3.4.4: each run of white space one space and none at the end of a line, no empty lines at the end.
pub(super) fn body_hash(body: &[u8]) -> Digest {
    let mut hash = digest::Context::new(&SHA256);
    let mut line = Vec::new();
    let mut empty_lines = 0;
    for raw in body.split(|byte| *byte == b'\n') {
        line.clear();
        for byte in raw.strip_suffix(b"\r").unwrap_or(raw) {
            push_relaxed(*byte, 0, &mut line);
        }
        if line.last() == Some(&b' ') {
            line.pop();
        }
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        for _ in 0..empty_lines {
            hash.update(b"\r\n");
        }
        empty_lines = 0;
        hash.update(&line);
        hash.update(b"\r\n");
    }
    hash.finish()
}

fn push_relaxed(byte: u8, start: usize, out: &mut Vec<u8>) {
    if !matches!(byte, b' ' | b'\t') {
        out.push(byte);
    } else if out.len() == start || out.last() != Some(&b' ') {
        out.push(b' ');
    }
}
