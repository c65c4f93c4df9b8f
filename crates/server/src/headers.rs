//! The header section of a message, field by field, without touching a byte of it (RFC 5322 §2.2).

use std::ops::Range;

use mail_parser::{Address, MessageParser};

/// One header field of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name as written, without the colon.
    pub name: Range<usize>,
    /// The value with its folding and final CRLF.
    pub value: Range<usize>,
    /// The whole field, from its name to its final CRLF.
    pub whole: Range<usize>,
}

/// A line in the header section that is neither a field nor its continuation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the header is not a header field")]
pub struct Malformed {
    /// Counted from 1.
    pub line: usize,
}

/// A message's header fields in order.
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    message: &'a [u8],
    fields: Vec<Field>,
    /// Where the body, or the empty line before it, begins.
    end: usize,
}

impl<'a> Headers<'a> {
    /// Reads the header section of a message whose lines end in CRLF or LF.
    pub fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields: Vec<Field> = Vec::new();
        let mut at = 0;
        let mut number = 0;
        while at < message.len() {
            number += 1;
            let end = line_end(message, at);
            let line = &message[at..end];
            match line.first() {
                Some(b'\r' | b'\n') | None => break,
                Some(b' ' | b'\t') => match fields.last_mut() {
                    Some(field) => {
                        field.value.end = end;
                        field.whole.end = end;
                    }
                    None => return Err(Malformed { line: number }),
                },
                Some(_) => fields.push(field(line, at, end).ok_or(Malformed { line: number })?),
            }
            at = end;
        }
        Ok(Self { message, fields, end: at })
    }

    /// Octets of the header section.
    pub fn size(&self) -> usize {
        self.end
    }

    /// All fields of a name, in order; names compare without case.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Field> {
        self.fields
            .iter()
            .filter(move |field| self.message[field.name.clone()].eq_ignore_ascii_case(name.as_bytes()))
    }

    /// How many fields have this name.
    pub fn count(&self, name: &str) -> usize {
        self.all(name).count()
    }

    /// Whether any field's name begins so.
    pub fn any_starts_with(&self, prefix: &str) -> bool {
        self.fields.iter().any(|field| {
            let name = &self.message[field.name.clone()];
            name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
        })
    }

    /// The value of the first field of a name, unfolded and trimmed; lossy where it is not UTF-8.
    pub fn text(&self, name: &str) -> Option<String> {
        self.all(name).next().map(|field| {
            let value = String::from_utf8_lossy(&self.message[field.value.clone()]);
            value.split(['\r', '\n']).collect::<String>().trim_matches([' ', '\t']).to_owned()
        })
    }

    /// The addresses in all fields of a name, groups included, as `local@domain`; `None` if one has no address in it.
    pub fn addresses(&self, name: &str) -> Option<Vec<String>> {
        let mut all = Vec::new();
        for field in self.all(name) {
            all.extend(self.addresses_of(field)?);
        }
        Some(all)
    }

    fn addresses_of(&self, field: &Field) -> Option<Vec<String>> {
        let mut alone = b"To:".to_vec();
        alone.extend_from_slice(&self.message[field.value.clone()]);
        alone.extend_from_slice(b"\r\n\r\n");
        let parsed = MessageParser::default().parse_headers(alone.as_slice())?;
        let Some(addresses) = parsed.to() else { return Some(Vec::new()) };
        let groups_may_be_empty = matches!(addresses, Address::Group(_));
        let found: Option<Vec<String>> = addresses
            .iter()
            .map(|address| address.address.as_deref().map(|address| address.trim().to_owned()))
            .collect();
        found.filter(|found| groups_may_be_empty || !found.is_empty())
    }

    /// The message without the fields of these names, with `prefix` (whole fields with CRLF) before it.
    pub fn rewritten(&self, prefix: &[u8], without: &[&str]) -> Vec<u8> {
        let mut out = Vec::with_capacity(prefix.len() + self.message.len() + 2);
        out.extend_from_slice(prefix);
        for field in &self.fields {
            let name = &self.message[field.name.clone()];
            if !without.iter().any(|gone| name.eq_ignore_ascii_case(gone.as_bytes())) {
                out.extend_from_slice(&self.message[field.whole.clone()]);
            }
        }
        out.extend_from_slice(&self.message[self.end..]);
        out
    }
}

fn line_end(message: &[u8], from: usize) -> usize {
    message[from..].iter().position(|byte| *byte == b'\n').map_or(message.len(), |at| from + at + 1)
}

/// RFC 5322 §3.6.8 field name; white space before the colon is obsolete but understood (§4.5.8).
fn field(line: &[u8], start: usize, end: usize) -> Option<Field> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line[..colon].trim_ascii_end();
    let valid = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    valid.then(|| Field { name: start..start + name.len(), value: start + colon + 1..end, whole: start..end })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] =
        b"From: Alice <alice@home.example>\r\nTo: a@x.example,\r\n \"B, b\" <b@y.example>\r\n\
        Bcc: c@z.example\r\nsubject : folded\r\n\tline\r\n\r\nFrom: body\r\n";

    #[test]
    fn reads_fields_and_stops_at_the_body() {
        let headers = Headers::read(MESSAGE).expect("well-formed");
        assert_eq!(headers.count("from"), 1);
        assert_eq!(headers.text("Subject").as_deref(), Some("folded\tline"));
        assert_eq!(headers.addresses("To").expect("addresses"), ["a@x.example", "b@y.example"]);
        assert_eq!(headers.addresses("Cc"), Some(vec![]));
    }

    #[test]
    fn rewrites_only_what_it_is_asked_to() {
        let headers = Headers::read(MESSAGE).expect("well-formed");
        let out = headers.rewritten(b"X: 1\r\n", &["bcc"]);
        let text = String::from_utf8(out).expect("ascii");
        assert!(text.starts_with("X: 1\r\nFrom: Alice"));
        assert!(!text.contains("Bcc"));
        assert!(text.ends_with("subject : folded\r\n\tline\r\n\r\nFrom: body\r\n"));
        assert_eq!(headers.rewritten(b"", &[]), MESSAGE);
    }

    #[test]
    fn a_line_that_is_no_field_is_named() {
        assert_eq!(Headers::read(b"From: a@b\r\nnonsense\r\n\r\n").unwrap_err(), Malformed { line: 2 });
        assert_eq!(Headers::read(b" folded first\r\n").unwrap_err(), Malformed { line: 1 });
        assert_eq!(Headers::read(b"N\x80me: x\r\n").unwrap_err(), Malformed { line: 1 });
    }

    #[test]
    fn groups_are_flattened_and_nonsense_is_told_from_nothing() {
        let headers =
            Headers::read(b"To: friends: a@x.example, b@y.example;\r\nCc: undisclosed:;\r\n").expect("ok");
        assert_eq!(headers.addresses("To").expect("addresses"), ["a@x.example", "b@y.example"]);
        assert_eq!(headers.addresses("Cc"), Some(vec![]));
    }
}
