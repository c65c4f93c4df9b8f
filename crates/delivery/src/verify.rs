//! TLS towards MX hosts: a verifier that classifies and never decides.
//!
//! Whether a connection may carry mail is [`guarantee::judge()`]'s word alone; here the handshake
//! only has to be genuine TLS 1.2 or 1.3. Any certificate passes: without DANE or MTA-STS a name
//! out of unsigned DNS proves nothing (RFC 7672 §1.3).
//!
//! A limit: without a cipher suite of ECDHE and AEAD in common (RFC 9325 §4.2) there is no handshake. Hosts that
//! know static RSA only are as good as hosts with old protocols.

use std::{fmt::Write, io, sync::Arc};

use guarantee::{TlsDetails, TlsFailure, TlsVersion};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error,
    PeerIncompatible, PeerMisbehaved, ProtocolVersion, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};

use crate::signature::{self, Protocol, Signed};

/// The TLS client configuration: TLS 1.2 and 1.3 only (P13, RFC 8997), any certificate. Without resumption;
/// [`crate::sessions`] says where there is some.
pub(crate) fn client_config() -> ClientConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Arc::new(AnyCertificate { provider: Arc::clone(&provider) });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .expect("the provider has suites for both versions");
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.resumption = Resumption::disabled();
    config
}

/// Accepts every certificate, but not a handshake that its key has not signed.
#[derive(Debug)]
struct AnyCertificate {
    provider: Arc<CryptoProvider>,
}

impl AnyCertificate {
    fn check(
        &self,
        protocol: Protocol,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let signed = Signed { message, scheme: signed.scheme, signature: signed.signature() };
        signature::check(algorithms, protocol, certificate, signed)
    }
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check(Protocol::Tls12, message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check(Protocol::Tls13, message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// What an established connection shows.
#[derive(Clone, Debug)]
pub(crate) struct Secured {
    /// For the evidence.
    pub(crate) tls: TlsDetails,
    /// The certificates that the host presented, its own first. Who it has proven to be by them is said anew for each mail.
    pub(crate) chain: Vec<CertificateDer<'static>>,
}

/// What an established connection shows; `None` if the library does not say, which it always does after a handshake.
pub(crate) fn details(connection: &ClientConnection) -> Option<Secured> {
    let version = match connection.protocol_version()? {
        ProtocolVersion::TLSv1_2 => TlsVersion::Tls12,
        ProtocolVersion::TLSv1_3 => TlsVersion::Tls13,
        _ => return None,
    };
    let suite = connection.negotiated_cipher_suite()?.suite();
    let chain: Vec<_> = connection.peer_certificates()?.iter().map(|one| one.clone().into_owned()).collect();
    let certificate = chain.first()?;
    let group = connection.negotiated_key_exchange_group().map(rustls::crypto::SupportedKxGroup::name);
    let tls = TlsDetails {
        version,
        cipher: suite.as_str().unwrap_or("unknown").to_owned(),
        key_exchange: group.and_then(|group| group.as_str()).unwrap_or("resumed").to_owned(),
        certificate_sha256: hex(&Sha256::digest(certificate)),
    };
    Some(Secured { tls, chain })
}

/// What ended a handshake, from the error of the TLS stream.
pub(crate) fn classify(error: &io::Error) -> TlsFailure {
    match of_tls(error) {
        // Not signed by the key it shows: whoever is on the way can bring that about.
        Some(Error::InvalidCertificate(CertificateError::BadSignature)) => TlsFailure::Interrupted,
        Some(
            Error::AlertReceived(_)
            | Error::PeerIncompatible(_)
            | Error::NoCertificatesPresented
            | Error::UnsupportedNameType
            | Error::InvalidCertificate(_),
        ) => TlsFailure::Refused,
        Some(
            Error::General(_)
            | Error::FailedToGetCurrentTime
            | Error::FailedToGetRandomBytes
            | Error::EncryptError,
        ) => TlsFailure::OwnFault,
        // Resets, early ends, and what is not TLS: anybody on the way can cause these.
        Some(_) | None => TlsFailure::Interrupted,
    }
}

/// What ended TLS, for mail administrators.
pub(crate) fn explain(error: &io::Error) -> String {
    match of_tls(error) {
        Some(Error::AlertReceived(alert)) => {
            let meaning = match alert {
                AlertDescription::ProtocolVersion => ": no common protocol version, TLS 1.2 or 1.3",
                AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
                    ": perhaps no cipher with ECDHE and AEAD in common"
                }
                _ => "",
            };
            format!("the host answered with the alert {}{meaning}", snake_case(&format!("{alert:?}")))
        }
        Some(Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        )) => "no common protocol version: the host chose one before TLS 1.2".to_owned(),
        Some(Error::PeerIncompatible(
            PeerIncompatible::NoCipherSuitesInCommon | PeerIncompatible::NoKxGroupsInCommon,
        )) => "no cipher with ECDHE and AEAD in common".to_owned(),
        Some(Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedCipherSuite)) => {
            "the host chose a cipher that was not offered".to_owned()
        }
        Some(Error::InvalidCertificate(CertificateError::BadSignature)) => {
            "the handshake is not signed by the key of the host's certificate".to_owned()
        }
        _ => plain(error),
    }
}

/// An error as a sentence for mail administrators, without the operating system's number.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

fn of_tls(error: &io::Error) -> Option<&Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// An alert's name as in RFC 8446 §6.
fn snake_case(name: &str) -> String {
    name.char_indices().fold(String::new(), |mut snake, (index, one)| {
        if one.is_ascii_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.push(one.to_ascii_lowercase());
        snake
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}
