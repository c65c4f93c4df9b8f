//! A Content-Type field, read strictly (RFC 2045 §5.1): no comments, nothing left over, nothing said twice.

/// More parameters than any honest field has.
const MOST: usize = 32;

/// A media type with its parameters.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MediaType {
    name: String,
    parameters: Vec<(String, String)>,
}

impl MediaType {
    /// Reads an unfolded field's value.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let (kind, rest) = token(value.trim_start())?;
        let (subtype, mut rest) = token(rest.strip_prefix('/')?)?;
        let mut read =
            Self { name: format!("{kind}/{subtype}").to_ascii_lowercase(), parameters: Vec::new() };
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                return Some(read);
            }
            rest = rest.strip_prefix(';')?.trim_start();
            if rest.is_empty() {
                return Some(read);
            }
            let (name, after) = token(rest)?;
            let (value, after) = value_of(after.trim_start().strip_prefix('=')?.trim_start())?;
            rest = after;
            let name = name.to_ascii_lowercase();
            if read.parameter(&name).is_some() || read.parameters.len() >= MOST {
                return None;
            }
            read.parameters.push((name, value));
        }
    }

    /// `type/subtype` in lower case.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The parameter of that name, which is given in lower case.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }
}

fn token(text: &str) -> Option<(&str, &str)> {
    let is_special = |c: char| !c.is_ascii_graphic() || "()<>@,;:\\\"/[]?=".contains(c);
    let end = text.find(is_special).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// A token or a quoted string.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return token(text).map(|(value, rest)| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            other => value.push(other),
        }
    }
    None
}
