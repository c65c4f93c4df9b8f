//! Addresses and paths (RFC 5321 §4.1.2, RFC 6531 §3.3), parsed strictly and written in one form.
//!
//! Two spellings of one mailbox come out equal: local parts carry the least quoting, domains are lower-case
//! A-labels. An IDN domain is thereby no reason to demand SMTPUTF8 from the next hop (RFC 6531 §3.2).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Octets of a local part: what a path leaves for it. All must take 64 (RFC 5321 §4.5.3.1.1); rewritten senders (SRS,
/// VERP) are longer, and §4.5.3.1 asks for no limits.
const LOCAL_PART: usize = 250;
/// Octets of a domain as written (RFC 5321 §4.5.3.1.2).
const DOMAIN: usize = 255;
/// Octets of a domain that DNS can hold in text form (RFC 1035 §2.3.4).
const DNS_NAME: usize = 253;
/// Octets of a label (RFC 1035 §2.3.4).
const LABEL: usize = 63;
/// Octets of a path with its brackets (RFC 5321 §4.5.3.1.3).
const PATH: usize = 256;

/// A domain name in lower-case A-labels, at most 253 octets, its last label not a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(String);

impl Domain {
    /// Reads a domain of A-labels or U-labels.
    ///
    /// # Errors
    /// [`AddressError`] when it is too long or no host name (underscores are none: RFC 5321 §4.1.2).
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.len() > DOMAIN {
            return Err(AddressError::DomainTooLong);
        }
        let name = if text.is_ascii() {
            text.to_ascii_lowercase()
        } else {
            idna::domain_to_ascii(text).map_err(|_| AddressError::Domain)?
        };
        if name.len() > DNS_NAME {
            return Err(AddressError::DomainTooLong);
        }
        // A last label of digits only would be read as an IPv4 address by resolvers (RFC 3696 §2).
        let number = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        if number || !name.split('.').all(is_label) { Err(AddressError::Domain) } else { Ok(Self(name)) }
    }

    /// The name, without trailing dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `sub-domain = Let-dig [Ldh-str]` (RFC 5321 §4.1.2).
fn is_label(label: &str) -> bool {
    let ldh = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    (1..=LABEL).contains(&label.len())
        && label.bytes().all(ldh)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// `local-part@domain`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mailbox {
    local_part: String,
    domain: Domain,
    written_in_utf8: bool,
}

impl Mailbox {
    /// Reads a bare address, without brackets; UTF-8 is allowed.
    ///
    /// # Errors
    /// [`AddressError`], with what is wrong.
    pub fn parse(address: &str) -> Result<Self, AddressError> {
        let mut scanner = Scanner { rest: address };
        let mailbox = scanner.mailbox()?;
        if scanner.rest.is_empty() { Ok(mailbox) } else { Err(AddressError::Domain) }
    }

    /// The local part with the least quoting (RFC 5321 §4.1.2); its case is its owner's matter.
    pub fn local_part(&self) -> &str {
        &self.local_part
    }

    /// The domain.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Whether it came with characters that only SMTPUTF8 allows (RFC 6531 §3.2).
    pub fn was_written_in_utf8(&self) -> bool {
        self.written_in_utf8
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local_part, self.domain)
    }
}

/// What stood between `<` and `>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// `<>`.
    Null,
    /// `<Postmaster>`, in any case, without a domain (RFC 5321 §4.5.1).
    Postmaster,
    /// `<local@domain>`; a source route is dropped (RFC 5321 appendix C).
    Mailbox(Mailbox),
}

impl Path {
    /// Reads the path at the start of `text`; what follows it (nothing, or a space and parameters) is the rest.
    pub(crate) fn read(text: &str) -> Result<(Self, &str), AddressError> {
        let mut scanner = Scanner { rest: text };
        let path = scanner.path()?;
        if text.len() - scanner.rest.len() > PATH {
            return Err(AddressError::PathTooLong);
        }
        if scanner.rest.is_empty() || scanner.rest.starts_with(' ') {
            Ok((path, scanner.rest))
        } else {
            Err(AddressError::Path)
        }
    }
}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No angle brackets, or something after them.
    #[error("the address must stand in angle brackets, like <name@example.org>")]
    Path,
    /// The part before the `@` is malformed.
    #[error("the part before the @ is malformed; quote unusual characters, like <\"two words\"@example.org>")]
    LocalPart,
    /// There is no `@domain`.
    #[error("the address needs a domain, like <name@example.org>")]
    NoDomain,
    /// The domain is malformed.
    #[error("the domain is no valid host name (letters, digits, hyphens and dots)")]
    Domain,
    /// A malformed `[...]`.
    #[error("the address literal is malformed")]
    Literal,
    /// A well-formed `[192.0.2.1]`: mail goes to names here, where its protection can be looked up.
    #[error("address literals are not accepted; use a domain name")]
    LiteralRefused,
    /// More than 250 octets.
    #[error("the part before the @ is longer than 250 octets")]
    LocalPartTooLong,
    /// More than 255 octets, or than DNS can hold.
    #[error("the domain is longer than 253 octets")]
    DomainTooLong,
    /// More than 256 octets with the brackets.
    #[error("the address is longer than 254 octets")]
    PathTooLong,
}

