//! What the page asks Roundcube for, past Roundcube's own scripts: those would show a spinner, or leave the page.

use gloo_net::http::{Method, RequestBuilder, Response};
use js_sys::{Array, JSON};
use plugin::ClientError;
use wasm_bindgen::{JsCast, JsValue};

use crate::js;

/// Calls an action of the plugin's PHP part; `body` is urlencoded. Answers what `event` would bring.
///
/// # Errors
/// [`ClientError::LoggedOut`] when Roundcube's session is over, or another one has begun.
pub(crate) async fn post(action: &str, event: &str, body: &str) -> Result<JsValue, ClientError> {
    let url = url("mail", action, &[("_remote", "1".into())]);
    let request = RequestBuilder::new(&url)
        .method(Method::POST)
        .header("x-roundcube-request", &request_token())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let response = request.map_err(|_| ClientError::Unreadable)?.send().await;
    let answer = read(response.map_err(|_| ClientError::Away)?).await?;
    event_of(&String::from_utf8_lossy(&answer), event).ok_or(ClientError::LoggedOut)
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

/// What the event brings. Without a session Roundcube answers with what its own pages do then, or with the page of the
/// log-in, and no event.
fn event_of(answer: &str, event: &str) -> Option<JsValue> {
    let callbacks: Array = js::get(&JSON::parse(answer).ok()?, "callbacks").dyn_into().ok()?;
    let named = |callback: &JsValue| js::get(callback, "0").as_string().as_deref() == Some(event);
    callbacks.iter().find(named).map(|callback| js::get(&callback, "1"))
}
