//! The zones' keys, made once and kept.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, anyhow};
use hickory_server::proto::{
    dnssec::{
        Algorithm, DigestType, DnsSecError, PublicKeyBuf, SigningKey, TBS,
        crypto::EcdsaSigningKey,
        rdata::{DNSKEY, DS},
    },
    rr::Name,
};
use openssl::{
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Rsa,
    sign::Signer,
};
use rcgen::KeyPair;
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject};

use crate::ca::write;

/// How a zone's key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// ECDSA P-256 with SHA-256, algorithm 13.
    Ecdsa,
    /// RSA with SHA-1, algorithm 7.
    RsaSha1,
}

/// A zone's only key, for its DNSKEY set and for all others.
pub(super) struct ZoneKey {
    pub(super) signing: Box<dyn SigningKey>,
    pub(super) dnskey: DNSKEY,
    pub(super) tag: u16,
}

/// The keys of all zones.
pub(crate) struct Keys {
    directory: PathBuf,
    known: Mutex<BTreeMap<PathBuf, Arc<ZoneKey>>>,
}

impl Keys {
    /// The keys kept in `directory`.
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        let directory = directory.join("dnssec");
        fs::create_dir_all(&directory).with_context(|| format!("cannot use {}", directory.display()))?;
        Ok(Self { directory, known: Mutex::default() })
    }

    /// The zone's key of that kind: the one it had before, or a new one.
    pub(super) fn of(&self, zone: &Name, kind: Kind) -> Result<Arc<ZoneKey>> {
        // No domain has a name in capitals.
        let name = if zone.is_root() { "ROOT".to_owned() } else { zone.to_ascii() };
        let kind_name = match kind {
            Kind::Ecdsa => "ecdsa",
            Kind::RsaSha1 => "rsasha1",
        };
        let path = self.directory.join(format!("{}.{kind_name}.pem", name.trim_end_matches('.')));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.get(&path) {
            return Ok(Arc::clone(key));
        }
        if !path.exists() {
            write(&path, &new_pem(kind)?)?;
        }
        let damaged = || format!("{} is damaged; remove it to have a new one made", path.display());
        let pem = fs::read(&path).with_context(damaged)?;
        let key = Arc::new(ZoneKey::read(&pem, kind).with_context(damaged)?);
        known.insert(path, Arc::clone(&key));
        Ok(key)
    }
}

impl ZoneKey {
    /// A key that no zone has.
    pub(super) fn stranger() -> Result<Self> {
        Self::read(new_pem(Kind::Ecdsa)?.as_bytes(), Kind::Ecdsa)
    }

    fn read(pem: &[u8], kind: Kind) -> Result<Self> {
        let signing: Box<dyn SigningKey> = match kind {
            Kind::Ecdsa => {
                let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|error| anyhow!("{error}"))?;
                Box::new(EcdsaSigningKey::from_pkcs8(&der, Algorithm::ECDSAP256SHA256)?)
            }
            Kind::RsaSha1 => Box::new(RsaSha1(PKey::private_key_from_pem(pem)?)),
        };
        let dnskey = DNSKEY::from_key(&signing.to_public_key()?);
        let tag = dnskey.calculate_key_tag()?;
        Ok(Self { signing, dnskey, tag })
    }

    /// The record by which the parent vouches for the key.
    pub(super) fn ds(&self, zone: &Name) -> Result<DS> {
        let digest = self.dnskey.to_digest(zone, DigestType::SHA256)?.as_ref().to_vec();
        Ok(DS::new(self.tag, self.signing.algorithm(), DigestType::SHA256, digest))
    }
}

fn new_pem(kind: Kind) -> Result<String> {
    Ok(match kind {
        // P-256
        Kind::Ecdsa => KeyPair::generate()?.serialize_pem(),
        // As short as such keys were, and quickly made.
        Kind::RsaSha1 => {
            String::from_utf8(PKey::from_rsa(Rsa::generate(1024)?)?.private_key_to_pem_pkcs8()?)?
        }
    })
}

/// Algorithm 7, RSASHA1-NSEC3-SHA1: hickory verifies it and does not sign with it.
struct RsaSha1(PKey<Private>);

impl SigningKey for RsaSha1 {
    fn sign(&self, tbs: &TBS) -> Result<Vec<u8>, DnsSecError> {
        let sign = || Signer::new(MessageDigest::sha1(), &self.0)?.sign_oneshot_to_vec(tbs.as_ref());
        sign().map_err(|_| DnsSecError::Message("an RSA key does not sign"))
    }

    fn to_public_key(&self) -> Result<PublicKeyBuf, DnsSecError> {
        let rsa = self.0.rsa().map_err(|_| DnsSecError::Message("an RSA key is none"))?;
        let exponent = rsa.e().to_vec();
        // RFC 3110 §2: the exponent's length, the exponent, the modulus.
        let length = u8::try_from(exponent.len()).map_err(|_| DnsSecError::Message("a long exponent"))?;
        Ok(PublicKeyBuf::new([vec![length], exponent, rsa.n().to_vec()].concat(), self.algorithm()))
    }

    fn algorithm(&self) -> Algorithm {
        #[expect(deprecated, reason = "that is what it is for")]
        Algorithm::RSASHA1NSEC3SHA1
    }
}