/// Reads from the front of `rest`.
struct Scanner<'a> {
    rest: &'a str,
}

impl Scanner<'_> {
    fn take(&mut self, wanted: char) -> bool {
        let found = self.rest.strip_prefix(wanted);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn path(&mut self) -> Result<Path, AddressError> {
        if !self.take('<') {
            return Err(AddressError::Path);
        }
        if self.take('>') {
            return Ok(Path::Null);
        }
        if self.rest.get(..11).is_some_and(|text| text.eq_ignore_ascii_case("postmaster>")) {
            self.rest = &self.rest[11..];
            return Ok(Path::Postmaster);
        }
        if self.rest.starts_with('@') {
            self.source_route()?;
        }
        let mailbox = self.mailbox()?;
        if self.take('>') { Ok(Path::Mailbox(mailbox)) } else { Err(AddressError::Path) }
    }

    /// `A-d-l ":"`: must be accepted and is ignored (RFC 5321 §4.1.2).
    fn source_route(&mut self) -> Result<(), AddressError> {
        let (route, rest) = self.rest.split_once(':').ok_or(AddressError::Path)?;
        for hop in route.split(',') {
            Domain::parse(hop.strip_prefix('@').ok_or(AddressError::Path)?)?;
        }
        self.rest = rest;
        Ok(())
    }

    fn mailbox(&mut self) -> Result<Mailbox, AddressError> {
        let whole = self.rest;
        let local_part = if self.take('"') { self.quoted_string()? } else { self.dot_string()? };
        if whole.len() - self.rest.len() > LOCAL_PART {
            return Err(AddressError::LocalPartTooLong);
        }
        if !self.take('@') {
            let missing = self.rest.is_empty() || self.rest.starts_with('>');
            return Err(if missing { AddressError::NoDomain } else { AddressError::LocalPart });
        }
        if self.rest.starts_with('[') {
            return Err(self.literal());
        }
        let end = self.rest.find(['>', ' ']).unwrap_or(self.rest.len());
        let (domain, rest) = self.rest.split_at(end);
        self.rest = rest;
        let written_in_utf8 = !whole[..whole.len() - rest.len()].is_ascii();
        Ok(Mailbox { local_part, domain: Domain::parse(domain)?, written_in_utf8 })
    }

    fn dot_string(&mut self) -> Result<String, AddressError> {
        let end = self.rest.find(|c| !is_atext(c) && c != '.').unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        if text.split('.').any(str::is_empty) { Err(AddressError::LocalPart) } else { Ok(text.to_owned()) }
    }

    /// The rest of a quoted string, in the form with the least quoting.
    fn quoted_string(&mut self) -> Result<String, AddressError> {
        let mut content = String::new();
        let mut chars = self.rest.chars();
        loop {
            match chars.next() {
                Some('"') => break,
                Some('\\') => match chars.next() {
                    Some(c @ ' '..='~') => content.push(c),
                    _ => return Err(AddressError::LocalPart),
                },
                Some(c) if !c.is_control() => content.push(c),
                _ => return Err(AddressError::LocalPart),
            }
        }
        self.rest = chars.as_str();
        Ok(quote(content))
    }

    /// `[...]`: which error it is. All are refused, the well-formed ones with another reply.
    fn literal(&mut self) -> AddressError {
        let inner = self.rest.trim_start_matches('[').split(']').next().unwrap_or_default();
        let closed = self.rest.len() > inner.len() + 1;
        let v6 = inner.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:")).map(|_| &inner[5..]);
        let valid = match v6 {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => inner.parse::<Ipv4Addr>().is_ok(),
        };
        if valid && closed { AddressError::LiteralRefused } else { AddressError::Literal }
    }
}

/// Quotes a local part only if it must be (RFC 5321 §4.1.2: minimum quoting).
fn quote(content: String) -> String {
    if content.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext)) {
        return content;
    }
    let escaped = content.replace('\\', r"\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// `atext` (RFC 5322 §3.2.3), extended to UTF-8 (RFC 6531 §3.3) but for control characters.
fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_control())
}

#[cfg(test)]
mod tests;
