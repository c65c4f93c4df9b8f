//! Replies (RFC 5321 §4.2) and enhanced status codes (RFC 3463), for both roles.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest reply line, CRLF included (RFC 5321 §4.5.3.1.5).
const REPLY_LINE: usize = 512;

/// The longest line of a login's challenge, CRLF included (RFC 4954 §4).
pub(crate) const CHALLENGE_LINE: usize = 12_288;

/// An enhanced status code, `class.subject.detail` (RFC 3463).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct EnhancedStatus {
    /// 2 success, 4 transient, 5 permanent.
    pub class: u8,
    /// What it is about, 0 to 999.
    pub subject: u16,
    /// The detail, 0 to 999.
    pub detail: u16,
}

impl EnhancedStatus {
    /// The code with these three parts.
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        Self { class, subject, detail }
    }
}

impl From<(u8, u16, u16)> for EnhancedStatus {
    fn from((class, subject, detail): (u8, u16, u16)) -> Self {
        Self::new(class, subject, detail)
    }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl From<EnhancedStatus> for String {
    fn from(status: EnhancedStatus) -> Self {
        status.to_string()
    }
}

/// The text is no enhanced status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an enhanced status code (RFC 3463): class 2, 4 or 5, then two numbers of at most three digits")]
pub struct NotAStatus;

impl FromStr for EnhancedStatus {
    type Err = NotAStatus;

    fn from_str(text: &str) -> Result<Self, NotAStatus> {
        let mut parts = text.split('.');
        let mut next = |digits: usize| -> Result<u16, NotAStatus> {
            let part = parts.next().ok_or(NotAStatus)?;
            let fits = (1..=digits).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            if fits { part.parse().map_err(|_| NotAStatus) } else { Err(NotAStatus) }
        };
        let class = match next(1)? {
            2 => 2,
            4 => 4,
            5 => 5,
            _ => return Err(NotAStatus),
        };
        let status = Self::new(class, next(3)?, next(3)?);
        if parts.next().is_some() { Err(NotAStatus) } else { Ok(status) }
    }
}

impl TryFrom<String> for EnhancedStatus {
    type Error = NotAStatus;

    fn try_from(text: String) -> Result<Self, NotAStatus> {
        text.parse()
    }
}

/// What the first digit of a reply means; nothing else decides (RFC 5321 §4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// `2yz`: done.
    Positive,
    /// `3yz`: go on.
    Intermediate,
    /// `4yz`: not now.
    Transient,
    /// `5yz`: no.
    Permanent,
}

/// One whole reply, of one or more lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The three digits, 200 to 599.
    pub code: u16,
    /// The enhanced status code, where there is one.
    pub enhanced: Option<EnhancedStatus>,
    /// The text, line by line, without code, enhanced code and line ends. A peer's text is untrusted.
    pub lines: Vec<String>,
}

impl Reply {
    /// A reply of one line with its enhanced code; `text` is for people.
    pub fn new(code: u16, enhanced: impl Into<EnhancedStatus>, text: impl Into<String>) -> Self {
        let enhanced = enhanced.into();
        debug_assert_eq!(code / 100, u16::from(enhanced.class), "RFC 2034 §4: the class is the first digit");
        Self { code, enhanced: Some(enhanced), lines: vec![text.into()] }
    }

    /// A reply without enhanced code: greeting, EHLO, 3yz (RFC 2034 §4).
    pub fn bare(code: u16, lines: Vec<String>) -> Self {
        Self { code, enhanced: None, lines }
    }

    /// `250 2.0.0 queued as ID`: the message is ours now (contract: `POST /messages`).
    pub fn queued_as(id: &str) -> Self {
        Self::new(250, (2, 0, 0), format!("queued as {id}"))
    }

    /// What the first digit says; what is out of range counts as transient, so that nothing is lost by it.
    pub fn class(&self) -> Class {
        match self.code / 100 {
            2 => Class::Positive,
            3 => Class::Intermediate,
            5 => Class::Permanent,
            _ => Class::Transient,
        }
    }

    /// Whether the first digit is 2.
    pub fn is_positive(&self) -> bool {
        self.class() == Class::Positive
    }

    /// All lines as one text, joined by spaces, without code and enhanced code.
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// The bytes on the wire: control and non-ASCII characters become `?`, lines are cut at 512 octets, challenges
    /// (`334`) at 12,288.
    pub fn to_wire(&self) -> Vec<u8> {
        let mut wire = Vec::with_capacity(64);
        let empty = [String::new()];
        let longest = if self.code == 334 { CHALLENGE_LINE } else { REPLY_LINE };
        let lines = if self.lines.is_empty() { &empty[..] } else { &self.lines[..] };
        for (index, text) in lines.iter().enumerate() {
            let start = wire.len();
            let separator = if index + 1 == lines.len() { ' ' } else { '-' };
            wire.extend_from_slice(format!("{:03}{separator}", self.code).as_bytes());
            if let Some(enhanced) = self.enhanced {
                wire.extend_from_slice(format!("{enhanced} ").as_bytes());
            }
            let printable = |c: char| if matches!(c, ' '..='~') { c as u8 } else { b'?' };
            let room = longest - 2 - (wire.len() - start);
            wire.extend(text.chars().map(printable).take(room));
            wire.extend_from_slice(b"\r\n");
        }
        wire
    }
}

impl fmt::Display for Reply {
    /// On one line, as diagnostics quote it: `550 5.1.1 no such user`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        let text = self.text();
        if text.is_empty() { Ok(()) } else { write!(f, " {text}") }
    }
}

#[cfg(test)]
mod tests;
