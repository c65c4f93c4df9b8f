//! From the bytes of a part to text: transfer encoding (RFC 2045 §6), charset, HTML.

use std::borrow::Cow;

use mail_parser::decoders::{base64::base64_decode, charsets::map::charset_decoder};

use crate::{
    entity,
    mime::{Encoding, Kind, Part},
};

/// The part's body without its transfer encoding.
pub(crate) fn bytes<'x>(part: &Part<'x>) -> Cow<'x, [u8]> {
    match part.encoding {
        Encoding::Plain => Cow::Borrowed(part.body),
        Encoding::Base64 => Cow::Owned(base64(part.body)),
        Encoding::QuotedPrintable => Cow::Owned(quoted_printable(part.body)),
    }
}

/// The part's body as text; HTML keeps its markup.
pub(crate) fn text<'x>(part: &Part<'x>) -> Cow<'x, str> {
    let bytes = bytes(part);
    let charset = part.charset.as_deref().unwrap_or_default();
    if charset.get(..8).is_some_and(|c| c.eq_ignore_ascii_case("iso-2022")) || bytes.contains(&0x1b) {
        return Cow::Owned(without_escapes(&bytes));
    }
    let is_utf8 = charset.is_empty()
        || charset.eq_ignore_ascii_case("utf-8")
        || charset.eq_ignore_ascii_case("us-ascii");
    if !is_utf8 && let Some(decode) = charset_decoder(charset.as_bytes()) {
        return Cow::Owned(decode(&bytes));
    }
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(
            String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
        ),
    }
}

/// The first `length` bytes of the part's body (still encoded) as a person reads them.
pub(crate) fn readable_head<'x>(part: &Part<'x>, length: usize) -> Cow<'x, str> {
    if part.body.len() <= length {
        return readable(part);
    }
    readable(&Part { body: &part.body[..length], charset: part.charset.clone(), report_type: None, ..*part })
}

/// The part as a person reads it: HTML without its markup.
pub(crate) fn readable<'x>(part: &Part<'x>) -> Cow<'x, str> {
    let text = text(part);
    if part.kind == Kind::Html { Cow::Owned(html_to_text(&text)) } else { text }
}

/// Base64 (RFC 2045 §6.8: characters outside the alphabet are ignored).
fn base64(body: &[u8]) -> Vec<u8> {
    base64_decode(body).unwrap_or_else(|| {
        let alphabet = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
        let cleaned: Vec<u8> = body.iter().copied().filter(alphabet).collect();
        base64_decode(&cleaned).unwrap_or_default()
    })
}

/// Quoted-printable (RFC 2045 §6.7). The library's decoder gives up on a single bad escape, mail programs do not, and
/// a forger would put one in.
fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = memchr::memchr(b'=', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let hex = |at: usize| rest.get(at).and_then(|b| char::from(*b).to_digit(16));
        if let (Some(high), Some(low)) = (hex(0), hex(1)) {
            out.push((high * 16 + low) as u8);
            rest = &rest[2..];
            continue;
        }
        let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r')).count();
        match rest.get(blanks) {
            Some(b'\n') => rest = &rest[blanks + 1..],
            None => rest = &[],
            Some(_) => out.push(b'='),
        }
    }
    out.extend_from_slice(rest);
    out
}

/// Text of an ISO 2022 charset without the runs in other character sets: what is left is the ASCII in it, which is
/// where addresses and replies stand (the browser module has no tables for the rest).
fn without_escapes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(0x1b, rest) {
        out.push_str(&String::from_utf8_lossy(&rest[..at]));
        rest = &rest[at..];
        if rest.starts_with(b"\x1b$") {
            // line ends end a run too (RFC 1468), should the escape back be missing
            let line = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let end = memchr::memmem::find(&rest[..line], b"\x1b(").unwrap_or(line);
            rest = &rest[end..];
            out.push(char::REPLACEMENT_CHARACTER);
        }
        if rest.first() == Some(&0x1b) {
            rest = &rest[rest.len().min(3)..];
        }
    }
    out.push_str(&String::from_utf8_lossy(rest));
    out
}

/// HTML as plain lines: block tags end a line, other tags vanish without a space, entities become characters.
pub(crate) fn html_to_text(html: &str) -> String {
    without_tags(html, '\n')
}

/// An HTML mail as plain text to be shown or edited, each line ended by `\n`: white space of the markup means nothing,
/// and no more than one line stays empty in a row.
pub fn plain_text(html: &str) -> String {
    // Ends a line that has begun, and nothing else.
    const SOFT: char = '\u{c}';
    let joined = html.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::with_capacity(joined.len());
    for piece in without_tags(&joined, SOFT).split_inclusive(['\n', SOFT]) {
        let line = piece.trim_matches([' ', '\n', SOFT]);
        out.push_str(line);
        let hard = piece.ends_with('\n') && !out.is_empty() && !out.ends_with("\n\n");
        let soft = piece.ends_with(SOFT) && !line.is_empty();
        if hard || soft {
            out.push('\n');
        }
    }
    out.truncate(out.trim_end().len());
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// `soft` stands where a block other than a paragraph begins or ends.
fn without_tags(html: &str, soft: char) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = memchr::memchr2(b'<', b'&', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with('<') { tag(rest, soft, &mut out) } else { entity(rest, &mut out) };
    }
    out.push_str(rest);
    out
}

