//! Hosts whose TLS is dated, for which rustls is too good: OpenSSL at security level 0.

use std::{io, pin::Pin};

use anyhow::{Context, Result};
use openssl::{
    asn1::Asn1Time,
    bn::{BigNum, MsbOption},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    ssl::{NameType, Ssl, SslContext, SslContextBuilder, SslMethod, SslRef, SslVersion},
    x509::{X509, X509NameBuilder},
};
use tokio_openssl::SslStream;

use crate::{
    ca::Ca,
    host::{Certificate, Dated},
    tls::Session,
    wire::Stream,
};

/// What a host needs to be dated in this way. The certificate is self-signed.
pub(crate) fn context(ca: &Ca, host: &str, dated: Dated) -> Result<SslContext> {
    use SslVersion as V;
    let (oldest, newest, ciphers) = match dated {
        Dated::Tls10And11 => (V::TLS1, V::TLS1_1, "ALL:@SECLEVEL=0"),
        Dated::StaticRsa => (V::TLS1_2, V::TLS1_2, "AES128-SHA:AES256-SHA:@SECLEVEL=0"),
        Dated::X509v1 | Dated::Rsa1024 => (V::TLS1_2, V::TLS1_3, "ALL:@SECLEVEL=0"),
    };
    let (certificate, key) = match dated {
        Dated::Tls10And11 => {
            let identity = ca.identity(host, &Certificate::SelfSigned)?;
            (X509::from_der(&identity.certificate)?, PKey::private_key_from_der(identity.key.secret_der())?)
        }
        Dated::StaticRsa => rsa_certificate(host, RsaCertificate { bits: 2048, version: X509_V3 })?,
        Dated::X509v1 => rsa_certificate(host, RsaCertificate { bits: 2048, version: X509_V1 })?,
        Dated::Rsa1024 => rsa_certificate(host, RsaCertificate { bits: 1024, version: X509_V3 })?,
    };
    let mut context = SslContextBuilder::new(SslMethod::tls_server())?;
    context.set_cipher_list(ciphers)?;
    context.set_min_proto_version(Some(oldest))?;
    context.set_max_proto_version(Some(newest))?;
    context.set_certificate(&certificate)?;
    context.set_private_key(&key).with_context(|| format!("cannot use the key of {host}"))?;
    Ok(context.build())
}

/// Takes the server's part in the handshake.
pub(crate) async fn accept(
    context: &SslContext,
    stream: Box<dyn Stream>,
) -> io::Result<(Box<dyn Stream>, Session)> {
    let mut stream = SslStream::new(Ssl::new(context)?, stream)?;
    Pin::new(&mut stream).accept().await.map_err(io::Error::other)?;
    let session = session(stream.ssl());
    Ok((Box::new(stream), session))
}

fn session(ssl: &SslRef) -> Session {
    Session {
        // OpenSSL's name for TLS 1.0 has no ".0".
        version: match ssl.version_str() {
            "TLSv1" => "TLSv1.0".to_owned(),
            other => other.to_owned(),
        },
        cipher: ssl.current_cipher().map(|cipher| cipher.name().to_owned()),
        sni: ssl.servername(NameType::HOST_NAME).map(str::to_owned),
    }
}

/// The version field's value for X.509 version 1 (RFC 5280 §4.1.2.1).
const X509_V1: i32 = 0;
const X509_V3: i32 = 2;

#[derive(Clone, Copy)]
struct RsaCertificate {
    bits: u32,
    version: i32,
}

fn rsa_certificate(host: &str, wanted: RsaCertificate) -> Result<(X509, PKey<Private>)> {
    let key = PKey::from_rsa(Rsa::generate(wanted.bits)?)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, host)?;
    let name = name.build();
    let mut serial = BigNum::new()?;
    serial.rand(64, MsbOption::MAYBE_ZERO, false)?;
    let mut certificate = X509::builder()?;
    certificate.set_version(wanted.version)?;
    certificate.set_serial_number(&*serial.to_asn1_integer()?)?;
    certificate.set_subject_name(&name)?;
    certificate.set_issuer_name(&name)?;
    certificate.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    certificate.set_not_after(&*Asn1Time::days_from_now(365)?)?;
    certificate.set_pubkey(&key)?;
    certificate.sign(&key, MessageDigest::sha256())?;
    Ok((certificate.build(), key))
}
