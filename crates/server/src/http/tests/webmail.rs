//! Tokens of the webmail's plugin.

use api::{PROBLEM_CLOCK, PROBLEM_TOKEN_EXPIRED, SessionAccount};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::StreamExt;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rstest::rstest;

use super::*;
use crate::config::WebmailKey;

const SECRET: &[u8] = b"a secret of at least 32 characters";
const NEXT_SECRET: &[u8] = b"the secret that is to take over soon";

/// Two at a time: one takes over from the other.
pub(super) fn keys() -> [WebmailKey; 2] {
    [("webmail", SECRET), ("webmail-2027", NEXT_SECRET)]
        .map(|(id, secret)| WebmailKey { id: id.to_owned(), secret: secret.to_vec() })
}

/// Seconds from the server's clock.
struct Times {
    iat: i64,
    exp: i64,
}

const FRESH: Times = Times { iat: 0, exp: 300 };

fn claims(server: &Server, times: &Times) -> Value {
    let now = server.now().as_second();
    json!({ "iss": "roundcube", "sub": ALICE, "aud": "mail.home.example", "iat": now + times.iat, "exp": now + times.exp })
}

fn header(kid: &str) -> Header {
    Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) }
}

fn sign(header: &Header, claims: &Value, secret: &[u8]) -> String {
    encode(header, claims, &EncodingKey::from_secret(secret)).unwrap()
}

fn token(server: &Server, times: &Times) -> String {
    sign(&header("webmail"), &claims(server, times), SECRET)
}

async fn whose(server: &Server, token: &str) -> Answer {
    server.ask("GET", "/session").by(token).send().await
}

#[rstest]
#[case::fresh(FRESH)]
#[case::its_last_second(Times { iat: -300, exp: 0 })]
#[case::clock_a_minute_behind(Times { iat: -359, exp: -59 })]
#[case::clock_a_minute_ahead(Times { iat: 60, exp: 360 })]
#[case::as_long_as_allowed(Times { iat: 0, exp: 600 })]
#[tokio::test]
async fn a_token_lets_its_user_in(#[case] times: Times) {
    let server = Server::start().await;
    let who: SessionAccount = whose(&server, &token(&server, &times)).await.ok();
    assert_eq!(who.address, ALICE);
    assert_eq!(who.expires_at, server.now() + SignedDuration::from_secs(times.exp + 60));
}

#[rstest]
#[case::expired(Times { iat: -360, exp: -60 }, PROBLEM_TOKEN_EXPIRED, "6 minutes ago")]
#[case::long_ago(Times { iat: -200_000, exp: -199_700 }, PROBLEM_TOKEN_EXPIRED, "2 days ago")]
#[case::clock_ahead(Times { iat: 61, exp: 361 }, PROBLEM_CLOCK, "61 seconds ahead")]
#[case::clock_five_minutes_ahead(Times { iat: 300, exp: 600 }, PROBLEM_CLOCK, "5 minutes ahead")]
#[case::too_long(Times { iat: 0, exp: 601 }, "about:blank#unauthenticated", "at most 10 minutes")]
#[case::backwards(Times { iat: 0, exp: 0 }, "about:blank#unauthenticated", "at most 10 minutes")]
#[case::no_time(Times { iat: i64::MIN / 2, exp: i64::MAX / 2 }, "about:blank#unauthenticated", "no time")]
#[tokio::test]
async fn a_token_lives_for_minutes(#[case] times: Times, #[case] kind: &str, #[case] told: &str) {
    let server = Server::start().await;
    let answer = whose(&server, &token(&server, &times)).await;
    let problem = answer.problem(401);
    assert_eq!(problem.kind, kind);
    assert!(problem.detail.as_ref().is_some_and(|detail| detail.contains(told)), "{problem:?}");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}

#[rstest]
#[case::audience("aud", json!("other.example"), 401, "is for the server \"other.example\"")]
#[case::audiences("aud", json!(["mail.home.example"]), 401, "lacks one of the claims")]
#[case::no_audience("aud", Value::Null, 401, "lacks one of the claims")]
#[case::no_user("sub", Value::Null, 401, "lacks one of the claims")]
#[case::no_address("sub", json!("alice"), 403, "no address")]
#[case::not_at_home("sub", json!("alice@other.example"), 403, "other.example is not at home here")]
#[case::no_time("iat", Value::Null, 401, "lacks one of the claims")]
#[case::text_for_time("exp", json!("2026-11-24"), 401, "lacks one of the claims")]
#[tokio::test]
async fn a_token_is_for_this_server_and_its_users(
    #[case] claim: &str,
    #[case] value: Value,
    #[case] status: u16,
    #[case] told: &str,
) {
    let server = Server::start().await;
    let mut claims = claims(&server, &FRESH);
    claims[claim] = value;
    let problem = whose(&server, &sign(&header("webmail"), &claims, SECRET)).await.problem(status);
    assert!(problem.detail.as_ref().is_some_and(|detail| detail.contains(told)), "{problem:?}");
    assert_eq!(server.store.accounts().await.unwrap().len(), 2, "nobody was added");
}