/// Elements that stand on lines of their own.
const BLOCKS: &[&str] =
    &["div", "tr", "td", "th", "li", "table", "h1", "h2", "h3", "h4", "hr", "pre", "blockquote", "title"];

/// Takes one tag, comment or hidden element off the front of `html`.
fn tag<'x>(html: &'x str, soft: char, out: &mut String) -> &'x str {
    if html.starts_with("<!--") {
        return memchr::memmem::find(html.as_bytes(), b"-->").map_or("", |at| &html[at + 3..]);
    }
    let name: &str = &html[1..];
    let name = name.strip_prefix('/').unwrap_or(name);
    let length = name.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let name = &name[..length];
    if length == 0 && !html.starts_with("<!") && !html.starts_with("<?") {
        out.push('<');
        return &html[1..];
    }
    let is = |names: &[&str]| names.iter().any(|n| n.eq_ignore_ascii_case(name));
    if is(&["br", "p"]) {
        out.push('\n');
    } else if is(BLOCKS) {
        out.push(soft);
    }
    // an address in angle brackets that was not escaped is text, not a tag
    let end = memchr::memchr(b'>', html.as_bytes());
    if let Some(end) = end
        && html[..end].contains('@')
        && !html[..end].contains([' ', '=', '\n'])
    {
        out.push_str(&html[..=end]);
    }
    if is(&["style", "script"]) && !html.starts_with("</") {
        return memchr::memmem::find(html.as_bytes(), b"</").map_or("", |at| &html[at..]);
    }
    end.map_or("", |end| &html[end + 1..])
}

/// Takes one character reference off the front of `html`.
fn entity<'x>(html: &'x str, out: &mut String) -> &'x str {
    let length =
        html.bytes().skip(1).take(32).take_while(|b| b.is_ascii_alphanumeric() || *b == b'#').count();
    let ends = html.as_bytes().get(length + 1) == Some(&b';');
    match ends.then(|| entity::character(&html[1..=length])).flatten() {
        Some(character) => {
            out.push(character);
            &html[length + 2..]
        }
        None => {
            out.push('&');
            &html[1..]
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("TLS is<br>required", "TLS is\nrequired")]
    #[case("re<b>qui</b>red, but&nbsp;w&#97;s &lt;not&gt;", "required, but\u{a0}was <not>")]
    #[case("a<!-- x > y -->b<style>p { color: red }</style>c", "abc")]
    #[case("&bogus; & 1 < 2 <user@example.org>", "&bogus; & 1 < 2 <user@example.org>")]
    #[case("cut off <b", "cut off ")]
    fn html_is_read_as_a_person_reads_it(#[case] html: &str, #[case] text: &str) {
        assert_eq!(html_to_text(html), text);
    }

    #[rstest]
    #[case(
        "<html>\n <body>\n  <p>Hallo\n  Bob,</p>\n\n  <p>bis&nbsp;morgen</p><br><br><br></body>",
        "Hallo Bob,\n\nbis\u{a0}morgen\n"
    )]
    #[case("<ul><li>a</li><li>b</li></ul>c", "a\nb\nc\n")]
    #[case("<div>a <b>b</b></div><div>c<br></div><div><br></div><div>d</div>", "a b\nc\n\nd\n")]
    #[case("<div>a<div>b</div>", "a\nb\n")]
    #[case("<br> <br>", "")]
    #[case("", "")]
    fn html_as_plain_text(#[case] html: &str, #[case] text: &str) {
        assert_eq!(plain_text(html), text);
    }

    #[rstest]
    #[case(b"a=20b=\r\nc=3d", b"a bc=")]
    #[case(b"bad =zz escape = \nand=", b"bad =zz escape and")]
    fn quoted_printable_survives_bad_escapes(#[case] body: &[u8], #[case] decoded: &[u8]) {
        assert_eq!(quoted_printable(body), decoded);
    }

    #[test]
    fn base64_survives_foreign_characters() {
        assert_eq!(base64(b"SGVs*bG8="), b"Hello");
    }

    #[test]
    fn japanese_runs_are_left_out() {
        assert_eq!(
            without_escapes(b"to \x1b$B$3$N%a!<@%k\x1b(B <a@b.example>\n\x1b$Babc\nd"),
            "to \u{fffd} <a@b.example>\n\u{fffd}\nd"
        );
    }
}
