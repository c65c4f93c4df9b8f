//! HTTPS to hosts that others name, policy hosts and receivers of reports: it leads nowhere where mail may not go.

use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};

use guarantee::{Addresses, Age};
use reqwest::{Client, redirect};
use rustls::{ClientConfig, RootCertStore, client::Resumption, crypto::aws_lc_rs};
use rustls_pki_types::CertificateDer;

use crate::{
    dns::{Answer, Dns},
    gather::{Ownership, usable},
};

/// For one address of several to be connected.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Characters of a remote text that are repeated.
const REPEATED: usize = 200;

/// Makes clients of single hosts.
pub(crate) struct Https {
    dns: Dns,
    own: Ownership,
    tls: ClientConfig,
}

impl Https {
    /// Clients that trust the well-known authorities and `roots`. An error names what is no certificate of an authority.
    pub(crate) fn new(dns: Dns, own: Ownership, roots: &[CertificateDer<'static>]) -> Result<Self, String> {
        Ok(Self { dns, own, tls: client_config(roots)? })
    }

    /// A client of this host and no other; `age` is that of its address. The error says why there is none. One is made for
    /// each request, with nothing left over from the one before: no connection, no cache.
    pub(crate) async fn client(&self, host: &str, port: u16, age: Age) -> Result<Client, String> {
        let addresses = self.addresses(host, port, age).await?;
        Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .https_only(true)
            .http1_only()
            .resolve_to_addrs(host, &addresses)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| words(&error))
    }

    /// Those that mail may go to, too: nobody must make us speak to somebody's private network.
    async fn addresses(&self, host: &str, port: u16, age: Age) -> Result<Vec<SocketAddr>, String> {
        let found = match self.dns.addresses(host, age).await {
            Answer::Found(found) => found.records.iter().map(std::net::IpAddr::to_canonical).collect(),
            Answer::NoData(_) | Answer::NxDomain(_) => return Err("it has no address".to_owned()),
            Answer::Failed(failure) => return Err(format!("its address: {failure}")),
        };
        match usable(&self.own, found) {
            Addresses::Found(addresses) => {
                Ok(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect())
            }
            Addresses::Forbidden | Addresses::NoAddress | Addresses::Failed(_) => {
                Err("it has only private or reserved addresses, which are not connected to".to_owned())
            }
        }
    }
}

/// TLS 1.2 and 1.3 (RFC 8461 §7.2), the host's name asked for in SNI and looked for among DNS-IDs (§3.3).
fn client_config(roots: &[CertificateDer<'static>]) -> Result<ClientConfig, String> {
    let mut store = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for root in roots {
        store
            .add(root.clone())
            .map_err(|error| format!("a certificate among the trusted authorities can't be used: {error}"))?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| error.to_string())?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// An error and what caused it, outermost first.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// The innermost cause: those around it say only that a request failed.
pub(crate) fn words(error: &reqwest::Error) -> String {
    let cause = causes(error).last().map(ToString::to_string).unwrap_or_default();
    shown(cause.split(" (os error").next().unwrap_or(&cause))
}

/// A text from elsewhere, fit for a log.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(REPEATED).collect()
}
