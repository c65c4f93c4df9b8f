//! The HTTP API, asked from the browser.

mod error;
mod events;
mod sse;

use std::rc::Rc;

use api::{
    CSRF_HEADER, CheckRequest, CheckResponse, DemandRequest, Exception, Forwarding, Guarantee, HostMemory,
    MessageStatus, NewException, NewForwarding, OverrideRecorded, OverrideRequest, PROBLEM_JSON,
    PastOverride, Preferences, Problem, Replacement, Stop, Week,
};
use gloo_net::http::{Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use web_sys::{AbortSignal, RequestCredentials};

use crate::bridge::{Answer, Authorization, Host, Purpose};

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

    /// `PUT /guarantee`; without a level it stays as it is. Answers what holds from now on.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn set_guarantee(&self, wanted: &Guarantee) -> Result<Guarantee, ClientError> {
        self.send(Method::PUT, "/guarantee", wanted).await
    }

    /// `GET /stops`: those recorded for this user, newest first.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn stops(&self) -> Result<Vec<Stop>, ClientError> {
        self.get("/stops").await
    }

    /// `GET /messages?message_id=`: what became of the user's messages with this Message-ID, the last one first.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn messages_with(&self, message_id: &str) -> Result<Vec<MessageStatus>, ClientError> {
        let id = String::from(js_sys::encode_uri_component(message_id));
        self.get(&format!("/messages?message_id={id}")).await
    }

    /// `POST /stops/{id}/replacements`: the message with this Message-ID is sent in the stead of the stopped one.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn announce_replacement(&self, stop: &str, message_id: &str) -> Result<(), ClientError> {
        let id = String::from(js_sys::encode_uri_component(stop));
        let body = serde_json::to_vec(&Replacement { message_id: message_id.to_owned() });
        let body = body.map_err(|_| ClientError::Unreadable)?;
        let path = format!("/stops/{id}/replacements");
        let body = Some(("application/json".to_owned(), body));
        self.fetch(Asked { method: Method::POST, path, body }).await.map(drop)
    }

    /// `POST /overrides`.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn record_override(&self, asked: &OverrideRequest) -> Result<OverrideRecorded, ClientError> {
        self.send(Method::POST, "/overrides", asked).await
    }

    /// `POST /demands`: the message with this Message-ID may go only to servers that prove who they are.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn record_demand(&self, message_id: &str) -> Result<(), ClientError> {
        let body = serde_json::to_vec(&DemandRequest { message_id: message_id.to_owned() });
        let body = Some(("application/json".to_owned(), body.map_err(|_| ClientError::Unreadable)?));
        self.fetch(Asked { method: Method::POST, path: "/demands".to_owned(), body }).await.map(drop)
    }

    /// `POST /checks`.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn check(&self, recipients: Vec<String>) -> Result<CheckResponse, ClientError> {
        self.send(Method::POST, "/checks", &CheckRequest { recipients }).await
    }

    /// `GET /exceptions`, newest first.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn exceptions(&self) -> Result<Vec<Exception>, ClientError> {
        self.get("/exceptions").await
    }

    /// `POST /exceptions`.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn add_exception(&self, new: &NewException) -> Result<(), ClientError> {
        self.tell(Method::POST, "/exceptions", serde_json::to_vec(new)).await
    }

    /// `DELETE /exceptions/{id}`.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn revoke_exception(&self, id: i64) -> Result<(), ClientError> {
        self.call(Method::DELETE, &format!("/exceptions/{id}")).await
    }

    /// `GET /preferences`.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn preferences(&self) -> Result<Preferences, ClientError> {
        self.get("/preferences").await
    }

    /// `PUT /preferences`. Answers what holds from now on.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn set_preferences(&self, wanted: Preferences) -> Result<Preferences, ClientError> {
        self.send(Method::PUT, "/preferences", &wanted).await
    }

    /// `GET /forwardings`, newest first.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn forwardings(&self) -> Result<Vec<Forwarding>, ClientError> {
        self.get("/forwardings").await
    }

    /// `POST /forwardings`: the user wants a mail when the way there loses its protection.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn watch_forwarding(&self, new: &NewForwarding) -> Result<(), ClientError> {
        self.tell(Method::POST, "/forwardings", serde_json::to_vec(new)).await
    }

    /// `DELETE /forwardings/{id}`.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn forget_forwarding(&self, id: i64) -> Result<(), ClientError> {
        self.call(Method::DELETE, &format!("/forwardings/{id}")).await
    }

    /// `GET /overrides`, newest first.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn overrides(&self) -> Result<Vec<PastOverride>, ClientError> {
        self.get("/overrides").await
    }

    /// `GET /memory`.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn memory(&self) -> Result<Vec<HostMemory>, ClientError> {
        self.get("/memory").await
    }

    /// `GET /weeks`, newest first.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn weeks(&self) -> Result<Vec<Week>, ClientError> {
        self.get("/weeks").await
    }

    /// `GET` of any path below the API's base, as JSON.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        read(&self.fetch(Asked::get(path)).await?)
    }

    /// `GET` of any path below the API's base, as bytes.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn get_bytes(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        self.fetch(Asked::get(path)).await
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
        let body = serde_json::to_vec(body).map_err(|_| ClientError::Unreadable)?;
        let body = Some(("application/json".to_owned(), body));
        read(&self.fetch(Asked { method, path: path.to_owned(), body }).await?)
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
        let body = Some((content_type.to_owned(), body.to_owned()));
        read(&self.fetch(Asked { method: Method::POST, path: path.to_owned(), body }).await?)
    }

    /// A request without body whose answer does not matter: `DELETE /session`.
    ///
    /// # Errors
    /// See [`Client::guarantee`].
    pub async fn call(&self, method: Method, path: &str) -> Result<(), ClientError> {
        self.fetch(Asked { method, path: path.to_owned(), body: None }).await.map(drop)
    }

    /// A request with a JSON body whose answer does not matter.
    async fn tell(
        &self,
        method: Method,
        path: &str,
        body: serde_json::Result<Vec<u8>>,
    ) -> Result<(), ClientError> {
        let body = body.map_err(|_| ClientError::Unreadable)?;
        let body = Some(("application/json".to_owned(), body));
        self.fetch(Asked { method, path: path.to_owned(), body }).await.map(drop)
    }

    /// The answer's content. One future for all calls, and boxed: it would be copied into each of them otherwise.
    fn fetch(&self, asked: Asked) -> Answer<Vec<u8>> {
        let client = self.clone();
        Box::pin(async move {
            let response = client.connect(asked, None).await?;
            response.binary().await.map_err(|_| ClientError::Away)
        })
    }

    /// The response, if it says that the request was accepted.
    fn connect(&self, asked: Asked, signal: Option<AbortSignal>) -> Answer<Response> {
        let host = Rc::clone(&self.host);
        Box::pin(async move {
            let url = format!("{}{}", host.api_base(), asked.path);
            let purpose = if asked.method == Method::GET { Purpose::Look } else { Purpose::Change };
            let mut tries = 2;
            loop {
                tries -= 1;
                let authorization = host.authorization(purpose).await?;
                let response = asked.send(&url, &authorization, signal.as_ref()).await?;
                if response.status() == 401 && host.refused(&authorization) && tries > 0 {
                    continue;
                }
                return accepted(response).await;
            }
        })
    }
}

