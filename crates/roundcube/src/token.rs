//! The token that the plugin's PHP part signs: when it is good for, and whose it is.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Promise;
use plugin::{ClientError, Purpose, browser};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use crate::{actions, js};

/// So many seconds before its end a token is renewed.
const MARGIN: u32 = 30;

/// The answer to `plugin.tls_guarantee.token`.
struct Signed {
    token: String,
    /// Whose it is: the `sub` of the token.
    account: String,
    /// Seconds.
    expires_in: u32,
}

impl Signed {
    fn of(answer: &JsValue) -> Result<Self, ClientError> {
        let token = js::get(answer, "token").as_string().ok_or(ClientError::Unreadable)?;
        let account = js::get(answer, "account").as_string().unwrap_or_default();
        Ok(Self {
            token,
            account,
            expires_in: js::get(answer, "expires_in").as_f64().unwrap_or_default() as u32,
        })
    }
}

/// A token, as long as it is good.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    token: String,
    /// In milliseconds, by the browser's clock.
    good_until: i64,
}

impl Token {
    /// Takes over an answer that came at `now`; the clock is used for nothing but the time that passes. A token for another
    /// account means that somebody else has logged in meanwhile: this page's session is over.
    fn of(signed: Signed, account: &str, now: i64) -> Result<Self, ClientError> {
        if signed.account != account {
            return Err(ClientError::LoggedOut);
        }
        let lives = 1000 * i64::from(signed.expires_in.saturating_sub(MARGIN));
        Ok(Self { token: signed.token, good_until: now.saturating_add(lives) })
    }

    fn is_good(&self, now: i64) -> bool {
        now < self.good_until
    }
}

fn now() -> i64 {
    browser::now().as_millisecond()
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
    /// A token for `account`: one from before will do to look, but who changes something must be logged in now.
    ///
    /// # Errors
    /// [`ClientError::LoggedOut`] when nobody is logged in any more, or somebody else.
    pub(crate) async fn get(self, account: String, purpose: Purpose) -> Result<String, ClientError> {
        let asking = self.0.borrow().asking.clone();
        let asking = match asking {
            Some(asking) => asking,
            None => {
                if let Some(Ok(token)) = &self.0.borrow().token
                    && purpose == Purpose::Look
                    && token.is_good(now())
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
        js::promise(async move {
            let answer = actions::post("plugin.tls_guarantee.token", "plugin.tls_guarantee.token", "").await;
            let signed = answer.and_then(|answer| Signed::of(&answer));
            let token = signed.and_then(|signed| Token::of(signed, &account, now()));
            let mut state = self.0.borrow_mut();
            state.token = Some(token);
            state.asking = None;
            JsValue::UNDEFINED
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

    const NOW: i64 = 1_795_521_600_000;

    fn signed(account: &str, expires_in: u32) -> Signed {
        Signed { token: "one.two.three".to_owned(), account: account.to_owned(), expires_in }
    }

    #[rstest]
    #[case::fresh(300, 0, true)]
    #[case::shortly_before_its_end(300, 269, true)]
    #[case::too_close(300, 270, false)]
    #[case::never_good(20, 0, false)]
    fn good_for(#[case] expires_in: u32, #[case] seconds: i64, #[case] expected: bool) {
        let token = Token::of(signed("alice@example.org", expires_in), "alice@example.org", NOW).unwrap();
        let later = NOW + 1000 * seconds;
        assert_eq!(token.is_good(later), expected);
    }

    #[test]
    fn somebody_elses_token_is_none() {
        let taken = Token::of(signed("bob@example.org", 300), "alice@example.org", NOW);
        assert_eq!(taken, Err(ClientError::LoggedOut));
    }
}
