//! Mail addresses, as reports write them and as they stand in running text.

/// An address of a report field (RFC 3464 §2.1.2 `address-type; generic-address`): the plain address, if there is one.
///
/// Takes what systems really write: with or without a type, angle brackets, quotes, comments, `\x{…}` of RFC 6533 §3,
/// Exim's octal escapes and its `unknown(…)`.
pub(crate) fn of_field(value: &str) -> Option<String> {
    let typed = value.split_once(';').filter(|(kind, _)| !kind.contains('@'));
    let value = typed.map_or(value, |(_, address)| address).trim();
    let value = value.strip_prefix("unknown(").and_then(|inner| inner.strip_suffix(')')).unwrap_or(value);
    let value = unescape(value);
    let quoted = value.trim_start_matches('<').starts_with('"');
    if quoted && let Some(at) = value.rfind("\"@") {
        let start = value.find('"').unwrap_or_default();
        let end = at + 2 + domain_length(&value[at + 2..]);
        return (end > at + 2).then(|| value[start..end].to_owned());
    }
    let bare = value.trim().trim_start_matches('<');
    let bare = &bare[..bare.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(bare.len())];
    if let Some((local, domain)) = bare.rsplit_once('@')
        && !local.is_empty()
        && domain_length(domain) == domain.len()
    {
        return Some(bare.to_owned());
    }
    in_text(&value).next().map(|found| found.address.to_owned())
}

/// `\x{e4}` and `\303\244` as the characters they stand for.
pub(crate) fn unescape(value: &str) -> String {
    if !value.contains('\\') {
        return value.to_owned();
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        let octal = rest.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let Some(hex) = rest.strip_prefix("x{").and_then(|hex| hex.split_once('}')) {
            let char =
                u32::from_str_radix(hex.0, 16).ok().and_then(char::from_u32).filter(|c| !c.is_control());
            let mut buffer = [0; 4];
            bytes.extend_from_slice(char.unwrap_or('?').encode_utf8(&mut buffer).as_bytes());
            rest = hex.1;
        } else if let Some(byte) = octal.filter(|byte| *byte >= 0x80) {
            bytes.push(byte);
            rest = &rest[3..];
        } else {
            bytes.push(b'\\');
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One address in a line of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found<'x> {
    pub(crate) address: &'x str,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The addresses of a line of text, from left to right.
pub(crate) fn in_text(line: &str) -> impl Iterator<Item = Found<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + memchr::memchr(b'@', &line.as_bytes()[from..])?;
            let local = local_length(&line[from..at]);
            let domain = domain_length(&line[at + 1..]);
            let start = at - local;
            from = at + 1 + domain;
            if local > 0 && domain > 0 {
                return Some(Found { address: &line[start..from], start, end: from });
            }
        }
    })
}

/// Bytes of the local part that ends `before` an `@` (RFC 5321 §4.1.2 dot-string, or quoted-string; RFC 6531 §3.3).
fn local_length(before: &str) -> usize {
    if let Some(inner) = before.strip_suffix('"') {
        return inner.rfind('"').map_or(0, |open| before.len() - open);
    }
    let is_local = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let local = &before[before
        .rfind(|c| !is_local(c))
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8))..];
    // X.400 gateways write dda:SMTP=user@host, others quote with an apostrophe or draw a line up to the address
    let local = local.rsplit_once("SMTP=").map_or(local, |(_, local)| local);
    local.trim_start_matches(['\'', '`', '.', '=', '*', '/', '|']).trim_start_matches("--").len()
}

/// Bytes of the domain that begins `after` an `@`: a name with at least two labels, or an address literal.
fn domain_length(after: &str) -> usize {
    if after.starts_with('[') {
        return after.bytes().take(64).position(|b| b == b']').map_or(0, |end| end + 1);
    }
    let is_domain = |c: char| c.is_alphanumeric() || c == '-' || c == '.' || c == '_';
    let domain = &after[..after.find(|c| !is_domain(c)).unwrap_or(after.len())];
    // the dots of a sentence's end, or of "user@host... User unknown"
    let domain = domain.split("..").next().unwrap_or_default().trim_end_matches(['.', '-', '_']);
    if domain.contains('.') && !domain.starts_with('.') { domain.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("rfc822; a@b.example", Some("a@b.example"))]
    #[case("RFC822;<a@b.example>", Some("a@b.example"))]
    #[case("a@b.example (reason: full)", Some("a@b.example"))]
    #[case("rfc822; \"a b\"@c.example", Some("\"a b\"@c.example"))]
    #[case("rfc822; \"a;b@c\"@d.example", Some("\"a;b@c\"@d.example"))]
    #[case("utf-8; j\\x{F6}rg@b.example", Some("jörg@b.example"))]
    #[case("rfc822; j\\303\\266rg@b.example", Some("jörg@b.example"))]
    #[case("rfc822;unknown(jörg@b.example)", Some("jörg@b.example"))]
    #[case("rfc822; a@[192.0.2.1]", Some("a@[192.0.2.1]"))]
    #[case("x400; /G=A/S=B/", None)]
    #[case("rfc822; postmaster", None)]
    #[case("", None)]
    fn addresses_of_report_fields(#[case] value: &str, #[case] address: Option<&str>) {
        assert_eq!(of_field(value).as_deref(), address);
    }

    #[rstest]
    #[case("<a@b.example>: full; 550 c@d.example... unknown", &["a@b.example", "c@d.example"])]
    #[case("c=US;a= ;p=X;dda:SMTP=u@b.example; on Fri", &["u@b.example"])]
    #[case("addressed to 'a@b.example', and not@tld or @x.example or a@.", &["a@b.example"])]
    #[case("an „a@b.example“ geht, und \u{fffd}<c...@b.example>", &["a@b.example", "c...@b.example"])]
    fn addresses_in_text(#[case] line: &str, #[case] addresses: &[&str]) {
        assert_eq!(in_text(line).map(|f| f.address).collect::<Vec<_>>(), addresses);
    }
}