/// What to ask the API.
struct Asked {
    method: Method,
    /// Below the API's base.
    path: String,
    /// Media type and content.
    body: Option<(String, Vec<u8>)>,
}

impl Asked {
    fn get(path: &str) -> Self {
        Self { method: Method::GET, path: path.to_owned(), body: None }
    }

    async fn send(
        &self,
        url: &str,
        authorization: &Authorization,
        signal: Option<&AbortSignal>,
    ) -> Result<Response, ClientError> {
        let request = RequestBuilder::new(url).method(self.method.clone()).abort_signal(signal);
        let request = match authorization {
            Authorization::Cookie => {
                request.credentials(RequestCredentials::SameOrigin).header(CSRF_HEADER, "1")
            }
            Authorization::Bearer(token) => request
                .credentials(RequestCredentials::Omit)
                .header("authorization", &format!("Bearer {token}")),
        };
        let request = match &self.body {
            None => request.build(),
            Some((content_type, body)) => {
                request.header("content-type", content_type).body(js_sys::Uint8Array::from(body.as_slice()))
            }
        };
        request.map_err(|_| ClientError::Unreadable)?.send().await.map_err(|_| ClientError::Away)
    }
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(json).map_err(|_| ClientError::Unreadable)
}

/// The response if it says that the request was accepted, or what it says instead.
async fn accepted(response: Response) -> Result<Response, ClientError> {
    if response.ok() {
        return Ok(response);
    }
    let is_problem =
        response.headers().get("content-type").is_some_and(|value| value.starts_with(PROBLEM_JSON));
    let problem: Option<Problem> = match response.binary().await {
        Ok(json) if is_problem => read(&json).ok(),
        _ => None,
    };
    Err(ClientError::of(response.status(), problem))
}
