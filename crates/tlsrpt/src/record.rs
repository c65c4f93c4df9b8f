//! Where a domain wants its reports: the record at `_smtp._tls.<domain>` (RFC 8460 §3).

use std::fmt;

use url::Url;

use crate::Address;

/// How many destinations of a record are read; one is usual.
pub const MAX_DESTINATIONS: usize = 10;
/// How the records begin that count.
const VERSION: &str = "v=TLSRPTv1;";
/// Octets of one URI.
const MAX_URI: usize = 2_000;

/// A place that reports are sent to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Rua {
    /// By mail.
    Mailto(Address),
    /// By POST. Who publishes the record chooses host and port freely: look where it leads before connecting.
    Https(Url),
}

impl fmt::Display for Rua {
    /// As a URI.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mailto(address) => write!(f, "mailto:{address}"),
            Self::Https(url) => write!(f, "{url}"),
        }
    }
}

/// Reads the TXT records of `_smtp._tls.<domain>`, the strings of each concatenated, into at most
/// [`MAX_DESTINATIONS`] different destinations; none if the domain wants no reports.
///
/// What is not understood is passed over: other fields, other schemes, URIs that are none.
pub fn destinations<S: AsRef<str>>(records: &[S]) -> Vec<Rua> {
    let mut ours = records.iter().filter_map(|record| record.as_ref().strip_prefix(VERSION));
    // §3: several are as good as none.
    let (Some(fields), None) = (ours.next(), ours.next()) else { return Vec::new() };
    let mut found = Vec::new();
    let uris = fields.split(';').filter_map(|field| field.trim_matches(WSP).strip_prefix("rua="));
    for uri in uris.flat_map(|list| list.split(',')) {
        if let Some(rua) = destination(uri.trim_matches(WSP))
            && !found.contains(&rua)
        {
            found.push(rua);
        }
        if found.len() == MAX_DESTINATIONS {
            break;
        }
    }
    found
}

/// White space within a record.
const WSP: [char; 2] = [' ', '\t'];

fn destination(uri: &str) -> Option<Rua> {
    // RFC 3986 §2 has no place for some; and an exclamation point MUST be encoded (§3): unencoded it is what follows a
    // URI in a record of DMARC.
    let may_stand = |b: u8| b.is_ascii_graphic() && !b"!\"<>\\^`{|}".contains(&b);
    if uri.len() > MAX_URI || !uri.bytes().all(may_stand) {
        return None;
    }
    let (scheme, rest) = uri.split_once(':')?;
    if scheme.eq_ignore_ascii_case("mailto") {
        // What follows are header fields (RFC 6068 §2); a report has its own.
        let address = rest.split(['?', '#']).next()?;
        return Address::parse(&percent_decoded(address)?).map(Rua::Mailto);
    }
    if !scheme.eq_ignore_ascii_case("https") || !rest.starts_with("//") || rest.starts_with("///") {
        return None;
    }
    let mut url = Url::parse(uri).ok()?;
    url.set_fragment(None);
    let is_plain = url.username().is_empty() && url.password().is_none();
    (url.has_host() && is_plain).then_some(Rua::Https(url))
}

/// RFC 3986 §2.1; `None` if it is not well-formed, or not UTF-8 (RFC 6068 §2).
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
