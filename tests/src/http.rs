//! HTTP as any client speaks it.

use std::net::SocketAddr;

use reqwest::Method;
use reqwest::blocking::Client;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::PATIENCE;

/// A client of one server, with or without a token.
#[derive(Clone)]
pub struct Http {
    server: SocketAddr,
    client: Client,
    token: Option<String>,
}

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body, not decoded.
    pub body: Vec<u8>,
    /// Method and path, for messages.
    asked: String,
}

impl Http {
    /// A client without a token.
    ///
    /// # Panics
    /// When the client's library cannot be set up.
    pub fn new(server: SocketAddr) -> Self {
        let client = Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        // Each call has a connection of its own, whatever the one before did to its.
        let client = client.pool_max_idle_per_host(0).build();
        Self { server, client: client.expect("an HTTP client"), token: None }
    }

    /// The same client with a token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The full address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server)
    }

    /// The token, if there is one.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// One request; `content_type` goes with a body.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub fn call(&self, method: &str, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        let body = body.into();
        self.send(method, path, |mut request| {
            if !content_type.is_empty() {
                request = request.header("Content-Type", content_type);
            }
            request.body(body)
        })
    }

    /// One request, finished by `finish`.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        finish: impl FnOnce(reqwest::blocking::RequestBuilder) -> reqwest::blocking::RequestBuilder,
    ) -> Answer {
        let asked = format!("{method} {path}");
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.client.request(method, self.url(path));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = finish(request).send().unwrap_or_else(|error| panic!("{asked}: {error}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().unwrap_or_else(|error| panic!("{asked}: {error}")).to_vec();
        Answer { status, headers, body, asked }
    }

    /// GET.
    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "", "")
    }

    /// POST of JSON.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, "application/json", body.to_string())
    }

    /// PUT of JSON.
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, "application/json", body.to_string())
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, "", "")
    }
}

impl Answer {
    /// This answer, if it is a success.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!((200..300).contains(&self.status), "{}: {} {}", self.asked, self.status, self.text());
        self
    }

    /// The problem that this answer describes as RFC 9457 says, with its status.
    ///
    /// # Panics
    /// When it is none, or of another status.
    pub fn problem(&self, status: u16) -> Value {
        let problem = self.any_problem();
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        problem
    }

    /// The problem that this answer describes, of whatever status of 400 and more.
    ///
    /// # Panics
    /// When it is none.
    pub fn any_problem(&self) -> Value {
        assert!(self.status >= 400, "{}: no problem but {} {}", self.asked, self.status, self.text());
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}: {}",
            self.asked,
            self.text()
        );
        let problem: Value = self.parse();
        assert_eq!(problem["status"], self.status, "{}: {problem}", self.asked);
        assert!(
            problem["title"].as_str().is_some_and(|title| !title.is_empty()),
            "{}: {problem}",
            self.asked
        );
        problem
    }

    /// A header field's value, empty without one.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, parsed from JSON.
    ///
    /// # Panics
    /// When it is not what it should be.
    pub fn parse<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.asked, self.text()))
    }
}
