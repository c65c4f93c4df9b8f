//! Reports by HTTPS (RFC 8460 §5.4). Whoever publishes the record chooses host and port.

use std::time::Duration;

use guarantee::Age;
use reqwest::{Url, header::CONTENT_TYPE};

use crate::{Courier, https::words};

/// For everything together: address, connection, report, answer.
const TIMEOUT: Duration = Duration::from_secs(30);

impl Courier {
    /// Posts a report to an `https` URL. The error says why it was not taken.
    pub async fn post(&self, url: &str, media_type: &str, body: &[u8]) -> Result<(), String> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        let ("https", Some(host)) = (url.scheme(), url.domain().map(str::to_owned)) else {
            return Err("it is no https URL of a host with a name".to_owned());
        };
        let posted = tokio::time::timeout(TIMEOUT, self.post_to(&host, url, media_type, body)).await;
        let posted =
            posted.unwrap_or_else(|_elapsed| Err(format!("not within {} seconds", TIMEOUT.as_secs())));
        posted.map_err(|error| format!("{host}: {error}"))
    }

    async fn post_to(&self, host: &str, url: Url, media_type: &str, body: &[u8]) -> Result<(), String> {
        let port = url.port_or_known_default().unwrap_or(443);
        let client = self.https().client(host, port, Age::Cached).await?;
        let request = client.post(url).header(CONTENT_TYPE, media_type).body(body.to_vec());
        let status = request.send().await.map_err(|error| words(&error))?.status();
        // RFC 8460 §5.4: a successful HTTP status.
        if status.is_success() {
            Ok(())
        } else {
            Err(format!("it answered with HTTP status {}", status.as_u16()))
        }
    }
}
