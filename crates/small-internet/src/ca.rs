//! The world's certificate authority and the certificates of its hosts, kept in the data directory.

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, anyhow};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use crate::host::Certificate;

const NAME: &str = "Small Internet CA";

/// The certificate authority. Its key never leaves the data directory.
#[derive(Debug)]
pub(crate) struct Ca {
    directory: PathBuf,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Ca {
    /// Opens the CA kept in `directory`, or founds it.
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        let hosts = directory.join("certificates");
        let (certificate, key) = (Self::path(directory), directory.join("ca.key"));
        if !(certificate.exists() && key.exists()) {
            // What another CA issued is worth nothing now.
            if hosts.exists() {
                fs::remove_dir_all(&hosts)?;
            }
            let new = KeyPair::generate()?;
            write(&key, &new.serialize_pem())?;
            write(&certificate, &ca_params(NAME)?.self_signed(&new)?.pem())?;
        }
        fs::create_dir_all(&hosts)?;
        let read =
            |path: &Path| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
        let key = KeyPair::from_pem(&read(&key)?)
            .with_context(|| format!("{} is damaged; remove it to found a new CA", key.display()))?;
        Ok(Self { directory: hosts, pem: read(&certificate)?, issuer: Issuer::new(ca_params(NAME)?, key) })
    }

    /// Where the certificate of the CA kept in `directory` lies.
    pub(crate) fn path(directory: &Path) -> PathBuf {
        directory.join("ca.pem")
    }

    /// The CA's certificate.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// The CA's certificate, DER.
    pub(crate) fn certificate(&self) -> Result<CertificateDer<'static>> {
        CertificateDer::from_pem_slice(self.pem.as_bytes())
            .map_err(|error| anyhow!("the CA's certificate: {error}"))
    }

    /// The certificate of that kind for `host`: the one it had before, or a new one.
    pub(crate) fn identity(&self, host: &str, kind: &Certificate) -> Result<Identity> {
        let path = self.directory.join(file_name(host, kind));
        if !path.exists() {
            let pem =
                self.issue(host, kind).with_context(|| format!("cannot issue a certificate for {host}"))?;
            write(&path, &pem)?;
        }
        let damaged = || format!("{} is damaged; remove it to have a new one issued", path.display());
        let pem = fs::read(&path).with_context(damaged)?;
        Ok(Identity {
            certificate: CertificateDer::from_pem_slice(&pem)
                .map_err(|e| anyhow!("{e}"))
                .with_context(damaged)?,
            key: PrivateKeyDer::from_pem_slice(&pem).map_err(|e| anyhow!("{e}")).with_context(damaged)?,
        })
    }

    fn issue(&self, host: &str, kind: &Certificate) -> Result<String> {
        let key = KeyPair::generate()?;
        let name = if let Certificate::TrustedFor(other) = kind { other } else { host };
        let mut params = leaf_params(name)?;
        let certificate = match kind {
            Certificate::SelfSigned => params.self_signed(&key)?,
            Certificate::Trusted | Certificate::TrustedWithCa | Certificate::TrustedFor(_) => {
                params.signed_by(&key, &self.issuer)?
            }
            Certificate::Expired => {
                (params.not_before, params.not_after) =
                    (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1));
                params.signed_by(&key, &self.issuer)?
            }
            Certificate::UnknownCa => {
                let stranger = Issuer::new(ca_params("Nobody's CA")?, KeyPair::generate()?);
                params.signed_by(&key, &stranger)?
            }
        };
        Ok(certificate.pem() + &key.serialize_pem())
    }
}

/// The same at every call, so that the key alone brings the issuer back.
fn ca_params(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    set_validity(&mut params)?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn leaf_params(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    set_validity(&mut params)?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Valid from yesterday on for ten years: the demo's data may be kept for long.
fn set_validity(params: &mut CertificateParams) -> Result<()> {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let now = date_time_ymd(1970, 1, 1) + SystemTime::now().duration_since(UNIX_EPOCH)?;
    params.not_before = now - DAY;
    params.not_after = now + 3650 * DAY;
    Ok(())
}

fn file_name(host: &str, kind: &Certificate) -> String {
    let kind = match kind {
        Certificate::SelfSigned => "self-signed".to_owned(),
        Certificate::Trusted => "trusted".to_owned(),
        Certificate::TrustedWithCa => "trusted-with-ca".to_owned(),
        Certificate::TrustedFor(other) => format!("trusted-for-{other}"),
        Certificate::Expired => "expired".to_owned(),
        Certificate::UnknownCa => "unknown-ca".to_owned(),
    };
    format!("{host}.{kind}.pem")
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let new = path.with_added_extension("new");
    let written = fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&new);
    let written = written.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.and_then(|()| fs::rename(&new, path)).with_context(|| format!("cannot write {}", path.display()))
}
