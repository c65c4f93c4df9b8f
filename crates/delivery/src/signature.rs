//! The signature under a TLS handshake, checked with nothing but the certificate's public key.
//!
//! The TLS library refuses some certificates before it looks at the signature: those of X.509 version 1, and RSA
//! keys below 2048 bits. Where nobody asks who the host is, refusing them would only turn encryption into clear text.

use rsa::{
    BoxedUint, PublicKey as RsaKey, pkcs1v15, pss,
    sha2::{Sha256, Sha384, Sha512},
    signature::Verifier,
};
use rustls::{
    CertificateError, Error, PeerIncompatible, PeerMisbehaved, SignatureScheme,
    client::danger::HandshakeSignatureValid, crypto::WebPkiSupportedAlgorithms,
};
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use webpki::RawPublicKeyEntity;
use x509_parser::{
    prelude::{FromDer, X509Certificate},
    public_key::{PublicKey, RSAPublicKey},
};

/// RSA moduli from this many bits on are the TLS library's business. Below 1024 there is no business.
const LONG_RSA: usize = 2048;

/// The protocol in which a signature was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Tls12,
    Tls13,
}

/// What was signed, and how.
#[derive(Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) message: &'a [u8],
    pub(crate) scheme: SignatureScheme,
    pub(crate) signature: &'a [u8],
}

/// Whether the key of this certificate has signed the message.
///
/// # Errors
/// `PeerIncompatible` for a key that can't be used, `BadSignature` for one that has not signed.
pub(crate) fn check(
    algorithms: &WebPkiSupportedAlgorithms,
    protocol: Protocol,
    certificate: &CertificateDer<'_>,
    signed: Signed<'_>,
) -> Result<HandshakeSignatureValid, Error> {
    // RFC 8446 §4.2.3: in TLS 1.3 not for handshakes.
    let pkcs1 = matches!(
        signed.scheme,
        SignatureScheme::RSA_PKCS1_SHA256
            | SignatureScheme::RSA_PKCS1_SHA384
            | SignatureScheme::RSA_PKCS1_SHA512
    );
    let offered = algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
    let Some((_, candidates)) = offered.filter(|_| !(pkcs1 && protocol == Protocol::Tls13)) else {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    };
    let (_, certificate) =
        X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let key = &certificate.tbs_certificate.subject_pki;
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) if rsa.key_size() < LONG_RSA => {
            let valid = check_short_rsa(&rsa, signed)?;
            return valid.then(HandshakeSignatureValid::assertion).ok_or_else(bad_signature);
        }
        _ => {}
    }
    let key = SubjectPublicKeyInfoDer::from(key.raw);
    let key = RawPublicKeyEntity::try_from(&key).map_err(|_| CertificateError::BadEncoding)?;
    // In TLS 1.2 a scheme does not name the curve.
    let candidates = if protocol == Protocol::Tls13 { &candidates[..1] } else { candidates };
    let mut outcome = Err(unusable());
    for candidate in candidates {
        match key.verify_signature(*candidate, signed.message, signed.signature) {
            Ok(()) => return Ok(HandshakeSignatureValid::assertion()),
            Err(webpki::Error::InvalidSignatureForPublicKey) => outcome = Err(bad_signature()),
            Err(_) => {}
        }
    }
    outcome
}

fn check_short_rsa(key: &RSAPublicKey<'_>, signed: Signed<'_>) -> Result<bool, Error> {
    let Signed { message, scheme, signature } = signed;
    let number = BoxedUint::from_be_slice_vartime;
    let key = RsaKey::new(number(key.modulus), number(key.exponent)).map_err(|_| unusable())?;
    let by_pkcs1 = |verifier: &dyn Verifier<pkcs1v15::Signature>| {
        pkcs1v15::Signature::try_from(signature).is_ok_and(|made| verifier.verify(message, &made).is_ok())
    };
    let by_pss = |verifier: &dyn Verifier<pss::Signature>| {
        pss::Signature::try_from(signature).is_ok_and(|made| verifier.verify(message, &made).is_ok())
    };
    Ok(match scheme {
        SignatureScheme::RSA_PKCS1_SHA256 => by_pkcs1(&pkcs1v15::VerifyingKey::<Sha256>::new(key)),
        SignatureScheme::RSA_PKCS1_SHA384 => by_pkcs1(&pkcs1v15::VerifyingKey::<Sha384>::new(key)),
        SignatureScheme::RSA_PKCS1_SHA512 => by_pkcs1(&pkcs1v15::VerifyingKey::<Sha512>::new(key)),
        SignatureScheme::RSA_PSS_SHA256 => by_pss(&pss::VerifyingKey::<Sha256>::new(key)),
        SignatureScheme::RSA_PSS_SHA384 => by_pss(&pss::VerifyingKey::<Sha384>::new(key)),
        SignatureScheme::RSA_PSS_SHA512 => by_pss(&pss::VerifyingKey::<Sha512>::new(key)),
        _ => return Err(unusable()),
    })
}

fn unusable() -> Error {
    PeerIncompatible::NoSignatureSchemesInCommon.into()
}

fn bad_signature() -> Error {
    CertificateError::BadSignature.into()
}

#[cfg(test)]
mod tests;
