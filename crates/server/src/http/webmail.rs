//! Tokens of the webmail's plugin: JWTs (RFC 7519) signed with a secret that both know, for minutes.

use std::fmt;

use api::{PROBLEM_CLOCK, PROBLEM_TOKEN_EXPIRED};
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use smtp::address::Mailbox;
use store::NextHop;

use super::Failure;
use crate::config::WebmailKey;
use crate::local::Local;

/// Octets of a token; honest ones have some 300.
const TOKEN_OCTETS: usize = 2048;
/// The longest life of a token.
const LIFE: SignedDuration = SignedDuration::from_secs(600);
/// How far the two clocks may differ.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// The keys that the webmail's plugin may sign with, by their id.
pub struct WebmailKeys(Vec<(String, DecodingKey)>);

impl WebmailKeys {
    /// These keys; without one, no token is taken.
    pub fn new(keys: &[WebmailKey]) -> Self {
        Self(keys.iter().map(|key| (key.id.clone(), DecodingKey::from_secret(&key.secret))).collect())
    }

    fn get(&self, id: &str) -> Option<&DecodingKey> {
        self.0.iter().find_map(|(known, key)| (known == id).then_some(key))
    }
}

impl fmt::Debug for WebmailKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(id, _)| id)).finish()
    }
}

/// Whom a token speaks for, and until when it is taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bearer {
    pub(super) address: String,
    pub(super) until: Timestamp,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: String,
    iat: i64,
    exp: i64,
}

/// Whether a bearer token is one of the plugin's: no token of a session has a dot.
pub(super) fn is_jwt(token: &str) -> bool {
    token.bytes().filter(|octet| *octet == b'.').count() == 2
}

/// Whom this token speaks for. Nothing of it is told before its signature is known to be good.
pub(super) fn check(
    token: &str,
    keys: &WebmailKeys,
    local: &Local,
    now: Timestamp,
) -> Result<Bearer, Failure> {
    let Claims { sub, aud, iat, exp } = signed(token, keys)?;
    if !aud.eq_ignore_ascii_case(&local.server_name) {
        return Err(unusable(format!(
            "The webmail's token is for the server {aud:?}, and this is {:?}: set the plugin's server to the `name` in \
             this server's configuration.",
            local.server_name
        )));
    }
    let address = at_home(&sub, local)?;
    let until = lifetime(iat, exp, now)?;
    Ok(Bearer { address, until })
}

/// The claims, if one of the keys has signed them by HMAC-SHA-256: what the header says of other ways is not followed
/// (RFC 8725 §3.1).
fn signed(token: &str, keys: &WebmailKeys) -> Result<Claims, Failure> {
    if keys.0.is_empty() {
        return Err(unusable(
            "This server takes no tokens of a webmail: give webmail.keys in its configuration.",
        ));
    }
    let malformed = || unusable("The webmail's token cannot be read.");
    if token.len() > TOKEN_OCTETS {
        return Err(malformed());
    }
    let header = decode_header(token).map_err(|_| malformed())?;
    // RFC 7515 §4.1.11: whoever does not understand what is critical must not take the token.
    if header.alg != Algorithm::HS256 || header.crit.is_some() {
        return Err(unusable("The webmail's token is not signed by HS256."));
    }
    let key = header.kid.as_deref().and_then(|id| keys.get(id)).ok_or_else(|| {
        unusable("The webmail's token is signed with a key that is not here: webmail.keys must name a file KID.key, and the plugin's key id be KID.")
    })?;
    // Lifetime and audience are looked at here afterwards, where it can be said what is wrong with them.
    let mut validation = Validation::new(Algorithm::HS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let token = decode::<Claims>(token, key, &validation);
    token.map(|token| token.claims).map_err(|error| match error.kind() {
        jsonwebtoken::errors::ErrorKind::InvalidSignature => {
            unusable("The signature of the webmail's token is wrong: the plugin and this server must have the same key.")
        }
        _ => unusable("The webmail's token lacks one of the claims sub, aud, iat, exp."),
    })
}

fn at_home(sub: &str, local: &Local) -> Result<String, Failure> {
    let Ok(address) = Mailbox::parse(sub) else {
        return Err(Failure::forbidden(format!(
            "The webmail's token is for {sub:?}, which is no address like alice@example.org."
        )));
    };
    match local.next_hop(address.domain().as_str()) {
        NextHop::Local => Ok(address.to_string()),
        NextHop::Domain(domain) => Err(Failure::forbidden(format!(
            "The webmail's token is for {address}, and {domain} is not at home here: it must be one of `domains` in \
             this server's configuration."
        ))),
    }
}

/// Until when the token is taken: a while longer than it says, as clocks differ.
fn lifetime(iat: i64, exp: i64, now: Timestamp) -> Result<Timestamp, Failure> {
    let time = |seconds| {
        Timestamp::from_second(seconds).map_err(|_| unusable("The webmail's token is for no time there is."))
    };
    let (issued, ends) = (time(iat)?, time(exp)?);
    let life = ends.duration_since(issued);
    if life > LIFE || !life.is_positive() {
        return Err(unusable(format!(
            "The webmail's token is for {}, and at most 10 minutes are allowed.",
            span(life)
        )));
    }
    let ahead = issued.duration_since(now);
    if ahead > LEEWAY {
        tracing::warn!(
            seconds = ahead.as_secs(),
            "the webmail's clock is ahead of this one; set both by NTP"
        );
        return Err(Failure::new(
            StatusCode::UNAUTHORIZED,
            "clock",
            "The clocks of webmail and server differ",
        )
        .kind(PROBLEM_CLOCK)
        .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        .detail(format!("The webmail's clock is {} ahead of this server's. Set both by NTP.", span(ahead))));
    }
    let until =
        ends.checked_add(LEEWAY).map_err(|_| unusable("The webmail's token is for no time there is."))?;
    if until <= now {
        return Err(Failure::new(StatusCode::UNAUTHORIZED, "token_expired", "The webmail's token has ended")
            .kind(PROBLEM_TOKEN_EXPIRED)
            .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            .detail(format!(
                "The webmail's token was made {} ago by this server's clock. Take a fresh one; if that is too old too, \
                 the webmail's clock is behind by that much: set both by NTP.",
                span(now.duration_since(issued))
            )));
    }
    Ok(until)
}

/// A token that nothing can be done with.
fn unusable(detail: impl Into<String>) -> Failure {
    Failure::unauthenticated(&detail.into())
}

/// A time for people, roughly.
fn span(time: SignedDuration) -> String {
    match time.as_secs() {
        seconds @ ..120 => format!("{seconds} seconds"),
        seconds @ 120..7200 => format!("{} minutes", seconds / 60),
        seconds @ 7200..172_800 => format!("{} hours", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
