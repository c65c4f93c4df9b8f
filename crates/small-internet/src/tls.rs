//! What follows the 220 of STARTTLS.

use std::{io, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use rustls::{
    ProtocolVersion, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    sign::{CertifiedKey, SingleCertAndKey},
    version,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    ca::Ca,
    host::{Certificate, Handshake, Versions},
    legacy,
    wire::Stream,
};

/// How long a handshake, or a client that was told to go, may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// RFC 8446 §6: a record of type alert, with the fatal alert `handshake_failure`.
const HANDSHAKE_FAILURE: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];

/// A [`Handshake`] made ready: keys and certificates are at hand.
pub(crate) enum Ready {
    Modern { acceptor: TlsAcceptor, certificate: CertificateDer<'static> },
    Dated(openssl::ssl::SslContext),
    Fault(Fault),
}

#[derive(Clone, Copy)]
pub(crate) enum Fault {
    Alert,
    Close,
    Silence,
    Garbage,
}

/// What is known of a TLS session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// `TLSv1.0` to `TLSv1.3`.
    pub(crate) version: String,
    pub(crate) cipher: Option<String>,
    pub(crate) sni: Option<String>,
}

impl Ready {
    pub(crate) fn new(ca: &Ca, host: &str, handshake: &Handshake) -> Result<Self> {
        Ok(match handshake {
            Handshake::Modern { certificate: kind, versions } => {
                let identity = ca.identity(host, kind)?;
                let certificate = identity.certificate;
                let mut chain = vec![certificate.clone()];
                if *kind == Certificate::TrustedWithCa {
                    chain.push(ca.certificate()?);
                }
                let versions: &[_] = match versions {
                    Versions::Both => &[&version::TLS13, &version::TLS12],
                    Versions::Tls12 => &[&version::TLS12],
                    Versions::Tls13 => &[&version::TLS13],
                };
                let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                    .with_protocol_versions(versions)?
                    .with_no_client_auth()
                    .with_single_cert(chain, identity.key)
                    .with_context(|| format!("cannot use the certificate of {host}"))?;
                Self::Modern { acceptor: TlsAcceptor::from(Arc::new(config)), certificate }
            }
            Handshake::Dated(dated) => Self::Dated(legacy::context(ca, host, *dated)?),
            Handshake::Alert => Self::Fault(Fault::Alert),
            Handshake::Close => Self::Fault(Fault::Close),
            Handshake::Silence => Self::Fault(Fault::Silence),
            Handshake::Garbage => Self::Fault(Fault::Garbage),
        })
    }

    /// Presents a certificate without having its key.
    pub(crate) fn with_key_of_another(
        certificate: CertificateDer<'static>,
        key: &PrivateKeyDer<'static>,
    ) -> Result<Self> {
        let key = aws_lc_rs::sign::any_supported_type(key)?;
        let pair = CertifiedKey::new(vec![certificate.clone()], key);
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
        Ok(Self::Modern { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }

    /// The certificate presented, DER.
    pub(crate) fn certificate(&self) -> Option<Vec<u8>> {
        match self {
            Self::Modern { certificate, .. } => Some(certificate.to_vec()),
            Self::Dated(context) => context.certificate()?.to_der().ok(),
            Self::Fault(_) => None,
        }
    }

    /// Takes the server's part in the handshake; `None` if this host makes it fail.
    pub(crate) async fn accept(
        &self,
        stream: Box<dyn Stream>,
    ) -> io::Result<Option<(Box<dyn Stream>, Session)>> {
        match self {
            Self::Modern { acceptor, .. } => {
                let stream = timeout(PATIENCE, acceptor.accept(stream)).await??;
                let session = modern_session(stream.get_ref().1);
                Ok(Some((Box::new(stream), session)))
            }
            Self::Dated(context) => timeout(PATIENCE, legacy::accept(context, stream)).await?.map(Some),
            Self::Fault(fault) => fault.commit(stream).await.map(|()| None),
        }
    }
}

fn modern_session(connection: &rustls::ServerConnection) -> Session {
    Session {
        version: match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
            other => format!("{other:?}"),
        },
        cipher: connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite())),
        sni: connection.server_name().map(str::to_owned),
    }
}

impl Fault {
    async fn commit(self, mut stream: Box<dyn Stream>) -> io::Result<()> {
        timeout(PATIENCE, read_record(&mut stream)).await??;
        match self {
            Self::Alert => stream.write_all(&HANDSHAKE_FAILURE).await?,
            Self::Garbage => stream.write_all(b"500 5.5.1 What was that?\r\n").await?,
            Self::Close => {}
            Self::Silence => return drain(&mut stream).await,
        }
        stream.shutdown().await?;
        // Closing while octets are unread resets the connection, and the alert might be lost with it.
        timeout(PATIENCE, drain(&mut stream)).await?
    }
}

/// Reads one TLS record, the ClientHello.
async fn read_record(stream: &mut Box<dyn Stream>) -> io::Result<()> {
    let mut header = [0; 5];
    stream.read_exact(&mut header).await?;
    let mut body = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
    stream.read_exact(&mut body).await.map(|_| ())
}

async fn drain(stream: &mut Box<dyn Stream>) -> io::Result<()> {
    let mut sink = [0; 1024];
    while stream.read(&mut sink).await? > 0 {}
    Ok(())
}
