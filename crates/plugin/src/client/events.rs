use std::cell::Cell;
use std::time::Duration;

use api::Event;
use gloo_timers::future::sleep;
use js_sys::{Array, Promise};
use leptos::prelude::document;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, ReadableStreamDefaultReader};

use super::sse::{Message, Parser};
use super::{Asked, Client, ClientError};

/// The shortest and the longest wait before the stream is asked for again.
const WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What the stream has to say.
pub(crate) enum News {
    /// Connected, at first or again: what happened before was not heard.
    Connected,
    /// Something happened.
    Event(Event),
}

/// Ends the stream when dropped.
pub(crate) struct Following(Option<AbortController>);

impl Drop for Following {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

/// Reads `GET /events` until the answer is dropped or nobody is logged in any more; a broken stream
/// is asked for again, after ever longer waits. With `rests` there is none while the page is hidden.
pub(crate) fn follow(client: Client, rests: bool, tell: Box<dyn Fn(News)>) -> Following {
    let Ok(controller) = AbortController::new() else { return Following(None) };
    let signal = controller.signal();
    wasm_bindgen_futures::spawn_local(async move {
        let mut wait = WAIT.0;
        while !signal.aborted() {
            while rests && document().hidden() {
                let _ = JsFuture::from(shown_or_hidden()).await;
            }
            let heard = Cell::new(false);
            let listen = |news| {
                heard.set(true);
                tell(news);
            };
            let ended = read(&client, &signal, rests, &listen).await;
            if matches!(ended, Err(ClientError::LoggedOut | ClientError::Clock)) {
                return;
            }
            let heard = heard.get();
            wait = if heard { WAIT.0 } else { (wait * 2).min(WAIT.1) };
            sleep(wait).await;
        }
    });
    Following(Some(controller))
}

/// One connection, until it ends.
async fn read(
    client: &Client,
    signal: &AbortSignal,
    rests: bool,
    tell: &dyn Fn(News),
) -> Result<(), ClientError> {
    let response = client.connect(Asked::get("/events"), Some(signal.clone())).await?;
    let stream = response.body().ok_or(ClientError::Unreadable)?;
    let reader: ReadableStreamDefaultReader =
        stream.get_reader().dyn_into().map_err(|_| ClientError::Unreadable)?;
    if signal.aborted() {
        return Ok(());
    }
    tell(News::Connected);
    let mut parser = Parser::default();
    loop {
        let next = reader.read();
        let mut change = rests;
        while change {
            let first = Promise::race(&Array::of2(&next, &shown_or_hidden()));
            change = JsFuture::from(first)
                .await
                .map_err(|_| ClientError::Away)?
                .is_instance_of::<web_sys::Event>();
            if change && document().hidden() {
                let _ = reader.cancel();
                return Ok(());
            }
        }
        let piece = JsFuture::from(next).await.map_err(|_| ClientError::Away)?;
        if signal.aborted() || field(&piece, "done").is_truthy() {
            return Ok(());
        }
        let bytes = js_sys::Uint8Array::new(&field(&piece, "value")).to_vec();
        parser.push(&bytes).iter().filter_map(Message::event).for_each(|event| tell(News::Event(event)));
    }
}

/// Resolved when the page is shown or hidden next; one is waited for at a time.
fn shown_or_hidden() -> Promise {
    Promise::new(&mut |resolve, _| document().set_onvisibilitychange(Some(&resolve)))
}

fn field(object: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}
