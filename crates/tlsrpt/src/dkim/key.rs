//! The private key.

use aws_lc_rs::{
    digest,
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    rsa,
    signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256},
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};

use super::Error;

/// A key to sign with. It has no `Debug`: it is a secret.
pub(super) enum Key {
    Rsa(rsa::KeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    pub(super) fn from_pem(pem: &str) -> Result<Self, Error> {
        let refused = |why: &dyn ToString| Error::Key(why.to_string());
        match PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| refused(&error))? {
            PrivateKeyDer::Pkcs1(der) => {
                rsa::KeyPair::from_der(der.secret_pkcs1_der()).map(Self::Rsa).map_err(|error| refused(&error))
            }
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                Ed25519KeyPair::from_pkcs8(der)
                    .map(Self::Ed25519)
                    .or_else(|_| rsa::KeyPair::from_pkcs8(der).map(Self::Rsa))
                    .map_err(|error| refused(&error))
            }
            _ => Err(refused(&"it is for another algorithm")),
        }
    }

    /// As `k=` has it, and `a=` before its hyphen.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "rsa",
            Self::Ed25519(_) => "ed25519",
        }
    }

    /// As `p=` has it: of RSA the SubjectPublicKeyInfo, which is what everybody publishes (RFC 6376 Appendix C); of
    /// Ed25519 the key itself (RFC 8463 §4.2).
    pub(super) fn public(&self) -> Vec<u8> {
        match self {
            Self::Rsa(pair) => AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key())
                .map(|der| der.as_ref().to_vec())
                .unwrap_or_default(),
            Self::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    pub(super) fn sign(&self, input: &[u8]) -> Result<Vec<u8>, Error> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                // This padding has no chance in it; the library's interface asks for a source all the same.
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input, &mut signature)
                    .map_err(|_| Error::Sign)?;
                Ok(signature)
            }
            // RFC 8463 §3: the hash is what is signed.
            Self::Ed25519(pair) => {
                let hash = digest::digest(&digest::SHA256, input);
                pair.try_sign(hash.as_ref())
                    .map(|signature| signature.as_ref().to_vec())
                    .map_err(|_| Error::Sign)
            }
        }
    }
}
