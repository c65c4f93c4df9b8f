//! TLSA records as data: what they say they match, and what they really hold.

use anyhow::{Context, Result};
use hickory_server::proto::rr::rdata::TLSA;
use openssl::{sha, x509::X509};

use crate::{ca::Ca, host::Certificate};

/// A TLSA record (RFC 6698 §2.1) of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlsa {
    /// Certificate usage: 0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE.
    pub usage: u8,
    /// Selector: 0 the whole certificate, 1 its key (SPKI).
    pub selector: u8,
    /// Matching type: 0 the whole, 1 SHA-256, 2 SHA-512.
    pub matching: u8,
    /// Whose certificate the record is made of.
    pub of: Of,
}

/// Whose certificate a TLSA record is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// The one that the host presents (at its first address) when the record is published. The record stays as it is
    /// when the host's behaviour changes later.
    Host,
    /// The host's certificate of this kind, whether it presents it or not: a key that is to come, or was.
    Certificate(Certificate),
    /// The world's CA.
    Ca,
    /// Nobody's: it matches nothing.
    Nobody,
    /// These octets are the record's certificate association data, whatever selector and matching type say.
    Octets(Vec<u8>),
}

/// Where the TLSA records of a host are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsaPorts {
    /// At the world's SMTP port and at port 25.
    Smtp,
    /// At `*._tcp` of the host.
    Wildcard,
}

/// The TLSA records of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsaSet {
    /// The host's name.
    pub host: String,
    /// Where they are published.
    pub ports: TlsaPorts,
    /// The records.
    pub records: Vec<Tlsa>,
}

impl Tlsa {
    /// A record of these numbers.
    pub fn new(usage: u8, selector: u8, matching: u8, of: Of) -> Self {
        Self { usage, selector, matching, of }
    }

    /// `3 1 1` of the key that the host presents.
    pub fn host() -> Self {
        Self::new(3, 1, 1, Of::Host)
    }

    /// `3 1 1` of nobody's key.
    pub fn mismatch() -> Self {
        Self::new(3, 1, 1, Of::Nobody)
    }

    /// The record's data. `presented` is the certificate in use at the host.
    pub(crate) fn data(&self, ca: &Ca, host: &str, presented: Option<&[u8]>) -> Result<TLSA> {
        let association = match &self.of {
            Of::Host => {
                self.association(presented.with_context(|| format!("{host} presents no certificate"))?)?
            }
            Of::Certificate(kind) => self.association(&ca.identity(host, kind)?.certificate)?,
            Of::Ca => self.association(&ca.certificate()?)?,
            Of::Nobody => self.digest(b"nobody's certificate"),
            Of::Octets(octets) => octets.clone(),
        };
        Ok(TLSA::new(self.usage.into(), self.selector.into(), self.matching.into(), association))
    }

    fn association(&self, certificate: &[u8]) -> Result<Vec<u8>> {
        Ok(match self.selector {
            1 => self.digest(&X509::from_der(certificate)?.public_key()?.public_key_to_der()?),
            _ => self.digest(certificate),
        })
    }

    fn digest(&self, octets: &[u8]) -> Vec<u8> {
        match self.matching {
            0 => octets.to_vec(),
            2 => sha::sha512(octets).to_vec(),
            _ => sha::sha256(octets).to_vec(),
        }
    }
}

impl TlsaSet {
    /// The names at which they are published.
    pub(crate) fn owners(&self, smtp_port: u16) -> Vec<String> {
        let host = &self.host;
        match self.ports {
            TlsaPorts::Smtp => vec![format!("_{smtp_port}._tcp.{host}"), format!("_25._tcp.{host}")],
            TlsaPorts::Wildcard => vec![format!("*._tcp.{host}")],
        }
    }
}
