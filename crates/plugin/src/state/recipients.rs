//! Recipients as people type and paste them.

use std::collections::HashSet;

use crate::draft::Address;

/// What a field of recipients holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The addresses, in order, each once.
    pub addresses: Vec<Address>,
    /// What is no address, as typed.
    pub invalid: Vec<String>,
}

/// Reads `Name <a@b>, c@d; "x, y" <e@f>`: separated by commas, semicolons or line ends. Lenient where it
/// can't be wrong: `Surname, Name <a@b>` is one, `a@b c@d` are two, `mailto:` is dropped.
pub fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    let mut seen = HashSet::new();
    let mut surname: Option<&str> = None;
    for Piece { text, ended_by } in pieces(text) {
        let text = text.trim();
        let joined = match surname.take() {
            Some(surname) if text.contains('<') => format!("{surname}, {text}"),
            Some(word) => {
                parsed.invalid.push(word.to_owned());
                text.to_owned()
            }
            None => text.to_owned(),
        };
        match read(&joined) {
            _ if joined.is_empty() => {}
            Some(found) => {
                let new = found.into_iter().filter(|address| seen.insert(address.email.to_ascii_lowercase()));
                parsed.addresses.extend(new);
            }
            None if ended_by == Some(',') && !joined.contains('@') => surname = Some(text),
            None => parsed.invalid.push(joined),
        }
    }
    parsed.invalid.extend(surname.map(str::to_owned));
    parsed
}

/// The field's text for these addresses.
pub fn show(addresses: &[Address]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

struct Piece<'a> {
    text: &'a str,
    ended_by: Option<char>,
}

/// Splits at separators that are neither quoted nor in angle brackets or a comment.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut start, mut quoted, mut escaped, mut closing) = (0, false, false, None);
    // A quote or bracket that is never closed is an ordinary character, or it would swallow the rest.
    let last = ['"', '>', ')'].map(|closing| text.rfind(closing));
    let closes = |from: usize, which: usize| last[which].is_some_and(|at| at >= from);
    for (at, character) in text.char_indices() {
        let next = at + character.len_utf8();
        if escaped {
            escaped = false;
            continue;
        }
        match character {
            '\\' if quoted => escaped = true,
            '"' if quoted || (closing.is_none() && closes(next, 0)) => quoted = !quoted,
            _ if quoted => {}
            _ if closing == Some(character) => closing = None,
            '<' if closing.is_none() && closes(next, 1) => closing = Some('>'),
            '(' if closing.is_none() && closes(next, 2) => closing = Some(')'),
            ',' | ';' | '\n' | '\r' if closing.is_none() => {
                pieces.push(Piece { text: &text[start..at], ended_by: Some(character) });
                start = next;
            }
            _ => {}
        }
    }
    pieces.push(Piece { text: &text[start..], ended_by: None });
    pieces
}

/// The address or addresses of one piece, or nothing if it is none.
fn read(piece: &str) -> Option<Vec<Address>> {
    if let Some((name, rest)) = piece.rsplit_once('<') {
        let email = valid(rest.trim_end().strip_suffix('>')?)?;
        return Some(vec![Address { name: person(name), email }]);
    }
    if let Some((email, comment)) = piece.strip_suffix(')').and_then(|rest| rest.split_once('(')) {
        return Some(vec![Address { name: person(comment), email: valid(email)? }]);
    }
    if let Some(email) = valid(piece) {
        return Some(vec![Address::bare(email)]);
    }
    let words: Vec<&str> = piece.split_whitespace().collect();
    if let Some(all) = words.iter().map(|word| valid(word).map(Address::bare)).collect() {
        return Some(all);
    }
    let (last, names) = words.split_last()?;
    let name = person(&names.join(" ")).filter(|name| !name.contains('@'));
    name.and_then(|name| Some(vec![Address { name: Some(name), email: valid(last)? }]))
}

/// A person's name without quotes and escapes, white space collapsed.
fn person(text: &str) -> Option<String> {
    let text = text.trim();
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let mut plain = String::with_capacity(text.len());
    let mut characters = inner.unwrap_or(text).chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if inner.is_some() => plain.extend(characters.next()),
            _ if character.is_control() => plain.push(' '),
            _ => plain.push(character),
        }
    }
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    (!plain.is_empty()).then_some(plain)
}

/// The address if it is one a server would take (RFC 5321 §4.1.2, RFC 6531 §3.3), trimmed.
fn valid(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    let (local, domain) = text.rsplit_once('@')?;
    (is_local_part(local) && is_domain(domain)).then(|| text.to_owned())
}

fn is_local_part(local: &str) -> bool {
    // RFC 5321 §4.5.3.1.1
    if local.is_empty() || local.len() > 64 {
        return false;
    }
    if let Some(quoted) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return !quoted.contains(|character: char| character.is_control() || "\"\\".contains(character));
    }
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_letter(c))
    };
    local.split('.').all(is_atom)
}

fn is_domain(domain: &str) -> bool {
    if let Some(literal) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return !literal.is_empty()
            && literal.chars().all(|c| c.is_ascii_alphanumeric() || ".:-".contains(c));
    }
    // RFC 5321 §4.5.3.1.2; labels as RFC 1035 §2.3.4 limits them
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || is_letter(c))
    };
    domain.len() <= 255 && domain.split('.').all(is_label)
}

