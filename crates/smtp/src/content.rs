//! What a message may contain, and what is seen of it while it comes in.

use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::reply::Reply;

/// What was seen of a message while it came in, without dot-stuffing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentFacts {
    /// Octets.
    pub size: u64,
    /// Octets of the longest line, without CRLF.
    pub longest_line: usize,
    /// Where octets above 127 were seen.
    pub eight_bit: EightBit,
}

/// Where octets above 127 were seen in a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EightBit {
    /// Nowhere: it passes everywhere.
    #[default]
    Nowhere,
    /// Only after the message's own header: it needs 8BITMIME or another encoding.
    Body,
    /// In the header: internationalized (RFC 6532), or simply wrong.
    Header,
}

impl ContentFacts {
    /// What a next hop has to be told of a message that was judged when it came in; the length of its lines is not among
    /// it.
    pub fn of(message: &[u8]) -> Self {
        let eight_bit = match message.iter().position(|octet| !octet.is_ascii()) {
            None => EightBit::Nowhere,
            Some(first) if first < header_length(message) => EightBit::Header,
            Some(_) => EightBit::Body,
        };
        Self { size: message.len() as u64, longest_line: 0, eight_bit }
    }
}

fn header_length(message: &[u8]) -> usize {
    if message.starts_with(b"\r\n") {
        return 0;
    }
    message.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(message.len())
}

/// Judges a whole message as one that comes by SMTP is judged, for those that come another way.
///
/// # Errors
/// The reply that SMTP would give at the end of the message.
pub fn check(message: &[u8], limits: &Limits) -> Result<ContentFacts, Reply> {
    let mut scan = ContentScan::default();
    scan.scan(message, limits);
    scan.finish()
}

/// Watches a message go by (RFC 5321 §2.3.8, §4.5.3.1) and refuses it for what it must not contain.
#[derive(Debug, Default)]
pub(crate) struct ContentScan {
    facts: ContentFacts,
    line: usize,
    after_cr: bool,
    in_body: bool,
    refused: Option<Reply>,
}

impl ContentScan {
    /// Refuses the message, unless it already is.
    pub(crate) fn refuse(&mut self, reply: Reply) {
        self.refused.get_or_insert(reply);
    }

    /// Whether nothing of the message is wanted any more.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// What can be said of the message at its end: its facts, or why it is refused.
    pub(crate) fn finish(&mut self) -> Result<ContentFacts, Reply> {
        if self.after_cr {
            self.refuse(bare_cr());
        }
        self.facts.longest_line = self.facts.longest_line.max(self.line);
        self.refused.clone().map_or(Ok(self.facts), Err)
    }

    /// Why the message is refused so far, if it is.
    pub(crate) fn refusal(&self) -> Option<&Reply> {
        self.refused.as_ref()
    }

    /// Looks at the next octets of the message.
    pub(crate) fn scan(&mut self, octets: &[u8], limits: &Limits) {
        if self.is_refused() {
            return;
        }
        let room = usize::try_from(limits.message - self.facts.size).unwrap_or(usize::MAX);
        let (within, beyond) = octets.split_at(octets.len().min(room));
        for &octet in within {
            self.octet(octet, limits.text_line);
            if self.is_refused() {
                return;
            }
        }
        self.facts.size += within.len() as u64;
        if !beyond.is_empty() {
            self.refuse(too_large(limits.message));
        }
    }

    fn octet(&mut self, octet: u8, longest: usize) {
        match octet {
            b'\n' if self.after_cr => {
                self.facts.longest_line = self.facts.longest_line.max(self.line);
                self.in_body |= self.line == 0;
                self.line = 0;
            }
            b'\n' => self.refuse(bare_lf()),
            _ if self.after_cr => self.refuse(bare_cr()),
            b'\r' => {}
            0 => self.refuse(Reply::new(550, (5, 6, 0), "The message contains a NUL octet; encode it")),
            _ => {
                self.line += 1;
                if self.line > longest {
                    self.refuse(line_too_long(longest));
                }
                if octet >= 0x80 {
                    let place = if self.in_body { EightBit::Body } else { EightBit::Header };
                    self.facts.eight_bit = self.facts.eight_bit.max(place);
                }
            }
        }
        self.after_cr = octet == b'\r';
    }
}

/// The reply for a message over the size limit.
pub(crate) fn too_large(limit: u64) -> Reply {
    Reply::new(552, (5, 3, 4), format!("The message is larger than {limit} octets"))
}

fn line_too_long(limit: usize) -> Reply {
    Reply::new(550, (5, 6, 0), format!("A line of the message is longer than {limit} octets"))
}

fn bare_lf() -> Reply {
    Reply::new(550, (5, 5, 2), "The message contains a bare LF; lines must end in CRLF")
}

fn bare_cr() -> Reply {
    Reply::new(550, (5, 5, 2), "The message contains a bare CR; lines must end in CRLF")
}

#[cfg(test)]
mod tests;
