//! The token that the plugin's PHP part signs: when it is good for, and whose it is.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use js_sys::Promise;
use plugin::{ClientError, browser};
use serde::Deserialize;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, future_to_promise};

use crate::actions;

/// So much before its end a token is renewed.
const MARGIN: Duration = Duration::from_secs(30);

/// The answer to `plugin.tls_guarantee.token`.
#[derive(Clone, Debug, Deserialize)]
struct Signed {
    token: String,
    /// Seconds.
    expires_in: u32,
}

/// A token, as long as it is good.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    token: String,
    good_until: Timestamp,
}

impl Token {
    /// Takes over an answer that came at `now`, by the browser's clock, which is used for nothing but the time that passes.
    /// A token for another account means that somebody else has logged in meanwhile: this page's session is over.
    fn of(signed: Signed, account: &str, now: Timestamp) -> Result<Self, ClientError> {
        if subject(&signed.token).as_deref() != Some(account) {
            return Err(ClientError::LoggedOut);
        }
        let lives = Duration::from_secs(signed.expires_in.into()).saturating_sub(MARGIN);
        Ok(Self { token: signed.token, good_until: now + lives })
    }

    fn is_good(&self, now: Timestamp) -> bool {
        now < self.good_until
    }
}

/// Whose token it is (RFC 7519 §4.1.2). The server checks it; the page only has to know.
fn subject(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&claims).ok().map(|Claims { sub }| sub)
}

/// The page's tokens: one at a time, asked for once however many requests want it.
#[derive(Clone, Default)]
pub(crate) struct Tokens(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    token: Option<Result<Token, ClientError>>,
    asking: Option<Promise>,
}

impl Tokens {
    /// A token for `account`.
    ///
    /// # Errors
    /// [`ClientError::LoggedOut`] when nobody is logged in any more, or somebody else.
    pub(crate) async fn get(self, account: String) -> Result<String, ClientError> {
        let asking = self.0.borrow().asking.clone();
        let asking = match asking {
            Some(asking) => asking,
            None => {
                if let Some(Ok(token)) = &self.0.borrow().token
                    && token.is_good(browser::now())
                {
                    return Ok(token.token.clone());
                }
                let asking = self.clone().ask(account);
                self.0.borrow_mut().asking = Some(asking.clone());
                asking
            }
        };
        let _ = JsFuture::from(asking).await;
        let token = self.0.borrow().token.clone();
        token.unwrap_or(Err(ClientError::Away)).map(|token| token.token)
    }

    fn ask(self, account: String) -> Promise {
        future_to_promise(async move {
            let answer = actions::post("plugin.tls_guarantee.token", "plugin.tls_guarantee.token", "").await;
            let token = answer.and_then(|signed: Signed| Token::of(signed, &account, browser::now()));
            let mut state = self.0.borrow_mut();
            state.token = Some(token);
            state.asking = None;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Forgets a token that the server does not take, unless there is a newer one already.
    pub(crate) fn forget(&self, token: &str) {
        let mut state = self.0.borrow_mut();
        if matches!(&state.token, Some(Ok(known)) if known.token == token) {
            state.token = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NOW: &str = "2026-11-24T12:00:00Z";

    fn token(claims: &str) -> String {
        format!("eyJ9.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[rstest]
    #[case(r#"{"iss":"roundcube","sub":"alice@example.org","exp":1}"#, Some("alice@example.org"))]
    #[case(r#"{"sub":7}"#, None)]
    #[case("not JSON", None)]
    fn subjects(#[case] claims: &str, #[case] expected: Option<&str>) {
        assert_eq!(subject(&token(claims)).as_deref(), expected);
    }

    #[rstest]
    #[case("")]
    #[case("one.?.two")]
    #[case("alone")]
    fn what_is_no_token(#[case] text: &str) {
        assert_eq!(subject(text), None);
    }

    #[rstest]
    #[case::fresh(300, 0, true)]
    #[case::shortly_before_its_end(300, 269, true)]
    #[case::too_close(300, 270, false)]
    #[case::never_good(20, 0, false)]
    fn good_for(#[case] expires_in: u32, #[case] seconds: i64, #[case] expected: bool) {
        let now: Timestamp = NOW.parse().unwrap();
        let signed = Signed { token: token(r#"{"sub":"alice@example.org"}"#), expires_in };
        let token = Token::of(signed, "alice@example.org", now).unwrap();
        let later = now + jiff::SignedDuration::from_secs(seconds);
        assert_eq!(token.is_good(later), expected);
    }

    #[test]
    fn somebody_elses_token_is_none() {
        let signed = Signed { token: token(r#"{"sub":"bob@example.org"}"#), expires_in: 300 };
        let taken = Token::of(signed, "alice@example.org", NOW.parse().unwrap());
        assert_eq!(taken, Err(ClientError::LoggedOut));
    }
}
