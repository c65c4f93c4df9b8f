//! Making foreign text fit for a report.

/// Octets of a domain name without its last dot (RFC 1035 §2.3.4).
const MAX_DOMAIN: usize = 253;
/// Octets of a label.
const MAX_LABEL: usize = 63;

/// A domain name in A-labels and small letters, without its last dot; `None` if it is none.
pub(crate) fn domain(text: &str) -> Option<String> {
    // A character has at most four octets; what is longer would only keep the conversion busy.
    if text.len() > 4 * MAX_DOMAIN {
        return None;
    }
    let name = idna::domain_to_ascii(text.strip_suffix('.').unwrap_or(text)).ok()?;
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    (name.len() <= MAX_DOMAIN && name.split('.').all(is_label)).then_some(name)
}

/// A host name or a pattern of one (RFC 8461 §4.1) in A-labels; what is neither stays as it is, made harmless: it is
/// the receiving domain's own, and its administrator is to see it.
pub(crate) fn pattern(text: &str) -> String {
    let (wildcard, name) = text.strip_prefix("*.").map_or(("", text), |name| ("*.", name));
    domain(name).map_or_else(|| line(text, MAX_DOMAIN), |name| format!("{wildcard}{name}"))
}

/// Text on one line, at most `max` characters: without control characters, those that turn the direction of writing or
/// can't be seen, and those that I-JSON forbids (RFC 7493 §2.1); all white space is one space.
pub(crate) fn line(text: &str, max: usize) -> String {
    let mut out = String::new();
    let shown = text.chars().filter(|c| c.is_whitespace() || !(c.is_control() || is_hidden(*c)));
    for (count, c) in shown.enumerate() {
        if count >= max {
            break;
        }
        if !c.is_whitespace() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// A URI (RFC 3986) of at most `max` octets; `None` if it is none.
pub(crate) fn uri(text: &str, max: usize) -> Option<String> {
    let fits = text.len() <= max && text.bytes().all(|b| b.is_ascii_graphic());
    (fits && url::Url::parse(text).is_ok()).then(|| text.to_owned())
}

fn is_hidden(c: char) -> bool {
    let is_noncharacter = (u32::from(c) & 0xfffe) == 0xfffe || ('\u{fdd0}'..='\u{fdef}').contains(&c);
    let is_mark = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
    is_noncharacter || is_mark
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // rfc 8460 4.4: MUST "domain": The Policy Domain against which the
    // rfc 8460 4.4: MUST "mx-host-pattern": In the case where "policy-type" is
    #[rstest]
    #[case("*.Bücher.example", "*.xn--bcher-kva.example")]
    #[case("mx.example.net.", "mx.example.net")]
    #[case("no such\r\nname", "no such name")]
    fn names_are_in_a_labels(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(pattern(text), expected);
    }

    #[rstest]
    #[case("  a\r\n b\u{202e}c\u{ffff}\u{1fffe}\u{fdd0}\u{0}d\u{1b}\t", "a bcd")]
    #[case("0123456789abc", "0123456789")]
    fn lines_carry_nothing_hidden(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(line(text, 10), expected);
    }

    #[rstest]
    #[case("https://reports.example/x?id=1#y", true)]
    #[case("https://reports.example/ x", false)]
    #[case("no uri", false)]
    #[case(&format!("https://reports.example/{}", "x".repeat(100)), false)]
    fn only_uris_are_additional_information(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(uri(text, 100).is_some(), expected);
    }

    #[rstest]
    #[case("example.com", true)]
    #[case("_x.example.com", true)]
    #[case("", false)]
    #[case("a..b", false)]
    #[case("a!b.example", false)]
    #[case("a b.example", false)]
    #[case(&"a".repeat(64), false)]
    #[case(&"abc.".repeat(80), false)]
    #[case(&"ü".repeat(1_000_000), false)]
    fn domains(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(domain(text).is_some(), expected);
    }
}