/// Beyond ASCII, and visible.
fn is_letter(character: char) -> bool {
    !character.is_ascii() && !character.is_control() && !character.is_whitespace()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn shown(text: &str) -> (Vec<String>, Vec<String>) {
        let parsed = parse(text);
        (parsed.addresses.iter().map(ToString::to_string).collect(), parsed.invalid)
    }

    #[rstest]
    #[case::nothing("", &[], &[])]
    #[case::separators_only(" , ;\n ,", &[], &[])]
    #[case::one("a@b.example", &["a@b.example"], &[])]
    #[case::spaces("  a@b.example  ", &["a@b.example"], &[])]
    #[case::comma("a@b.example,c@d.example", &["a@b.example", "c@d.example"], &[])]
    #[case::semicolon_and_line("a@b.example; c@d.example\r\ne@f.example", &["a@b.example", "c@d.example", "e@f.example"], &[])]
    #[case::comma_at_end("a@b.example, ", &["a@b.example"], &[])]
    #[case::brackets("<a@b.example>", &["a@b.example"], &[])]
    #[case::name("Carla Klein <c@plain.example>", &["Carla Klein <c@plain.example>"], &[])]
    #[case::quoted_comma(r#""x, y" <e@f.example>"#, &[r#""x, y" <e@f.example>"#], &[])]
    #[case::escaped_quote(r#""x \"y\", z" <e@f.example>"#, &[r#""x \"y\", z" <e@f.example>"#], &[])]
    #[case::needless_quotes(r#""Carla" <c@plain.example>"#, &["Carla <c@plain.example>"], &[])]
    #[case::mixed(r#"Name <a@b.example>, c@d.example; "x, y" <e@f.example>"#,
        &["Name <a@b.example>", "c@d.example", r#""x, y" <e@f.example>"#], &[])]
    #[case::surname_first("Klein, Carla <c@plain.example>; b@tls.example",
        &[r#""Klein, Carla" <c@plain.example>"#, "b@tls.example"], &[])]
    #[case::word_before_address("Klein, c@plain.example", &["c@plain.example"], &["Klein"])]
    #[case::no_brackets("Carla Klein c@plain.example", &["Carla Klein <c@plain.example>"], &[])]
    #[case::white_space_only("a@b.example c@d.example", &["a@b.example", "c@d.example"], &[])]
    #[case::comment("c@plain.example (Carla, Klein)", &[r#""Carla, Klein" <c@plain.example>"#], &[])]
    #[case::mailto("mailto:a@b.example", &["a@b.example"], &[])]
    #[case::twice("a@b.example, Anna <A@B.example>", &["a@b.example"], &[])]
    #[case::international("jürgen@bücher.example", &["jürgen@bücher.example"], &[])]
    #[case::plus_and_dots("a.b+c@d-e.example", &["a.b+c@d-e.example"], &[])]
    #[case::quoted_local("\"a b\"@c.example", &["\"a b\"@c.example"], &[])]
    #[case::one_label("root@localhost", &["root@localhost"], &[])]
    #[case::literal("a@[192.0.2.1]", &["a@[192.0.2.1]"], &[])]
    #[case::word("carla", &[], &["carla"])]
    #[case::word_between("a@b.example, carla; c@d.example", &["a@b.example", "c@d.example"], &["carla"])]
    #[case::word_at_end("a@b.example, carla,", &["a@b.example"], &["carla"])]
    #[case::no_local("@b.example", &[], &["@b.example"])]
    #[case::no_domain("a@", &[], &["a@"])]
    #[case::two_ats("a@b@c.example", &[], &["a@b@c.example"])]
    #[case::dots("a..b@c.example, .a@c.example", &[], &["a..b@c.example", ".a@c.example"])]
    #[case::domain_dots("a@b..example, a@.example", &[], &["a@b..example", "a@.example"])]
    #[case::hyphens("a@-b.example", &[], &["a@-b.example"])]
    #[case::never_closed("Carla <c@plain.example", &[], &["Carla <c@plain.example"])]
    #[case::never_closed_quote("\"Carla c@plain.example, b@c.example", &["\"\\\"Carla\" <c@plain.example>", "b@c.example"], &[])]
    #[case::name_with_address("x@y.example <a@b.example>", &["\"x@y.example\" <a@b.example>"], &[])]
    #[case::line_end_in_name("\"a\nBcc: b\" <a@b.example>", &["\"a Bcc: b\" <a@b.example>"], &[])]
    fn fields(#[case] text: &str, #[case] addresses: &[&str], #[case] invalid: &[&str]) {
        let (found, wrong) = shown(text);
        assert_eq!(found, addresses);
        assert_eq!(wrong, invalid);
    }

    #[rstest]
    #[case(64, true)]
    #[case(65, false)]
    fn long_local_parts(#[case] length: usize, #[case] is_valid: bool) {
        let (found, _) = shown(&format!("{}@b.example", "a".repeat(length)));
        assert_eq!(!found.is_empty(), is_valid);
    }

    proptest! {
        #[test]
        fn what_was_read_is_read_again_from_what_is_shown(text in "[a-z@<>\"\\\\(), ;.\n]{0,60}") {
            let once = parse(&text);
            let again = parse(&show(&once.addresses));
            prop_assert_eq!(&again.addresses, &once.addresses);
            prop_assert!(again.invalid.is_empty());
        }

        #[test]
        fn no_line_end_gets_into_a_name_or_address(text in "\\PC{0,20}[\r\n\"<>@]{0,3}\\PC{0,20}") {
            for address in parse(&text).addresses {
                let shown = address.to_string();
                prop_assert!(!shown.contains(['\r', '\n', '\0']), "{shown:?}");
            }
        }
    }
}
