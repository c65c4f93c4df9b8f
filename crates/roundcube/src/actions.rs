//! What the page asks Roundcube for, past Roundcube's own scripts: those would show a spinner, or leave the page.

use gloo_net::http::{Method, RequestBuilder, Response};
use plugin::ClientError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wasm_bindgen::JsValue;

use crate::js;

/// Roundcube's answer to a script: the events that it wants to have happen.
#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    callbacks: Vec<(String, Value)>,
}

/// Calls an action of the plugin's PHP part; `body` is urlencoded. Answers what `event` would bring.
///
/// # Errors
/// [`ClientError::LoggedOut`] when Roundcube's session is over, or another one has begun.
pub(crate) async fn post<T: DeserializeOwned>(
    action: &str,
    event: &str,
    body: &str,
) -> Result<T, ClientError> {
    let url = url("mail", action, &[("_remote", "1".into())]);
    let request = RequestBuilder::new(&url)
        .method(Method::POST)
        .header("x-roundcube-request", &request_token())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let response = request.map_err(|_| ClientError::Unreadable)?.send().await;
    let answer = read(response.map_err(|_| ClientError::Away)?).await?;
    event_of(&answer, event)
}

/// The raw bytes of a message.
///
/// # Errors
/// As [`post`].
pub(crate) async fn raw(mbox: &str, uid: &str) -> Result<Vec<u8>, ClientError> {
    let what = [("_mbox", mbox.into()), ("_uid", uid.into()), ("_save", "1".into())];
    let request = RequestBuilder::new(&url("mail", "viewsource", &what))
        .header("x-roundcube-request", &request_token());
    let response = request.send().await.map_err(|_| ClientError::Away)?;
    // Without a session Roundcube sends to the page of the log-in.
    let is_page = response.headers().get("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    let bytes = read(response).await?;
    if is_page { Err(ClientError::LoggedOut) } else { Ok(bytes) }
}

/// Proves that a page of this session asks, not another site's.
pub(crate) fn request_token() -> String {
    js::at(&js::rcmail(), &["env", "request_token"]).as_string().unwrap_or_default()
}

/// The address of an action.
pub(crate) fn url(task: &str, action: &str, parameters: &[(&str, JsValue)]) -> String {
    let (path, query) = (format!("{task}/{action}"), js::object(parameters));
    // Roundcube adds this within its preview, and answers with a page for a frame.
    js::set(&query, "_framed", &0.into());
    js::call(&js::rcmail(), "url", &[path.into(), query]).as_string().unwrap_or_default()
}

async fn read(response: Response) -> Result<Vec<u8>, ClientError> {
    match response.status() {
        200..=299 => response.binary().await.map_err(|_| ClientError::Away),
        401 | 403 => Err(ClientError::LoggedOut),
        500.. => Err(ClientError::Away),
        _ => Err(ClientError::Unreadable),
    }
}

/// What the event brings. Without a session Roundcube answers with what its own pages do then, and no event.
fn event_of<T: DeserializeOwned>(answer: &[u8], event: &str) -> Result<T, ClientError> {
    let reply: Reply = serde_json::from_slice(answer).map_err(|_| ClientError::LoggedOut)?;
    let found = reply.callbacks.into_iter().find(|(name, _)| name == event);
    let (_, brings) = found.ok_or(ClientError::LoggedOut)?;
    serde_json::from_value(brings).map_err(|_| ClientError::Unreadable)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"action":"a","callbacks":[["other",1],["wanted",7]]}"#, Ok(7))]
    #[case(r#"{"action":"a","callbacks":[["wanted","seven"]]}"#, Err(ClientError::Unreadable))]
    #[case::session_over(r#"{"action":"a","exec":"this.session_error(…);"}"#, Err(ClientError::LoggedOut))]
    #[case::page_of_the_log_in("<!doctype html>", Err(ClientError::LoggedOut))]
    fn answers(#[case] answer: &str, #[case] expected: Result<u32, ClientError>) {
        assert_eq!(event_of(answer.as_bytes(), "wanted"), expected);
    }
}
