use std::{
    collections::HashMap,
    path::Path,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result};
use openssl::{sha, x509::X509};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Attack, Impostor, Witness,
    network::Network,
    receiver::{Receiver, Role},
};
use crate::{
    ca::Ca,
    host::{Certificate, Handshake, Versions},
    tls,
    world::World,
};

/// Octets on their way between two ends in memory.
const BUFFER: usize = 1 << 16;

/// A host, and whoever stands between it and its clients, with all that they need of keys and certificates.
pub struct Scene {
    host: String,
    ca: Vec<u8>,
    tls: tls::Ready,
    requiretls: bool,
    impostors: HashMap<Impostor, tls::Ready>,
    /// What the host sent in the first handshake that came about.
    old: Mutex<Option<Vec<u8>>>,
}

impl Scene {
    /// A host of this name that speaks these versions, with a certificate of a CA founded in `directory`.
    ///
    /// # Errors
    /// When the directory can't be written, or the name is none for a certificate.
    pub fn new(directory: &Path, host: &str, versions: Versions) -> Result<Self> {
        let [trusted, own] = ["trusted", "attacker"].map(|name| directory.join(name));
        for each in [&trusted, &own] {
            std::fs::create_dir_all(each).with_context(|| format!("cannot make {}", each.display()))?;
        }
        Self::of((&Ca::open(&trusted)?, &Ca::open(&own)?), host, &Certificate::Trusted, versions)
    }

    /// A host of this world, which presents `truth`; the attacker's own CA is founded in `directory`.
    ///
    /// # Errors
    /// When the directory can't be written, or the name is none for a certificate.
    pub fn in_world(world: &World, host: &str, truth: &Certificate, directory: &Path) -> Result<Self> {
        Self::of((world.ca(), &Ca::open(directory)?), host, truth, Versions::Both)
    }

    /// `trusted` is the CA that the clients trust, `own` is the attacker's; `truth` is what the host presents.
    pub(crate) fn of(
        (trusted, own): (&Ca, &Ca),
        host: &str,
        truth: &Certificate,
        versions: Versions,
    ) -> Result<Self> {
        let handshake = |certificate| Handshake::Modern { certificate, versions };
        let another_name = || Certificate::TrustedFor("mx.another-name.example".to_owned());
        let mut impostors = HashMap::new();
        for (impostor, ca, certificate) in [
            (Impostor::SelfSigned, own, Certificate::SelfSigned),
            (Impostor::UnknownCa, own, Certificate::UnknownCa),
            (Impostor::AnotherName, trusted, another_name()),
            (Impostor::Expired, trusted, Certificate::Expired),
            (Impostor::AnotherKey, trusted, Certificate::TrustedFor(host.to_owned())),
        ] {
            impostors.insert(impostor, tls::Ready::new(ca, host, &handshake(certificate))?);
        }
        let stolen = trusted.identity(host, truth)?.certificate;
        let key = own.identity(host, &Certificate::SelfSigned)?.key;
        impostors.insert(Impostor::StolenCertificate, tls::Ready::with_key_of_another(stolen, &key)?);
        Ok(Self {
            host: host.to_owned(),
            ca: trusted.certificate()?.to_vec(),
            tls: tls::Ready::new(trusted, host, &handshake(truth.clone()))?,
            requiretls: true,
            impostors,
            old: Mutex::default(),
        })
    }

    /// The same with a host that does not offer REQUIRETLS. Impostors do.
    #[must_use]
    pub fn without_requiretls(self) -> Self {
        Self { requiretls: false, ..self }
    }

    /// The certificate of the trusted CA, DER.
    pub fn ca(&self) -> &[u8] {
        &self.ca
    }

    /// The true host's certificate, DER.
    pub fn certificate(&self) -> Option<Vec<u8>> {
        self.tls.certificate()
    }

    /// SHA-256 of an impostor's key (SPKI): what a forged TLSA record would hold.
    pub fn key_digest(&self, impostor: Impostor) -> Option<[u8; 32]> {
        let certificate = X509::from_der(&self.impostors.get(&impostor)?.certificate()?).ok()?;
        Some(sha::sha256(&certificate.public_key().ok()?.public_key_to_der().ok()?))
    }

    /// Serves a client that believes it is connected to the host, which is in memory behind the attacker. Ends when both
    /// are done.
    pub async fn serve<C>(&self, client: C, attack: &Attack, witness: &Witness)
    where
        C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (near, far) = tokio::io::duplex(BUFFER);
        let Self { host: name, tls, requiretls, .. } = self;
        let receiver = Receiver { name, tls, requiretls: *requiretls, role: Role::Host, witness };
        // Errors are broken connections, which is what attacks are about.
        let (_attacked, _served) =
            tokio::join!(self.between(client, near, attack, witness), receiver.serve(Box::new(far)));
    }

    /// Carries out an attack on the connection between this client and this server; ends when it does. The error is a
    /// broken connection.
    pub async fn between<C, S>(
        &self,
        client: C,
        server: S,
        attack: &Attack,
        witness: &Witness,
    ) -> std::io::Result<()>
    where
        C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        witness.book().connections += 1;
        Network::new(self, attack, witness).run(Box::new(client), Box::new(server)).await
    }

    pub(super) fn impostor<'a>(&'a self, impostor: Impostor, witness: &'a Witness) -> Option<Receiver<'a>> {
        let tls = self.impostors.get(&impostor)?;
        Some(Receiver { name: &self.host, tls, requiretls: true, role: Role::Impostor(impostor), witness })
    }

    /// What the host sent in an earlier handshake; nothing if there was none.
    pub(super) fn old(&self) -> Vec<u8> {
        self.old.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }

    pub(super) fn remember(&self, octets: Vec<u8>) {
        self.old.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(octets);
    }
}
