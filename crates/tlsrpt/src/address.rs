//! Mail addresses that can stand in a header field and an SMTP command as they are.

use std::fmt;

use crate::clean;

/// Octets of a local part (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL: usize = 64;

/// A mail address in ASCII: a dot-atom (RFC 5322 §3.2.3), and a domain in A-labels.
///
/// Quoted local parts, address literals and local parts beyond ASCII are not taken: nobody is known to receive reports at one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    local: String,
    domain: String,
}

impl Address {
    /// Reads `local@domain`; `None` if it is none. The domain is turned into A-labels and small letters.
    pub fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.rsplit_once('@')?;
        let is_atom = |atom: &str| !atom.is_empty() && atom.bytes().all(is_atext);
        if local.len() > MAX_LOCAL || !local.split('.').all(is_atom) {
            return None;
        }
        Some(Self { local: local.to_owned(), domain: clean::domain(domain)? })
    }

    /// Its domain, in A-labels.
    pub fn domain(&self) -> &str {
        &self.domain
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Address;

    #[rstest]
    #[case("tls-reports@Example.COM", Some("tls-reports@example.com"))]
    #[case("a.b+c@bücher.example", Some("a.b+c@xn--bcher-kva.example"))]
    #[case("a@localhost", Some("a@localhost"))]
    #[case("a@example.com.", Some("a@example.com"))]
    #[case("a..b@example.com", None)]
    #[case("@example.com", None)]
    #[case("a@", None)]
    #[case("a", None)]
    #[case("a@[192.0.2.1]", None)]
    #[case("\"a b\"@example.com", None)]
    #[case("a@example.com\r\nBcc: b@example.com", None)]
    #[case("a>@example.com", None)]
    #[case("a@b@example.com", None)]
    #[case("ä@example.com", None)]
    #[case(&format!("{}@example.com", "a".repeat(65)), None)]
    fn reads_addresses(#[case] text: &str, #[case] expected: Option<&str>) {
        let read = Address::parse(text).map(|address| address.to_string());
        assert_eq!(read.as_deref(), expected);
    }
}
