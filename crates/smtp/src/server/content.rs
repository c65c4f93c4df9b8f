//! The message itself: the end of DATA, dot-stuffing, and what no message may contain.

use crate::limits::Limits;
use crate::reply::Reply;

/// What was seen of a message while it came in, without dot-stuffing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContentFacts {
    /// Octets.
    pub size: u64,
    /// Octets of the longest line, without CRLF.
    pub longest_line: usize,
    /// Where octets above 127 were seen.
    pub eight_bit: EightBit,
}

/// Where octets above 127 were seen in a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum EightBit {
    /// Nowhere: it passes everywhere.
    #[default]
    Nowhere,
    /// Only after the message's own header: it needs 8BITMIME or another encoding.
    Body,
    /// In the header: internationalized (RFC 6532), or simply wrong.
    Header,
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

/// Finds the end of DATA, which is `CRLF.CRLF` and nothing else, and takes dot-stuffing away (RFC 5321 §4.5.2).
#[derive(Debug, Default)]
pub(crate) struct DotReader {
    at: At,
    after_cr: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    LineStart,
    Dot,
    DotCr,
    Text,
}

/// How far [`DotReader::read`] came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All input is used up.
    More,
    /// The end was found after so many octets of input.
    Ended(usize),
}

impl DotReader {
    /// Appends the message's octets in `input` to `out`, up to the end of the message.
    pub(crate) fn read(&mut self, input: &[u8], out: &mut Vec<u8>) -> Progress {
        let mut index = 0;
        while let Some(&octet) = input.get(index) {
            match self.at {
                At::LineStart if octet == b'.' => {
                    self.at = At::Dot;
                    index += 1;
                }
                At::Dot if octet == b'\r' => {
                    self.at = At::DotCr;
                    index += 1;
                }
                At::DotCr if octet == b'\n' => {
                    *self = Self::default();
                    return Progress::Ended(index + 1);
                }
                At::DotCr => {
                    out.push(b'\r');
                    self.after_cr = true;
                    self.at = At::Text;
                }
                At::LineStart | At::Dot => self.at = At::Text,
                At::Text => index += self.text(&input[index..], out),
            }
        }
        Progress::More
    }

    /// Copies up to and including the next LF.
    fn text(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let lf = input.iter().position(|&octet| octet == b'\n');
        let length = lf.map_or(input.len(), |at| at + 1);
        let before_lf = if length > 1 { input[length - 2] == b'\r' } else { self.after_cr };
        if lf.is_some() && before_lf {
            self.at = At::LineStart;
        }
        self.after_cr = input[length - 1] == b'\r';
        out.extend_from_slice(&input[..length]);
        length
    }
}
