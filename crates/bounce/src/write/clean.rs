//! Making foreign text fit for a report: nothing in it may end a line, hide or grow without bound.

/// Longest line without its end (RFC 5322 §2.1.1).
pub(super) const MAX_LINE: usize = 998;
/// Columns that a person's lines are wrapped at, as mail administrators know it.
pub(super) const WIDTH: usize = 79;
/// Bytes of one diagnostic.
const MAX_TEXT: usize = 2_000;
/// Bytes of one address; SMTP allows 256 (RFC 5321 §4.5.3.1.3).
const MAX_ADDRESS: usize = 512;
/// Bytes of a word; a longer one gets a space, so that it can be folded.
const MAX_WORD: usize = 400;

/// Characters a report may carry in which part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// RFC 3464
    Ascii,
    /// RFC 6533
    Unicode,
}

/// Text on one line: no control characters, none that turn the direction of writing, all white space one space.
pub(super) fn line(text: &str, alphabet: Alphabet) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_TEXT));
    let mut word = 0;
    for c in text.chars() {
        if out.len() >= MAX_TEXT {
            out.push_str(" ...");
            break;
        }
        let blank = c.is_whitespace() || c.is_control();
        if blank || word >= MAX_WORD {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
            word = 0;
        }
        if !blank && !is_invisible(c) {
            let fits = c.is_ascii() || alphabet == Alphabet::Unicode;
            out.push(if fits { c } else { '?' });
            word += c.len_utf8();
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// An address without anything that could end it or its field. Spaces and special characters (RFC 5322 §3.2.3) stay in
/// a quoted local part, where they mean themselves.
pub(super) fn address(address: &str) -> String {
    let mut out = String::with_capacity(address.len().min(MAX_ADDRESS));
    let (mut quoted, mut escaped) = (false, false);
    for c in address.trim().chars().filter(|c| !c.is_control() && !is_invisible(*c)) {
        if out.len() >= MAX_ADDRESS {
            break;
        }
        let special = c.is_whitespace() || "<>(),;".contains(c);
        if quoted && special {
            out.push(if c.is_whitespace() { ' ' } else { c });
        } else if !special {
            out.push(c);
        }
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
    }
    out
}

/// A name, id or code: visible ASCII without spaces.
pub(super) fn token(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(MAX_ADDRESS).collect()
}

/// Direction marks (which could show `moc.live` as something else), zero-width characters, line separators.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// `xtext` (RFC 3461 §4) decoded; what is not well-formed stays as it is.
pub(super) fn from_xtext(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let hex = |at: usize| after.get(at).and_then(|b| char::from(*b).to_digit(16));
        match (byte, hex(0), hex(1)) {
            (b'+', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                rest = &after[2..];
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `text` (on one line) wrapped at [`WIDTH`] columns, the lines after the first indented by four spaces; breaks only at
/// spaces. Each line ends with CRLF.
pub(super) fn wrap(text: &str, indent: &str, out: &mut String) {
    let mut column = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WIDTH {
            out.push_str("\r\n");
            out.push_str(indent);
            column = indent.len();
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out.push_str("\r\n");
}

/// A field of a report part, folded (RFC 5322 §2.2.3).
pub(super) fn field(name: &str, value: &str, out: &mut String) {
    if !value.is_empty() {
        wrap(&format!("{name}: {value}"), "    ", out);
    }
}

/// A field that must not be folded, because spaces in its value count.
pub(super) fn whole_field(name: &str, value: &str, out: &mut String) {
    out.push_str(name);
    out.push_str(": ");
    out.push_str(value);
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a\r\nBcc: x@y\tb", "a Bcc: x@y b")]
    #[case("  a \u{0}\u{1b}[31m  b\u{202e}c\u{85}d ", "a [31m bc d")]
    #[case("größer", "gr??er")]
    fn lines_carry_nothing_hidden(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(line(text, Alphabet::Ascii), expected);
    }

    #[rstest]
    #[case("a@b.example>\r\nBcc: c@d.example", "a@b.exampleBcc:c@d.example")]
    #[case("\"a <b>\\\" c\"@d.example", "\"a <b>\\\" c\"@d.example")]
    #[case("a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]")]
    fn addresses_do_not_end_early(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(address(text), expected);
    }

    #[test]
    fn long_text_is_cut_and_long_words_are_split() {
        let cut = line(&"x".repeat(10_000), Alphabet::Ascii);
        assert!(cut.len() < 2_020 && cut.ends_with(" ..."));
        assert!(cut.split(' ').all(|word| word.len() <= MAX_WORD));
    }

    #[rstest]
    #[case("QQ+2B314159", "QQ+314159")]
    #[case("a+ZZb+", "a+ZZb+")]
    #[case("+0D+0A+C3+B6", "\r\nö")]
    fn xtext(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(from_xtext(text), expected);
    }

    #[test]
    fn wraps_like_the_mail_systems_do() {
        let mut out = String::new();
        wrap(
            "<carla@plain.example>: TLS is required, but was not offered by host mx.plain.example[192.0.2.1]",
            "    ",
            &mut out,
        );
        assert_eq!(
            out,
            "<carla@plain.example>: TLS is required, but was not offered by host\r\n    mx.plain.example[192.0.2.1]\r\n"
        );
    }
}
