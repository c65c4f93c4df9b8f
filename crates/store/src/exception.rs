//! Whom an exception from the guarantee covers.

use api::Exception;
use smtp::address::{Domain, Mailbox};

/// The most exceptions of one account.
pub const MAX_EXCEPTIONS: usize = 200;

/// An address, or a domain with all its addresses and none of its subdomains'.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    written: String,
    key: String,
}

impl Pattern {
    /// Reads an address or a domain, of A-labels or U-labels; `None` if it is neither. A single word is no domain: it
    /// is more likely half of something.
    pub fn parse(text: &str) -> Option<Self> {
        let written = text.trim();
        let key = if written.contains('@') {
            key(&Mailbox::parse(written).ok()?)
        } else {
            Domain::parse(written).ok().filter(|domain| domain.as_str().contains('.'))?.to_string()
        };
        Some(Self { written: written.to_owned(), key })
    }

    /// As it was written.
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// As it is compared: in lower case, as overrides are, and the domain in A-labels.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    fn covers(&self, address: &Mailbox) -> bool {
        self.key == key(address) || self.key == address.domain().as_str()
    }
}

/// Whether one of the exceptions covers this address.
pub fn covers(exceptions: &[Exception], address: &Mailbox) -> bool {
    let mut patterns = exceptions.iter().filter_map(|exception| Pattern::parse(&exception.pattern));
    patterns.any(|pattern| pattern.covers(address))
}

fn key(address: &Mailbox) -> String {
    address.to_string().to_lowercase()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::its_address("carla@plain.example", "carla@plain.example", true)]
    #[case::without_case("Carla@Plain.example", "cARLA@plain.example", true)]
    #[case::another_address("carla@plain.example", "carl@plain.example", false)]
    #[case::the_address_elsewhere("carla@plain.example", "carla@other.example", false)]
    #[case::quoted_without_need("\"carla\"@plain.example", "carla@plain.example", true)]
    #[case::its_domain("plain.example", "carla@plain.example", true)]
    #[case::the_domain_without_case(" Plain.Example ", "carla@plain.EXAMPLE", true)]
    #[case::a_subdomain("plain.example", "carla@mail.plain.example", false)]
    #[case::a_longer_name("plain.example", "carla@explain.example", false)]
    #[case::its_parent("mail.plain.example", "carla@plain.example", false)]
    #[case::u_labels("bücher.example", "carla@xn--bcher-kva.example", true)]
    #[case::a_labels("xn--bcher-kva.example", "carla@BÜCHER.example", true)]
    #[case::u_labels_in_an_address("carla@Bücher.example", "carla@bücher.example", true)]
    #[case::domain_in_the_local_part("plain.example", "\"@plain.example\"@other.example", false)]
    fn covers_what_it_says(#[case] pattern: &str, #[case] address: &str, #[case] covered: bool) {
        let exception = |pattern: &str| Exception {
            id: 1,
            pattern: pattern.to_owned(),
            note: String::new(),
            created_at: Timestamp::UNIX_EPOCH,
        };
        let address = Mailbox::parse(address).unwrap();
        assert_eq!(covers(&[exception("x.example"), exception(pattern)], &address), covered);
        assert!(!covers(&[], &address));
    }

    #[rstest]
    #[case::nothing("")]
    #[case::a_word("carla")]
    #[case::no_domain("carla@")]
    #[case::no_local_part("@plain.example")]
    #[case::a_wildcard("*.plain.example")]
    #[case::two("a@plain.example, b@plain.example")]
    #[case::a_literal("carla@[192.0.2.1]")]
    #[case::an_address("192.0.2.1")]
    #[case::a_name("Carla <carla@plain.example>")]
    #[case::a_line_break("plain.example\nother.example")]
    #[case::a_url("https://plain.example")]
    fn neither_address_nor_domain(#[case] text: &str) {
        assert_eq!(Pattern::parse(text), None);
    }
}
