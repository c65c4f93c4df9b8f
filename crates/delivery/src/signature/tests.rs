use openssl::{
    asn1::Asn1Time,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::{Padding, Rsa},
    sign::{RsaPssSaltlen, Signer},
    x509::X509,
};
use rstest::rstest;
use rustls::crypto::aws_lc_rs;

use super::*;

const MESSAGE: &[u8] = b"what a handshake signs";

enum Key {
    Rsa(u32),
    Ec(Nid),
    Ed25519,
    Ed448,
}

impl Key {
    fn generate(&self) -> PKey<Private> {
        match self {
            Self::Rsa(bits) => PKey::from_rsa(Rsa::generate(*bits).unwrap()).unwrap(),
            Self::Ec(curve) => {
                let group = EcGroup::from_curve_name(*curve).unwrap();
                PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
            }
            Self::Ed25519 => PKey::generate_ed25519().unwrap(),
            Self::Ed448 => PKey::generate_ed448().unwrap(),
        }
    }
}

/// The least that is a certificate, of X.509 version 1.
fn certificate(key: &PKey<Private>) -> CertificateDer<'static> {
    let mut certificate = X509::builder().unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    certificate.set_pubkey(key).unwrap();
    let digest = match key.id() {
        openssl::pkey::Id::ED25519 | openssl::pkey::Id::ED448 => MessageDigest::null(),
        _ => MessageDigest::sha256(),
    };
    certificate.sign(key, digest).unwrap();
    certificate.build().to_der().unwrap().into()
}

fn sign(key: &PKey<Private>, scheme: SignatureScheme) -> Vec<u8> {
    use SignatureScheme as S;
    let digest = match scheme {
        S::RSA_PKCS1_SHA256 | S::RSA_PSS_SHA256 | S::ECDSA_NISTP256_SHA256 => MessageDigest::sha256(),
        S::RSA_PKCS1_SHA384 | S::RSA_PSS_SHA384 | S::ECDSA_NISTP384_SHA384 => MessageDigest::sha384(),
        S::RSA_PKCS1_SHA512 | S::RSA_PSS_SHA512 | S::ECDSA_NISTP521_SHA512 => MessageDigest::sha512(),
        _ => return Signer::new_without_digest(key).unwrap().sign_oneshot_to_vec(MESSAGE).unwrap(),
    };
    let mut signer = Signer::new(digest, key).unwrap();
    if matches!(scheme, S::RSA_PSS_SHA256 | S::RSA_PSS_SHA384 | S::RSA_PSS_SHA512) {
        signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        signer.set_rsa_mgf1_md(digest).unwrap();
        signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
    }
    signer.sign_oneshot_to_vec(MESSAGE).unwrap()
}

fn told(protocol: Protocol, certificate: &CertificateDer<'_>, signed: Signed<'_>) -> String {
    let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
    match check(&algorithms, protocol, certificate, signed) {
        Ok(_) => "valid".to_owned(),
        Err(error) => error.to_string(),
    }
}

const VALID: &str = "valid";
const UNUSABLE: &str = "peer is incompatible: NoSignatureSchemesInCommon";
const UNOFFERED: &str = "peer misbehaved: SignedHandshakeWithUnadvertisedSigScheme";
const BAD: &str = "invalid peer certificate: BadSignature";

/// A genuine signature, in TLS 1.2 and in TLS 1.3. Another message's is bad wherever this one's is valid.
#[rstest]
#[case(Key::Rsa(1024), SignatureScheme::RSA_PKCS1_SHA256, VALID, UNOFFERED)]
#[case(Key::Rsa(1024), SignatureScheme::RSA_PKCS1_SHA384, VALID, UNOFFERED)]
#[case(Key::Rsa(1024), SignatureScheme::RSA_PKCS1_SHA512, VALID, UNOFFERED)]
#[case(Key::Rsa(1024), SignatureScheme::RSA_PSS_SHA256, VALID, VALID)]
#[case(Key::Rsa(1024), SignatureScheme::RSA_PSS_SHA384, VALID, VALID)]
#[case(Key::Rsa(1536), SignatureScheme::RSA_PSS_SHA512, VALID, VALID)]
#[case(Key::Rsa(2048), SignatureScheme::RSA_PKCS1_SHA256, VALID, UNOFFERED)]
#[case(Key::Rsa(2048), SignatureScheme::RSA_PSS_SHA256, VALID, VALID)]
#[case(Key::Rsa(512), SignatureScheme::RSA_PKCS1_SHA256, UNUSABLE, UNOFFERED)]
#[case(Key::Ec(Nid::X9_62_PRIME256V1), SignatureScheme::ECDSA_NISTP256_SHA256, VALID, VALID)]
#[case(Key::Ec(Nid::SECP384R1), SignatureScheme::ECDSA_NISTP384_SHA384, VALID, VALID)]
// In TLS 1.2 a scheme does not name the curve, in TLS 1.3 it does.
#[case(Key::Ec(Nid::SECP384R1), SignatureScheme::ECDSA_NISTP256_SHA256, VALID, UNUSABLE)]
#[case(Key::Ec(Nid::SECP256K1), SignatureScheme::ECDSA_NISTP256_SHA256, UNUSABLE, UNUSABLE)]
#[case(Key::Ed25519, SignatureScheme::ED25519, VALID, VALID)]
#[case(Key::Ed448, SignatureScheme::ED448, UNOFFERED, UNOFFERED)]
fn a_signature(
    #[case] key: Key,
    #[case] scheme: SignatureScheme,
    #[case] tls_12: &str,
    #[case] tls_13: &str,
) {
    let key = key.generate();
    let (certificate, signature) = (certificate(&key), sign(&key, scheme));
    let signed = Signed { message: MESSAGE, scheme, signature: &signature };
    let other = Signed { message: b"something else", ..signed };
    for (protocol, expected) in [(Protocol::Tls12, tls_12), (Protocol::Tls13, tls_13)] {
        assert_eq!(told(protocol, &certificate, signed), expected);
        let expected = if expected == VALID { BAD } else { expected };
        assert_eq!(told(protocol, &certificate, other), expected);
    }
}

/// A short RSA key with a scheme that is none of its own.
#[test]
fn a_scheme_of_another_kind_of_key() {
    let key = Key::Rsa(1024).generate();
    let signed = Signed { message: MESSAGE, scheme: SignatureScheme::ED25519, signature: &[0; 64] };
    assert_eq!(told(Protocol::Tls13, &certificate(&key), signed), UNUSABLE);
}

#[test]
fn no_certificate_at_all() {
    let signed = Signed { message: MESSAGE, scheme: SignatureScheme::ED25519, signature: &[0; 64] };
    let told = told(Protocol::Tls13, &CertificateDer::from(vec![0x30, 0x80]), signed);
    assert_eq!(told, "invalid peer certificate: BadEncoding");
}