#[rstest]
#[case::key("webmail", Algorithm::HS256, SECRET, true)]
#[case::next_key("webmail-2027", Algorithm::HS256, NEXT_SECRET, true)]
#[case::keys_mixed_up("webmail", Algorithm::HS256, NEXT_SECRET, false)]
#[case::key_retired("webmail-2025", Algorithm::HS256, SECRET, false)]
#[case::wrong_secret("webmail", Algorithm::HS256, b"", false)]
#[case::another_algorithm("webmail", Algorithm::HS512, SECRET, false)]
#[tokio::test]
async fn a_token_is_signed_with_a_key_that_is_here(
    #[case] kid: &str,
    #[case] algorithm: Algorithm,
    #[case] secret: &[u8],
    #[case] taken: bool,
) {
    let server = Server::start().await;
    let header = Header { alg: algorithm, ..header(kid) };
    let answer = whose(&server, &sign(&header, &claims(&server, &FRESH), secret)).await;
    if taken {
        answer.ok::<SessionAccount>();
    } else {
        let detail = answer.problem(401).detail.unwrap();
        assert!(!detail.contains(ALICE), "{detail}");
    }
}

#[tokio::test]
async fn a_token_that_is_tampered_with_is_refused() {
    let server = Server::start().await;
    let good = token(&server, &FRESH);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (head, body) = signed.split_once('.').unwrap();
    let raw = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let bob = {
        let mut claims = claims(&server, &FRESH);
        claims["sub"] = json!(BOB);
        raw(claims)
    };
    let unsigned = raw(json!({ "alg": "none", "typ": "JWT", "kid": "webmail" }));
    let critical = Header { crit: Some(vec!["b64".to_owned()]), ..header("webmail") };
    let without_kid = Header::new(Algorithm::HS256);
    for forged in [
        format!("{head}.{bob}.{signature}"),
        format!("{unsigned}.{bob}."),
        format!("{unsigned}.{bob}.{signature}"),
        format!("{head}.{body}."),
        format!("{head}.{body}.{}", &signature[1..]),
        format!("{head}.{body}.{signature}A"),
        format!("{head}..{signature}"),
        "..".to_owned(),
        format!("{}.{body}.{signature}", "A".repeat(4000)),
        sign(&critical, &claims(&server, &FRESH), SECRET),
        sign(&without_kid, &claims(&server, &FRESH), SECRET),
    ] {
        whose(&server, &forged).await.problem(401);
    }
    whose(&server, &good).await.ok::<SessionAccount>();
    // As a cookie it is nothing: it is the page's to send, not the browser's.
    server.ask("GET", "/session").by_cookie(&good).send().await.problem(401);
}

#[tokio::test]
async fn a_user_of_the_webmail_has_an_account_from_the_first_token_on() {
    let server = Server::start().await;
    let mut claims = claims(&server, &FRESH);
    for sub in ["Carla@HOME.example", "carla@home.example"] {
        claims["sub"] = json!(sub);
        let token = sign(&header("webmail"), &claims, SECRET);
        let who: SessionAccount = whose(&server, &token).await.ok();
        assert_eq!(who.address, "Carla@home.example");
        let on = json!({ "state": "on" });
        server.ask("PUT", "/guarantee").by(&token).json(&on).send().await.ok::<api::Guarantee>();
    }
    let credentials = json!({ "address": "carla@home.example", "password": "" });
    server.ask("POST", "/session").json(&credentials).send().await.problem(401);
}

#[tokio::test]
async fn a_token_ends_by_itself_and_its_stream_with_it() {
    let server = Server::start().await;
    let token = token(&server, &Times { iat: -59, exp: 1 });
    server.ask("DELETE", "/session").by(&token).send().await.problem(403);
    server.pass(SignedDuration::from_secs(60));
    let response = server.ask("GET", "/events").by(&token).begin().await;
    let pieces: Vec<_> = response.into_body().into_data_stream().collect().await;
    assert_eq!(pieces.len(), 1, "the word it begins with: {pieces:?}");
}
