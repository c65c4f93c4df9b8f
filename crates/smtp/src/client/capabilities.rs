//! What a server offers in EHLO.

use std::collections::BTreeMap;

use crate::reply::Reply;

/// An extension this client makes use of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// RFC 3207.
    StartTls,
    /// RFC 2920.
    Pipelining,
    /// RFC 6152.
    EightBitMime,
    /// RFC 1870.
    Size,
    /// RFC 6531.
    Smtputf8,
    /// RFC 3461.
    Dsn,
    /// RFC 8689.
    RequireTls,
}

impl Extension {
    fn keyword(self) -> &'static str {
        match self {
            Self::StartTls => "STARTTLS",
            Self::Pipelining => "PIPELINING",
            Self::EightBitMime => "8BITMIME",
            Self::Size => "SIZE",
            Self::Smtputf8 => "SMTPUTF8",
            Self::Dsn => "DSN",
            Self::RequireTls => "REQUIRETLS",
        }
    }
}

/// The keywords of an EHLO reply with their parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    keywords: BTreeMap<String, String>,
}

impl Capabilities {
    /// Nothing, as after HELO.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads an EHLO reply: the first line is the server's name, each other a keyword, in any case
    /// (RFC 5321 §4.1.1.1).
    pub fn from_ehlo(reply: &Reply) -> Self {
        let keyword = |line: &String| {
            let (keyword, parameters) = line.split_once(' ').unwrap_or((line, ""));
            (keyword.to_ascii_uppercase(), parameters.trim().to_owned())
        };
        Self { keywords: reply.lines.iter().skip(1).map(keyword).collect() }
    }

    /// What of it counts on a connection in clear: REQUIRETLS must be offered after STARTTLS (RFC 8689 §2).
    pub(super) fn in_clear(mut self) -> Self {
        self.keywords.remove(Extension::RequireTls.keyword());
        self
    }

    /// Whether the extension is offered, by its whole keyword.
    pub fn offers(&self, extension: Extension) -> bool {
        self.keywords.contains_key(extension.keyword())
    }

    /// The largest message in octets, if the server says one (RFC 1870 §4: 0 says none).
    pub fn max_size(&self) -> Option<u64> {
        self.keywords.get("SIZE").and_then(|size| size.parse().ok()).filter(|&size| size > 0)
    }
}
