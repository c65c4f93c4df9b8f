//! The third part: the message reported on, or its header.

use super::{Returns, clean::MAX_LINE};
use crate::{
    fields::{Fields, split_line},
    signs,
};

/// Bytes of a header that are returned.
const MAX_HEADER: usize = 256 * 1024;

/// The part's type and content.
pub(super) struct Returned {
    pub(super) description: &'static str,
    pub(super) kind: &'static str,
    pub(super) body: Vec<u8>,
}

/// What is returned of `original`, with CRLF line ends.
pub(super) fn part(original: &[u8], returns: Returns) -> Returned {
    let (header, body) = split(original);
    // UTF-8 in the header needs a type of its own (RFC 6533 §4.2, §4.3)
    let global = !header.is_ascii();
    let mut out = Vec::with_capacity(header.len() + body.len());
    lines(String::from_utf8_lossy(header).as_bytes(), Fold::Header, &mut out);
    match returns {
        Returns::Headers => {
            let kind = if global { "message/global-headers" } else { "text/rfc822-headers" };
            Returned { description: "Message Headers", kind, body: out }
        }
        Returns::Full => {
            out.extend_from_slice(b"\r\n");
            lines(body, Fold::Body, &mut out);
            let kind = if global { "message/global" } else { "message/rfc822" };
            Returned { description: "Message", kind, body: out }
        }
    }
}

/// The Message-ID of `original`, if it is a plain one.
pub(super) fn message_id(original: &[u8]) -> Option<String> {
    let field = Fields::of(split(original).0).find(|field| field.is("message-id"))?;
    signs::message_id(&field.text())
        .filter(|id| id.len() < 900 && id.bytes().all(|b| b.is_ascii_graphic() && b != b'>'))
}

/// Header and body.
fn split(original: &[u8]) -> (&[u8], &[u8]) {
    let mut end = 0;
    while let Some((line, _)) = split_line(&original[end..]) {
        if line.trim_ascii().is_empty() {
            return (&original[..end.min(MAX_HEADER)], &original[end + line.len()..]);
        }
        end += line.len();
    }
    (&original[..end.min(MAX_HEADER)], &[])
}

/// How a line that is too long goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fold {
    Header,
    Body,
}

/// The lines of `text` with CRLF at each end, without NUL and bare CR, none too long.
fn lines(text: &[u8], fold: Fold, out: &mut Vec<u8>) {
    // room for the rest of a character that begins in the last column
    const WIDTH: usize = MAX_LINE - 4;
    let mut rest = text;
    while let Some((line, after)) = split_line(rest) {
        rest = after;
        let line = without_line_end(line);
        let mut column = 0;
        for &byte in line.iter().filter(|byte| **byte != 0) {
            let begins_character = byte & 0xc0 != 0x80;
            if column >= WIDTH && begins_character {
                out.extend_from_slice(if fold == Fold::Header { b"\r\n " } else { b"\r\n" });
                column = usize::from(fold == Fold::Header);
            }
            out.push(if byte == b'\r' { b' ' } else { byte });
            column += 1;
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// The line without its line feed and the carriage returns before that, however many.
fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    &line[..line.iter().rposition(|&byte| byte != b'\r').map_or(0, |at| at + 1)]
}
