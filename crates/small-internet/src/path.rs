//! The arguments of MAIL and RCPT (RFC 5321 §4.1.1.2, §4.1.1.3), read strictly.

/// A path and its parameters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Path<'a> {
    /// Without angle brackets; empty for the null reverse-path.
    pub(crate) address: &'a str,
    /// Name and value of each parameter.
    pub(crate) parameters: Vec<(&'a str, Option<&'a str>)>,
}

impl<'a> Path<'a> {
    /// Reads what follows `MAIL FROM:` or `RCPT TO:`; `None` if it is malformed.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('<')?;
        let end = closing_bracket(text)?;
        let (address, rest) = (&text[..end], &text[end + 1..]);
        if !(rest.is_empty() || rest.starts_with(' ')) {
            return None;
        }
        let parameters = rest.split_ascii_whitespace().map(|parameter| match parameter.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (parameter, None),
        });
        Some(Self { address, parameters: parameters.collect() })
    }

    /// The part before the last `@`, and the domain behind it.
    pub(crate) fn parts(&self) -> Option<(&'a str, &'a str)> {
        parts(self.address)
    }
}

/// An address's local part, as it is written, and domain.
pub(crate) fn parts(address: &str) -> Option<(&str, &str)> {
    address.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// Where the path ends: the first `>` outside a quoted string. Space and controls have no place outside one.
fn closing_bracket(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if c.is_control() => return None,
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => return Some(at),
            ' ' | '<' if !quoted => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (text, address, parameters) in [
            ("<>", "", &[][..]),
            ("<a@b.example>", "a@b.example", &[]),
            ("<a@b.example> SIZE=5 SMTPUTF8", "a@b.example", &[("SIZE", Some("5")), ("SMTPUTF8", None)]),
            (r#"<"a> \"b"@c.example> X=1=2"#, r#""a> \"b"@c.example"#, &[("X", Some("1=2"))]),
        ] {
            assert_eq!(Path::parse(text), Some(Path { address, parameters: parameters.to_vec() }), "{text}");
        }
        for malformed in [
            "",
            "a@b.example",
            "<a@b.example",
            "<a b@c>",
            "<a@b>SIZE=5",
            "<<a@b>>",
            "<\"a@b>",
            "< >",
            " <a@b>",
        ] {
            assert_eq!(Path::parse(malformed), None, "{malformed}");
        }
    }
}
