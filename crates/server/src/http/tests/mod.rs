//! The API as its clients see it, over a store on disk; the files are named like the paths.

mod checks;
mod demands;
mod events;
mod exceptions;
mod forwardings;
mod guarantee;
mod history;
mod mailboxes;
mod messages;
mod openapi;
mod overrides;
mod page;
mod preferences;
mod problems;
mod serving;
mod session;
mod stops;
mod webmail;

use std::sync::{LazyLock, Mutex};

use api::{PROBLEM_JSON, Problem, Session};
use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Request, StatusCode, request};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::Sqlite;
use tempfile::TempDir;
use tokio::sync::Notify;
use tower::ServiceExt;

use super::*;
use crate::local::Local;

const ALICE: &str = "alice@home.example";
const BOB: &str = "bob@home.example";

/// A server with Alice and Bob, at noon.
struct Server {
    router: Router,
    store: Arc<Sqlite>,
    events: Events,
    time: Arc<Mutex<Timestamp>>,
    shutdown: CancellationToken,
    _folder: TempDir,
}

impl Server {
    async fn start() -> Self {
        Self::with(NobodyAnswers, Scheme::Http).await
    }

    async fn with(checker: impl Checker, scheme: Scheme) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Arc::new(Sqlite::open(folder.path().join("test.db")).unwrap());
        let store = Arc::clone(&sqlite) as Arc<dyn Store>;
        let accounts = Accounts::new(Arc::clone(&store));
        for address in [ALICE, BOB] {
            store.add_account(address, demo_hash(), Timestamp::UNIX_EPOCH).await.unwrap();
        }
        let events = Events::new();
        let local = Local {
            server_name: "mail.home.example".to_owned(),
            domains: vec!["home.example".to_owned()],
            postmaster: None,
            lmtp: None,
            srs: None,
        };
        let wake = Arc::new(Notify::new());
        let acceptance = Acceptance::new(Arc::clone(&store), events.clone(), wake, Arc::new(local));
        let time = Arc::new(Mutex::new("2026-11-24T12:00:00Z".parse::<Timestamp>().unwrap()));
        let hands = Arc::clone(&time);
        let shutdown = CancellationToken::new();
        let clock = Clock::new(move || *hands.lock().unwrap());
        let pauses = Pauses::new(Arc::clone(&store), events.clone(), clock.clone());
        let state = HttpState {
            store,
            accounts,
            acceptance,
            events: events.clone(),
            checker: Arc::new(checker),
            pauses,
            webmail: Arc::new(WebmailKeys::new(&webmail::keys())),
            server_name: "mail.home.example".to_owned(),
            clock,
            scheme,
            shutdown: shutdown.clone(),
        };
        Self { router: router(state), store: sqlite, events, time, shutdown, _folder: folder }
    }

    fn now(&self) -> Timestamp {
        *self.time.lock().unwrap()
    }

    fn pass(&self, time: SignedDuration) {
        *self.time.lock().unwrap() += time;
    }

    /// A request to a path below `/api/v1`.
    fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        self.ask_at(method, &format!("{}{path}", api::BASE))
    }

    fn ask_at(&self, method: &str, path: &str) -> Ask<'_> {
        let request = Request::builder().method(method).uri(path);
        Ask { server: self, request, body: Body::empty() }
    }

    async fn log_in(&self, address: &str) -> String {
        let credentials = json!({ "address": address, "password": "demo" });
        self.ask("POST", "/session").json(&credentials).send().await.ok::<Session>().token
    }
}

struct Ask<'a> {
    server: &'a Server,
    request: request::Builder,
    body: Body,
}

impl Ask<'_> {
    fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    fn by(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    fn by_cookie(self, token: &str) -> Self {
        self.header("cookie", &format!("other=1; tls_guarantee_session={token}"))
    }

    fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    fn body(mut self, content_type: &str, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.header(CONTENT_TYPE.as_str(), content_type)
    }

    /// Sends it; the answer's body is not read yet.
    async fn begin(self) -> Response {
        let request = self.request.body(self.body).unwrap();
        self.server.router.clone().oneshot(request).await.unwrap()
    }

    async fn send(self) -> Answer {
        let (parts, body) = self.begin().await.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

type Response = axum::response::Response;

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON of a success.
    #[track_caller]
    fn ok<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{} {:?}", self.status, self.body);
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(self.header("cache-control"), "no-store");
        serde_json::from_slice(&self.body).unwrap()
    }

    #[track_caller]
    fn done(&self) {
        assert_eq!(self.status, StatusCode::NO_CONTENT, "{:?}", self.body);
    }

    /// The problem of a failure, which is complete.
    #[track_caller]
    fn problem(&self, status: u16) -> Problem {
        assert_eq!(self.status.as_u16(), status, "{:?}", self.body);
        assert_eq!(self.header("content-type"), PROBLEM_JSON);
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, status);
        let by_token = [api::PROBLEM_CLOCK, api::PROBLEM_TOKEN_EXPIRED].contains(&problem.kind.as_str());
        assert!(by_token || problem.kind.starts_with("about:blank#"), "{problem:?}");
        assert!(problem.detail.as_ref().is_some_and(|detail| detail.ends_with('.')), "{problem:?}");
        problem
    }

    /// The field that a 422 names.
    #[track_caller]
    fn wrong_field(&self) -> String {
        self.problem(422).field.unwrap_or_default()
    }
}

/// The hash of the password `demo`, made once with little work.
fn demo_hash() -> &'static str {
    static HASH: LazyLock<String> = LazyLock::new(|| {
        let params = argon2::Params::new(8, 1, 1, None).unwrap();
        let argon2 = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let hash: PasswordHash = argon2.hash_password(b"demo").unwrap();
        hash.to_string()
    });
    &HASH
}

struct NobodyAnswers;

#[async_trait]
impl Checker for NobodyAnswers {
    async fn admit(&self, _account: &str, _recipients: &[String]) -> Result<(), std::time::Duration> {
        Ok(())
    }

    async fn way(&self, _account: &str, address: &str) -> Option<Protection> {
        (!address.ends_with("@slow.example")).then_some(Protection::Encrypted)
    }

    async fn check(&self, _account: &str, _recipients: Vec<String>) -> Vec<Check> {
        Vec::new()
    }
}
