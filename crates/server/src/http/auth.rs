//! Who is asking: a bearer token, or the same token in the page's cookie with a CSRF check.

use api::CSRF_HEADER;
use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rand::RngCore;
use sha2::{Digest, Sha256};

use super::{App, Failure, webmail};

/// The cookie's name.
pub(super) const COOKIE_NAME: &str = "tls_guarantee_session";

/// Octets of a token before base64url.
const TOKEN_OCTETS: usize = 32;

/// A token, as its owner has it.
pub(super) struct Token(String);

impl Token {
    /// A new one, 256 random bits.
    pub(super) fn new() -> Self {
        let mut octets = [0; TOKEN_OCTETS];
        rand::rng().fill_bytes(&mut octets);
        Self(URL_SAFE_NO_PAD.encode(octets))
    }

    /// The text for its owner.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// What the store knows it by. No salt and no slow hash: a random token can't be guessed.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

/// A logged-in account.
pub(super) struct LoggedIn {
    pub(super) account: String,
    pub(super) by: By,
    pub(super) expires_at: Timestamp,
}

/// By what an account is logged in.
pub(super) enum By {
    /// A session, by the hash of its token.
    Session([u8; 32]),
    /// The webmail, which has checked who it is.
    Webmail,
}

impl FromRequestParts<App> for LoggedIn {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let token = match bearer(&parts.headers)? {
            Some(token) if webmail::is_jwt(token.reveal()) => return from_webmail(&token, app).await,
            Some(token) => token,
            None => {
                let token = cookie(&parts.headers).ok_or_else(|| {
                    Failure::unauthenticated("Log in with POST /api/v1/session and send the token it gives.")
                })?;
                not_from_another_site(&parts.method, &parts.headers)?;
                token
            }
        };
        let token_hash = token.hash();
        let session = app.store.session(&token_hash, app.clock.now()).await?;
        let session = session.ok_or_else(|| {
            Failure::unauthenticated("The session has ended, or the token is wrong. Log in again.")
        })?;
        Ok(Self { account: session.account, by: By::Session(token_hash), expires_at: session.expires_at })
    }
}

/// The account that the webmail's token speaks for; it is made when it is here for the first time.
async fn from_webmail(token: &Token, app: &App) -> Result<LoggedIn, Failure> {
    let now = app.clock.now();
    let bearer = webmail::check(token.reveal(), &app.webmail, app.acceptance.local(), now)?;
    let account = app.store.ensure_account(&bearer.address, now).await?;
    Ok(LoggedIn { account, by: By::Webmail, expires_at: bearer.until })
}

/// `Authorization: Bearer TOKEN` (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Result<Option<Token>, Failure> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let credentials = value.to_str().ok().and_then(|value| value.trim().split_once(' '));
    match credentials {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => {
            Ok(Some(Token(token.trim().to_owned())))
        }
        _ => Err(Failure::unauthenticated("The header must read Authorization: Bearer TOKEN.")),
    }
}

/// The first cookie of our name (RFC 6265 §5.4).
fn cookie(headers: &HeaderMap) -> Option<Token> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    pairs
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE_NAME).then(|| Token(value.to_owned())))
}

/// A cookie comes along with whatever a page makes the browser send; another site's page can't set this header.
fn not_from_another_site(method: &Method, headers: &HeaderMap) -> Result<(), Failure> {
    let changes_nothing = *method == Method::GET || *method == Method::HEAD;
    if changes_nothing || headers.contains_key(CSRF_HEADER) {
        Ok(())
    } else {
        Err(Failure::forbidden(format!("With the cookie, the header {CSRF_HEADER} must be sent too.")))
    }
}
