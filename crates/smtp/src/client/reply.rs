//! Replies of a server (RFC 5321 §4.2.1), read whole and within bounds.

use crate::reply::{EnhancedStatus, Reply};

/// Octets of a line, generous against RFC 5321's 512.
const LINE: usize = 2048;
/// Lines of one reply.
const LINES: usize = 100;

/// The server says something that is no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReply {
    /// A line without three digits, or with a first digit other than 2 to 5.
    #[error("the server sent a line that is no SMTP reply: {0}")]
    NotAReply(String),
    /// Longer than any reply.
    #[error("the server sent a reply that does not end")]
    Endless,
}

/// The reply being read.
#[derive(Debug, Default)]
pub struct ReplyReader {
    line: Vec<u8>,
    lines: Vec<String>,
    enhanced: Option<EnhancedStatus>,
}

impl ReplyReader {
    /// Whether part of a reply has been read.
    pub fn is_within_reply(&self) -> bool {
        !self.line.is_empty() || !self.lines.is_empty()
    }

    /// Reads from the front of `input`: how many octets were used, and the reply if that ended it.
    ///
    /// A line may end with LF alone: nothing can be smuggled to a client that way, and a sloppy server would
    /// otherwise get no mail at all.
    ///
    /// # Errors
    /// [`BadReply`]; the connection is of no more use then.
    pub fn read(&mut self, input: &[u8]) -> Result<(usize, Option<Reply>), BadReply> {
        for (index, &octet) in input.iter().enumerate() {
            if octet != b'\n' {
                self.line.push(octet);
                if self.line.len() > LINE {
                    return Err(BadReply::Endless);
                }
            } else if let Some(reply) = self.end_line()? {
                return Ok((index + 1, Some(reply)));
            }
        }
        Ok((input.len(), None))
    }

    fn end_line(&mut self) -> Result<Option<Reply>, BadReply> {
        let line = printable(&std::mem::take(&mut self.line));
        let (code, last, text) = split(&line).ok_or_else(|| BadReply::NotAReply(shortened(&line)))?;
        let (enhanced, text) = split_enhanced(code, text);
        self.enhanced = self.enhanced.or(enhanced);
        self.lines.push(text.to_owned());
        if self.lines.len() > LINES {
            return Err(BadReply::Endless);
        }
        // The last line's code counts, should they differ.
        Ok(last.then(|| Reply {
            code,
            enhanced: self.enhanced.take().filter(|status| u16::from(status.class) == code / 100),
            lines: std::mem::take(&mut self.lines),
        }))
    }
}

/// Code, whether it is the last line, and text.
fn split(line: &str) -> Option<(u16, bool, &str)> {
    let code = line.get(..3).filter(|code| code.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
    if !(200..600).contains(&code) {
        return None;
    }
    match line.as_bytes().get(3) {
        None => Some((code, true, "")),
        Some(b' ') => Some((code, true, &line[4..])),
        Some(b'-') => Some((code, false, &line[4..])),
        Some(_) => None,
    }
}

/// The enhanced code at the front of a text, if its class is the code's (RFC 2034 §4).
fn split_enhanced(code: u16, text: &str) -> (Option<EnhancedStatus>, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word.parse::<EnhancedStatus>() {
        Ok(status) if u16::from(status.class) == code / 100 => (Some(status), rest.trim_start()),
        _ => (None, text),
    }
}

/// Text without line end and control characters: it goes into reports and onto pages.
fn printable(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8_lossy(line).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn shortened(line: &str) -> String {
    line.chars().take(100).collect()
}
