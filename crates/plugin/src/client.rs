//! The HTTP API, asked from the browser.

mod error;
mod events;
mod sse;

use std::rc::Rc;

use api::{
    CSRF_HEADER, CheckRequest, CheckResponse, Guarantee, GuaranteeState, OverrideRecorded, OverrideRequest,
    PROBLEM_JSON, Problem, Stop,
};
use gloo_net::http::{Method, RequestBuilder, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use web_sys::RequestCredentials;

use crate::bridge::{Authorization, Host};

pub use error::ClientError;
pub(crate) use events::{Following, News, follow};

/// Asks the API in the name of the account that is logged in; cheap to clone.
#[derive(Clone)]
pub struct Client {
    host: Rc<dyn Host>,
}

impl Client {
    /// A client that authenticates as `host` says.
    pub fn new(host: Rc<dyn Host>) -> Self {
        Self { host }
    }

    /// `GET /guarantee`.
    ///
    /// # Errors
    /// As [`ClientError`] says; the same holds for all calls here.
    pub async fn guarantee(&self) -> Result<Guarantee, ClientError> {
        self.get("/guarantee").await
    }

    /// `PUT /guarantee`; `until` is for a pause. Answers what holds from now on.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn set_guarantee(
        &self,
        state: GuaranteeState,
        until: Option<Timestamp>,
    ) -> Result<Guarantee, ClientError> {
        self.send(Method::PUT, "/guarantee", &Guarantee { state, until, was_on: false }).await
    }

    /// `GET /stops`: those recorded for this user, newest first.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn stops(&self) -> Result<Vec<Stop>, ClientError> {
        self.get("/stops").await
    }

    /// `POST /overrides`.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn record_override(&self, asked: &OverrideRequest) -> Result<OverrideRecorded, ClientError> {
        self.send(Method::POST, "/overrides", asked).await
    }

    /// `POST /checks`.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn check(&self, recipients: Vec<String>) -> Result<CheckResponse, ClientError> {
        self.send(Method::POST, "/checks", &CheckRequest { recipients }).await
    }

    /// `GET` of any path below the API's base, as JSON.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        read(self.request(Method::GET, path).await?.send().await).await
    }

    /// `GET` of any path below the API's base, as bytes.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn get_bytes(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let response = accepted(self.request(Method::GET, path).await?.send().await).await?;
        response.binary().await.map_err(|_| ClientError::Away)
    }

    /// A request with a JSON body and a JSON answer.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn send<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<T, ClientError> {
        let request = self.request(method, path).await?.json(body).map_err(|_| ClientError::Unreadable)?;
        read(request.send().await).await
    }

    /// A request with a body of any media type and a JSON answer: `POST /messages` with `message/rfc822`.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn send_bytes<T: DeserializeOwned>(
        &self,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<T, ClientError> {
        let request = self
            .request(Method::POST, path)
            .await?
            .header("content-type", content_type)
            .body(js_sys::Uint8Array::from(body))
            .map_err(|_| ClientError::Unreadable)?;
        read(request.send().await).await
    }

    /// A request without body whose answer does not matter: `DELETE /session`.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn call(&self, method: Method, path: &str) -> Result<(), ClientError> {
        accepted(self.request(method, path).await?.send().await).await.map(drop)
    }

    async fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, ClientError> {
        let request = RequestBuilder::new(&format!("{}{path}", self.host.api_base())).method(method);
        Ok(match self.host.authorization().await? {
            Authorization::Cookie => {
                request.credentials(RequestCredentials::SameOrigin).header(CSRF_HEADER, "1")
            }
            Authorization::Bearer(token) => request
                .credentials(RequestCredentials::Omit)
                .header("authorization", &format!("Bearer {token}")),
        })
    }
}

async fn read<T: DeserializeOwned>(answer: Result<Response, gloo_net::Error>) -> Result<T, ClientError> {
    let text = accepted(answer).await?.text().await.map_err(|_| ClientError::Away)?;
    serde_json::from_str(&text).map_err(|_| ClientError::Unreadable)
}

/// The response if it says that the request was accepted, or what it says instead.
async fn accepted(answer: Result<Response, gloo_net::Error>) -> Result<Response, ClientError> {
    let response = answer.map_err(|_| ClientError::Away)?;
    if response.ok() {
        return Ok(response);
    }
    let is_problem =
        response.headers().get("content-type").is_some_and(|value| value.starts_with(PROBLEM_JSON));
    let problem: Option<Problem> = match response.text().await {
        Ok(text) if is_problem => serde_json::from_str(&text).ok(),
        _ => None,
    };
    Err(ClientError::of(response.status(), problem))
}
