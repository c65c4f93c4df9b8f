//! Header fields (RFC 5322 §2.2) and the fields of a report part (RFC 3464 §2.1), which share one syntax.

use std::borrow::Cow;

/// One field as it stands in the message; the value may still be folded.
#[derive(Clone, Copy)]
pub(crate) struct Field<'x> {
    pub(crate) name: &'x [u8],
    value: &'x [u8],
}

impl<'x> Field<'x> {
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The name in lower case, for a `match`; empty if it is longer than any name that is looked for.
    pub(crate) fn lower_name<'b>(&self, buffer: &'b mut [u8; 32]) -> &'b [u8] {
        let Some(lower) = buffer.get_mut(..self.name.len()) else { return &[] };
        lower.copy_from_slice(self.name);
        lower.make_ascii_lowercase();
        lower
    }

    /// The value with its line ends, for the library's value parsers.
    pub(crate) fn raw(&self) -> &'x [u8] {
        self.value
    }

    /// The value unfolded, with the white space in it as it is; in a quoted local part it counts.
    pub(crate) fn unfolded(&self) -> String {
        let value = String::from_utf8_lossy(self.value);
        value.trim().replace(['\r', '\n'], "")
    }

    /// The value on one line: unfolded (RFC 5322 §2.2.3), every run of white space one space.
    pub(crate) fn text(&self) -> String {
        one_line(&String::from_utf8_lossy(self.value))
    }
}

/// All white space runs of `text` as one space each, none at the ends.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// The fields of one block of lines, in order.
pub(crate) struct Fields<'x> {
    rest: &'x [u8],
    /// Where the colon of the first line is, once it was looked for.
    colon: Option<usize>,
}

impl<'x> Fields<'x> {
    pub(crate) fn of(block: &'x [u8]) -> Self {
        Self { rest: block, colon: None }
    }
}

impl<'x> Iterator for Fields<'x> {
    type Item = Field<'x>;

    fn next(&mut self) -> Option<Field<'x>> {
        loop {
            let (line, after) = split_line(self.rest)?;
            let Some(colon) = self.colon.take().or_else(|| field_colon(line)) else {
                self.rest = after;
                continue;
            };
            let start = self.rest;
            let mut end = line.len();
            let mut rest = after;
            // A line that begins with white space continues the field, and so does one without any field name:
            // several systems fold replies without indentation. An empty line never does.
            while let Some((line, after)) = split_line(rest) {
                let indented = line[0] == b' ' || line[0] == b'\t';
                self.colon = if indented { None } else { field_colon(line) };
                if self.colon.is_some() || line.trim_ascii().is_empty() {
                    break;
                }
                end += line.len();
                rest = after;
            }
            self.rest = rest;
            return Some(Field { name: line[..colon].trim_ascii_end(), value: &start[colon + 1..end] });
        }
    }
}

/// The first line of `bytes` with its line end, and what follows; nothing when there is none.
pub(crate) fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    if bytes.is_empty() {
        return None;
    }
    let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
    Some(bytes.split_at(end))
}

/// Where the colon is, if `line` begins a field: a name of printable characters without spaces (RFC 5322 §2.2).
pub(crate) fn field_colon(line: &[u8]) -> Option<usize> {
    let colon = memchr::memchr(b':', &line[..line.len().min(80)])?;
    let name = line[..colon].trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some(colon)
}

/// The bytes with bare CR line ends (old Macintosh exports) turned into LF; all else untouched.
pub(crate) fn with_line_feeds(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\n', raw).is_some() || memchr::memchr(b'\r', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.iter().map(|&b| if b == b'\r' { b'\n' } else { b }).collect())
}
