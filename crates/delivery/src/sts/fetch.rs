//! Fetches a policy file over HTTPS (RFC 8461 §3.3), and says what is wrong when there is none.

use std::{error::Error, io, net::SocketAddr, sync::Arc, time::Duration};

use guarantee::{Addresses, Age, MAX_POLICY, StsFile, StsFileError, StsProblem};
use reqwest::{Client, Response, StatusCode, header::CONTENT_TYPE, redirect};
use rustls::{ClientConfig, RootCertStore, client::Resumption, crypto::aws_lc_rs};
use rustls_pki_types::CertificateDer;
use tokio::time::timeout;

use crate::{
    dns::{Answer, Dns},
    gather::{Ownership, usable},
};

/// For everything together: address, connection, policy. An attempt waits for it (RFC 8461 §3.3 suggests a minute).
pub(crate) const TIMEOUT: Duration = Duration::from_mins(1);

/// For one address of several to be connected.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Characters of a remote text that are repeated.
const REPEATED: usize = 200;

/// Why there is no policy.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) problem: StsProblem,
    pub(super) detail: String,
}

/// An HTTPS client for policy hosts and nothing else.
pub(super) struct Fetcher {
    dns: Dns,
    own: Ownership,
    port: u16,
    tls: ClientConfig,
    timeout: Duration,
}

impl Fetcher {
    /// One that trusts the well-known authorities and `roots`. An error names what is no certificate of an authority.
    pub(super) fn new(
        dns: Dns,
        own: Ownership,
        port: u16,
        roots: &[CertificateDer<'static>],
        timeout: Duration,
    ) -> Result<Self, String> {
        Ok(Self { dns, own, port, tls: client_config(roots)?, timeout })
    }

    /// The domain's policy file, as its policy host has it now; `age` is that of the host's address.
    pub(super) async fn fetch(&self, domain: &str, age: Age) -> Result<StsFile, Failure> {
        let host = format!("mta-sts.{domain}");
        let fetched = timeout(self.timeout, self.get(&host, age)).await.unwrap_or_else(|_elapsed| {
            Err(unfetched(format!("it gave no policy within {} seconds", self.timeout.as_secs())))
        });
        fetched.map_err(|failure| Failure { detail: format!("{host}: {}", failure.detail), ..failure })
    }

    async fn get(&self, host: &str, age: Age) -> Result<StsFile, Failure> {
        let addresses = self.addresses(host, age).await?;
        let client = self.client(host, &addresses).map_err(|error| unfetched(words(&error)))?;
        let url = format!("https://{host}:{}/.well-known/mta-sts.txt", self.port);
        let response = client.get(url).send().await.map_err(|error| failure(&error))?;
        // RFC 8461 §3.3: only 200 (OK).
        if response.status() != StatusCode::OK {
            return Err(unfetched(format!(
                "it answered with HTTP status {}, not 200",
                response.status().as_u16()
            )));
        }
        check_media_type(&response)?;
        StsFile::parse(&body(response).await?).map_err(|error| invalid(&error))
    }

    /// Those that mail may go to, too: a domain must not make us speak to somebody's private network.
    async fn addresses(&self, host: &str, age: Age) -> Result<Vec<SocketAddr>, Failure> {
        let found = match self.dns.addresses(host, age).await {
            Answer::Found(found) => found.records.iter().map(std::net::IpAddr::to_canonical).collect(),
            Answer::NoData(_) | Answer::NxDomain(_) => return Err(unfetched("it has no address")),
            Answer::Failed(failure) => return Err(unfetched(format!("its address: {failure}"))),
        };
        match usable(&self.own, found) {
            Addresses::Found(addresses) => {
                Ok(addresses.into_iter().map(|address| SocketAddr::new(address, self.port)).collect())
            }
            Addresses::Forbidden | Addresses::NoAddress | Addresses::Failed(_) => {
                Err(unfetched("it has only private or reserved addresses, which are not connected to"))
            }
        }
    }

    /// A client is made for each fetch, with nothing left over from the one before: no connection, no cache.
    fn client(&self, host: &str, addresses: &[SocketAddr]) -> reqwest::Result<Client> {
        Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .https_only(true)
            .http1_only()
            .resolve_to_addrs(host, addresses)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
    }
}

/// TLS 1.2 and 1.3 (RFC 8461 §7.2), the policy host's name asked for in SNI and looked for among DNS-IDs (§3.3).
pub(crate) fn client_config(roots: &[CertificateDer<'static>]) -> Result<ClientConfig, String> {
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

/// RFC 8461 §3.2: `text/plain`, whatever the parameters. Where users may place pages and pictures, a page is no policy.
fn check_media_type(response: &Response) -> Result<(), Failure> {
    let given = response.headers().get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let given = given.as_deref().unwrap_or_default();
    let media_type = given.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("text/plain") {
        return Ok(());
    }
    let told =
        if given.is_empty() { "without a media type".to_owned() } else { format!("as {}", shown(given)) };
    Err(Failure {
        problem: StsProblem::Invalid,
        detail: format!("it sends the policy {told}, not as text/plain"),
    })
}

async fn body(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| failure(&error))? {
        if body.len() + part.len() > MAX_POLICY {
            return Err(invalid(&StsFileError::TooLarge));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

fn unfetched(detail: impl Into<String>) -> Failure {
    Failure { problem: StsProblem::FetchError, detail: detail.into() }
}

fn invalid(error: &StsFileError) -> Failure {
    Failure { problem: StsProblem::Invalid, detail: error.to_string() }
}

fn failure(error: &reqwest::Error) -> Failure {
    match causes(error).find_map(tls_error) {
        Some(rustls::Error::InvalidCertificate(fault)) => {
            let detail = format!("its certificate is not trusted: {}", shown(&fault.to_string()));
            Failure { problem: StsProblem::WebPki, detail }
        }
        Some(rustls::Error::NoCertificatesPresented) => {
            Failure { problem: StsProblem::WebPki, detail: "it presents no certificate".to_owned() }
        }
        Some(_) | None => unfetched(words(error)),
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// An error of TLS lies within errors of streams, and is not their source.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.downcast_ref().or_else(|| within.and_then(|inner| tls_error(inner)))
}

/// The innermost cause: those around it say only that a request failed.
fn words(error: &reqwest::Error) -> String {
    let cause = causes(error).last().map(ToString::to_string).unwrap_or_default();
    shown(cause.split(" (os error").next().unwrap_or(&cause))
}

/// A text from elsewhere, fit for a log.
fn shown(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(REPEATED).collect()
}
