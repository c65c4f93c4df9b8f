//! Signatures of DomainKeys Identified Mail (RFC 6376) in RSA and Ed25519 (RFC 8463), for any mail.

mod canonical;
mod key;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt::{self, Write},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;

use crate::clean;
use canonical::{Field, Message};
use key::Key;

/// The fields that are signed if a message has them (RFC 6376 §5.4.1; RFC 8460 §5.3 for those of reports).
const SIGNED: [&str; 15] = [
    "From",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "TLS-Required",
    "TLS-Report-Domain",
    "TLS-Report-Submitter",
];
/// Columns of the field.
const COLUMNS: usize = 76;

/// Why there is no signature.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The domain to sign for.
    #[error("`{0}` is no domain name")]
    Domain(String),
    /// The selector.
    #[error("`{0}` is no DKIM selector; letters, digits and hyphens make one, such as `mail2026`")]
    Selector(String),
    /// The key.
    #[error(
        "the DKIM key can't be used ({0}); give one in PEM, RSA of 2048 to 8192 bits or Ed25519, \
         for example by `openssl genrsa 2048`"
    )]
    Key(String),
    /// A line of the message does not end with CRLF: it would be changed on its way, and the signature be void.
    #[error("the message has a line that does not end with CRLF")]
    LineEnd,
    /// The message has no header that could be signed.
    #[error("the header has a line that is no field")]
    Header,
    /// The message has no From (RFC 6376 §5.4: it MUST be signed).
    #[error("the message has no From field")]
    NoFrom,
    /// The library can't sign.
    #[error("the DKIM key does not sign")]
    Sign,
}

/// What a published key is good for (RFC 6376 §3.6.1, `s=`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Every mail. Not a list such as `email:tlsrpt`: there are verifiers that can't read one.
    Any,
    /// Nothing but reports (RFC 8460 §3: "SHOULD contain the appropriate service type").
    TlsReports,
}

/// Signs messages for one domain with one key.
pub struct Signer {
    domain: String,
    selector: String,
    key: Key,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}._domainkey.{})", self.selector, self.domain)
    }
}

impl Signer {
    /// `key_pem` is a private key in PKCS #8 or, for RSA, PKCS #1; it says itself which algorithm it is for.
    ///
    /// # Errors
    /// [`Error::Domain`], [`Error::Selector`] and [`Error::Key`].
    pub fn new(domain: &str, selector: &str, key_pem: &str) -> Result<Self, Error> {
        let name = |text, error: fn(String) -> Error| {
            clean::domain(text).ok_or_else(|| error(clean::line(text, 100)))
        };
        Ok(Self {
            domain: name(domain, Error::Domain)?,
            selector: name(selector, Error::Selector)?,
            key: Key::from_pem(key_pem)?,
        })
    }

    /// The domain that it signs for, in A-labels.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The name of the TXT record with the public key.
    pub fn record_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// What is to be published there (RFC 6376 §3.6.1).
    pub fn record(&self, service: Service) -> String {
        let service = match service {
            Service::Any => "",
            Service::TlsReports => " s=tlsrpt;",
        };
        format!("v=DKIM1; k={};{service} p={}", self.key.name(), STANDARD.encode(self.key.public()))
    }

    /// A `DKIM-Signature` field of `message` with its CRLF, to be put before it; `now` is the time in it.
    ///
    /// Both header and body are canonicalized as `relaxed`. Every field that is signed is listed once more than it is
    /// there, so that nobody can add another (RFC 6376 §8.15). The whole body is signed: there is no `l=` (RFC 8460 §3).
    /// The message is not to be changed after that; one to be converted to 7 bit is to be signed when it is (§5.3).
    ///
    /// # Errors
    /// [`Error::LineEnd`], [`Error::Header`] and [`Error::NoFrom`].
    pub fn sign(&self, message: &[u8], now: Timestamp) -> Result<Vec<u8>, Error> {
        let message = Message::parse(message)?;
        let signed = Signed::of(&message)?;
        let mut field = self.unsigned_field(&signed.names, &message, now);
        let mut input = signed.canonical;
        // RFC 6376 §3.7: the field itself, without its signature and its CRLF.
        canonical::field(&Field::parse(field.as_bytes())?, &mut input);
        input.truncate(input.len() - 2);
        let signature = STANDARD.encode(self.key.sign(&input)?);
        for (at, character) in signature.chars().enumerate() {
            if at > 0 && at % (COLUMNS - 3) == 0 {
                field.push_str("\r\n ");
            }
            field.push(character);
        }
        field.push_str("\r\n");
        Ok(field.into_bytes())
    }

    /// The field up to `b=`.
    fn unsigned_field(&self, names: &[&str], message: &Message<'_>, now: Timestamp) -> String {
        let mut field = format!(
            "DKIM-Signature: v=1; a={}-sha256; c=relaxed/relaxed;\r\n d={};\r\n s={}; t={};\r\n h=",
            self.key.name(),
            self.domain,
            self.selector,
            now.as_second()
        );
        let mut column = 3;
        for (at, name) in names.iter().enumerate() {
            let colon = if at == 0 { "" } else { ":" };
            if column + name.len() + 2 > COLUMNS {
                let _ = write!(field, "{colon}\r\n {name}");
                column = 1 + name.len();
            } else {
                let _ = write!(field, "{colon}{name}");
                column += colon.len() + name.len();
            }
        }
        let hash = STANDARD.encode(canonical::body_hash(message.body));
        let _ = write!(field, ";\r\n bh={hash};\r\n b=");
        field
    }
}

/// What is signed of a header.
struct Signed {
    names: Vec<&'static str>,
    canonical: Vec<u8>,
}

impl Signed {
    fn of(message: &Message<'_>) -> Result<Self, Error> {
        let mut present = HashMap::<String, Vec<&Field<'_>>>::new();
        for field in &message.fields {
            present.entry(field.name.to_ascii_lowercase()).or_default().push(field);
        }
        let mut signed = Self { names: Vec::new(), canonical: Vec::new() };
        for name in SIGNED {
            let Some(fields) = present.get(&name.to_ascii_lowercase()) else {
                if name == "From" {
                    return Err(Error::NoFrom);
                }
                continue;
            };
            // §5.4.2: the last of several goes first.
            for field in fields.iter().rev() {
                signed.names.push(name);
                canonical::field(field, &mut signed.canonical);
            }
            // one that is not there counts as empty
            signed.names.push(name);
        }
        Ok(signed)
    }
}
