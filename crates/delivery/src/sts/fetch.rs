//! Fetches a policy file over HTTPS (RFC 8461 §3.3), and says what is wrong when there is none.

use std::{error::Error, io, time::Duration};

use guarantee::{Age, MAX_POLICY, StsFile, StsFileError, StsProblem};
use reqwest::{Response, StatusCode, header::CONTENT_TYPE};
use rustls_pki_types::CertificateDer;
use tokio::time::timeout;

use crate::{
    dns::Dns,
    gather::Ownership,
    https::{Https, causes, shown, words},
};

/// For everything together: address, connection, policy. An attempt waits for it (RFC 8461 §3.3 suggests a minute).
pub(crate) const TIMEOUT: Duration = Duration::from_mins(1);

/// Why there is no policy.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) problem: StsProblem,
    pub(super) detail: String,
}

/// Fetches from policy hosts.
pub(super) struct Fetcher {
    https: Https,
    port: u16,
    timeout: Duration,
}

impl Fetcher {
    /// A fetcher that trusts the well-known authorities and `roots`. An error names what is no certificate of an authority.
    pub(super) fn new(
        dns: Dns,
        own: Ownership,
        port: u16,
        roots: &[CertificateDer<'static>],
        timeout: Duration,
    ) -> Result<Self, String> {
        Ok(Self { https: Https::new(dns, own, roots)?, port, timeout })
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
        let client = self.https.client(host, self.port, age).await.map_err(unfetched)?;
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

/// An error of TLS lies within errors of streams, and is not their source.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.downcast_ref().or_else(|| within.and_then(|inner| tls_error(inner)))
}
