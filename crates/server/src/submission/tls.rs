//! The server's own certificate.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, bail};
use rustls::{ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio_rustls::TlsAcceptor;

/// A certificate chain with its key.
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Certificate {
    /// Reads a chain and its key from PEM files.
    pub fn read(chain: &Path, key: &Path) -> anyhow::Result<Self> {
        let certificates = CertificateDer::pem_file_iter(chain)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| format!("{}: not a certificate chain in PEM", chain.display()))?;
        if certificates.is_empty() {
            bail!("{}: there is no certificate in it", chain.display());
        }
        let key = PrivateKeyDer::from_pem_file(key)
            .with_context(|| format!("{}: not a private key in PEM", key.display()))?;
        Ok(Self { chain: certificates, key })
    }
}

/// A self-signed certificate for these names, kept as `certificate.pem` and `key.pem` in a directory: made once.
pub fn self_signed(directory: &Path, names: Vec<String>) -> anyhow::Result<Certificate> {
    let (chain, key) = (directory.join("certificate.pem"), directory.join("key.pem"));
    if !chain.exists() || !key.exists() {
        let made = rcgen::generate_simple_self_signed(names).context("making a certificate")?;
        write_private(&key, made.signing_key.serialize_pem().as_bytes())?;
        fs::write(&chain, made.cert.pem()).with_context(|| format!("writing {}", chain.display()))?;
    }
    Certificate::read(&chain, &key)
}

fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(content))
        .with_context(|| format!("writing {}", path.display()))
}

/// TLS 1.2 and 1.3 for clients (RFC 8997).
pub fn acceptor(certificate: Certificate) -> anyhow::Result<TlsAcceptor> {
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(certificate.chain, certificate.key)
        .context("the certificate and its key do not fit together")?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
