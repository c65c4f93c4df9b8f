//! `/session`: log in, see who is logged in, log out.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use api::{Credentials, Problem, Session, SessionAccount};
use axum::Extension;
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse};
use jiff::SignedDuration;
use store::SessionRow;

use super::auth::{By, COOKIE_NAME, LoggedIn, Token};
use super::body::JsonBody;
use super::openapi::{Always, Changes, NeedsLogin, ReadsJson};
use super::{App, Failure, Scheme};
use crate::accounts::LogInError;

/// How long a session lasts.
const LASTS: SignedDuration = SignedDuration::from_hours(12);

/// Log in.
///
/// The token is for `Authorization: Bearer`, for 12 hours. The same token is set as an HttpOnly cookie for the server's own page.
#[utoipa::path(
    post, path = "/session", tag = "session", operation_id = "log_in", security(()), request_body = Credentials,
    responses(
        (status = 200, description = "Logged in.", body = Session,
         headers(("set-cookie" = String, description = "The token as a cookie: HttpOnly, SameSite=Strict."))),
        (status = 401, description = "The address or the password is wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many log-ins failed: `Retry-After` says for how many seconds to wait.", body = Problem, content_type = "application/problem+json"),
        ReadsJson, Always,
    ),
)]
pub(super) async fn log_in(
    State(app): State<App>,
    client: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    JsonBody(credentials): JsonBody<Credentials>,
) -> Result<impl IntoResponse, Failure> {
    let client = client.map(|Extension(ConnectInfo(address))| behind_a_proxy(address.ip(), &headers));
    let account =
        app.accounts.log_in(&credentials.address, &credentials.password, client).await.map_err(refused)?;
    let token = Token::new();
    let expires_at = app.clock.now() + LASTS;
    app.store.add_session(&SessionRow { token_hash: token.hash(), account, expires_at }).await?;
    let cookie = set_cookie(&app, &headers, token.reveal(), LASTS.as_secs());
    Ok((cookie, Json(Session { token: token.reveal().to_owned(), expires_at })))
}

/// Who asks: of a proxy on this machine, whom it names last, which is who asked it. Nobody else is believed.
fn behind_a_proxy(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let named = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    let last = named.and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
    last.filter(|_| peer.to_canonical().is_loopback()).unwrap_or(peer)
}

fn refused(error: LogInError) -> Failure {
    match error {
        LogInError::Wrong | LogInError::TokenRefused { .. } => {
            Failure::unauthenticated("The address or the password is wrong.")
        }
        LogInError::TooMany { retry_after } => Failure::too_many(format!("{error}."), retry_after),
        LogInError::Busy => Failure::unavailable(&format!("{error}."), Duration::from_secs(2)),
        LogInError::Unavailable => Failure::unavailable(&format!("{error}."), Duration::from_secs(10)),
        LogInError::Store(error) => error.into(),
    }
}

/// Whose session this is.
#[utoipa::path(
    get, path = "/session", tag = "session", operation_id = "session",
    responses((status = 200, description = "Who is logged in, and where.", body = SessionAccount), NeedsLogin, Always),
)]
pub(super) async fn session(State(app): State<App>, user: LoggedIn) -> Json<SessionAccount> {
    let server_name = app.server_name.clone();
    Json(SessionAccount { address: user.account, server_name, expires_at: user.expires_at })
}

/// Log out: the token is worth nothing any more. A webmail's token can't be taken back: it ends by itself, in minutes.
#[utoipa::path(
    delete, path = "/session", tag = "session", operation_id = "log_out",
    security(("bearer" = []), ("cookie" = [], "csrf" = [])),
    responses((status = 204, description = "Logged out."), Changes, NeedsLogin, Always),
)]
pub(super) async fn log_out(
    State(app): State<App>,
    headers: HeaderMap,
    user: LoggedIn,
) -> Result<impl IntoResponse, Failure> {
    match user.by {
        By::Session(token_hash) => app.store.remove_session(&token_hash).await?,
        By::Webmail => {
            return Err(Failure::forbidden(
                "The webmail's token ends by itself, in minutes. Log out in the webmail.",
            ));
        }
    }
    Ok((StatusCode::NO_CONTENT, set_cookie(&app, &headers, "", 0)))
}

/// A cookie that no script can read, no other site's page can send, and that only the API gets.
fn set_cookie(
    app: &App,
    headers: &HeaderMap,
    value: &str,
    seconds: i64,
) -> AppendHeaders<Option<(axum::http::HeaderName, HeaderValue)>> {
    // Whoever forges this header only makes their own cookie stricter.
    let forwarded = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let secure = if forwarded || app.scheme == Scheme::Https { "; Secure" } else { "" };
    let path = api::BASE;
    let cookie =
        format!("{COOKIE_NAME}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    AppendHeaders(HeaderValue::try_from(cookie).ok().map(|cookie| (SET_COOKIE, cookie)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing_said("127.0.0.1", &[], "127.0.0.1")]
    #[case::by_a_proxy_here("127.0.0.1", &["192.0.2.1"], "192.0.2.1")]
    #[case::ipv6("::1", &["2001:db8::1"], "2001:db8::1")]
    #[case::through_a_socket_of_ipv6("::ffff:127.0.0.1", &["192.0.2.1"], "192.0.2.1")]
    #[case::what_the_client_claims_comes_before("127.0.0.1", &["198.51.100.7, 192.0.2.1"], "192.0.2.1")]
    #[case::in_a_field_of_its_own("127.0.0.1", &["198.51.100.7", "192.0.2.1"], "192.0.2.1")]
    #[case::nonsense("127.0.0.1", &["unknown"], "127.0.0.1")]
    #[case::from_elsewhere("203.0.113.5", &["192.0.2.1"], "203.0.113.5")]
    fn clients(#[case] peer: IpAddr, #[case] forwarded: &[&str], #[case] client: IpAddr) {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        assert_eq!(behind_a_proxy(peer, &headers), client);
    }
}
