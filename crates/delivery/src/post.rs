//! Reports by HTTPS (RFC 8460 §5.4). Whoever publishes the record chooses host and port: it leads nowhere where mail may not go.

use std::{net::SocketAddr, time::Duration};

use guarantee::{Addresses, Age};
use reqwest::{Client, Url, header::CONTENT_TYPE, redirect};

use crate::{Courier, dns::Answer, gather::usable, sts::client_config};

/// For everything together: address, connection, report, answer.
const TIMEOUT: Duration = Duration::from_secs(30);

impl Courier {
    /// Posts a report to an `https` URL. The error says why it was not taken.
    pub async fn post(&self, url: &str, media_type: &str, body: &[u8]) -> Result<(), String> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        let host = match (url.scheme(), url.domain()) {
            ("https", Some(host)) => host.to_owned(),
            _ => return Err("it is no https URL of a host with a name".to_owned()),
        };
        let posted = tokio::time::timeout(TIMEOUT, self.post_to(&host, url, media_type, body)).await;
        posted.unwrap_or_else(|_elapsed| Err(format!("not taken within {} seconds", TIMEOUT.as_secs())))
    }

    async fn post_to(&self, host: &str, url: Url, media_type: &str, body: &[u8]) -> Result<(), String> {
        let port = url.port_or_known_default().unwrap_or(443);
        let (dns, settings) = self.web();
        let found = match dns.addresses(host, Age::Cached).await {
            Answer::Found(found) => found.records.iter().map(std::net::IpAddr::to_canonical).collect(),
            Answer::NoData(_) | Answer::NxDomain(_) => return Err(format!("{host} has no address")),
            Answer::Failed(failure) => return Err(format!("the address of {host}: {failure}")),
        };
        let Addresses::Found(addresses) = usable(&settings.own, found) else {
            return Err(format!("{host} has only private or reserved addresses, which are not connected to"));
        };
        let addresses: Vec<SocketAddr> =
            addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect();
        let client = Client::builder()
            .tls_backend_preconfigured(client_config(&settings.roots)?)
            .https_only(true)
            .http1_only()
            .resolve_to_addrs(host, &addresses)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        let request = client.post(url).header(CONTENT_TYPE, media_type).body(body.to_vec());
        let response = request.send().await.map_err(|error| error.to_string())?;
        // RFC 8460 §5.4: a successful HTTP status.
        if response.status().is_success() {
            Ok(())
        } else {
            Err(format!("{host} answered with HTTP status {}", response.status().as_u16()))
        }
    }
}
