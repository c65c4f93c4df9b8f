//! `window.tls_guarantee`: what the page's own script and this module tell each other.

use js_sys::Promise;
use wasm_bindgen::JsValue;

use crate::js;

fn bridge() -> JsValue {
    js::get(&js_sys::global(), "tls_guarantee")
}

/// A message that was sent, as the page that sent it has handed it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Whose it is.
    pub(crate) account: String,
    /// Whether it left without the guarantee for somebody, by the user's decision: what [`note`] had said of it.
    pub(crate) was_overridden: bool,
}

/// What was sent and nobody has taken out yet.
pub(crate) fn take_sent() -> Vec<Sent> {
    let sent = js::get(&bridge(), "sent");
    let mut taken = Vec::new();
    loop {
        let next = js::call(&sent, "shift", &[]);
        if next.is_falsy() {
            return taken;
        }
        taken.push(Sent {
            account: js::text(&js::get(&next, "account")).unwrap_or_default(),
            was_overridden: js::at(&next, &["note", "overridden"]).is_truthy(),
        });
    }
}

/// Has `act` happen when there is more to take.
pub(crate) fn on_sent(act: impl Fn() + 'static) {
    js::set(&bridge(), "onsent", &js::function(move |_| act()));
}

/// Asks `judge` when Send is pressed: true lets the message go.
pub(crate) fn guard(mut judge: impl FnMut() -> Promise + 'static) {
    js::set(&bridge(), "guard", &js::answering(move |_| judge().into()));
}

/// Sends the message under this Message-ID, or under one of Roundcube's own.
pub(crate) fn message_id(id: Option<&str>) {
    js::call(&bridge(), "messageId", &[id.map_or(JsValue::NULL, JsValue::from)]);
}

/// Says of the message what the page after it has to know.
pub(crate) fn note(overridden: bool) {
    js::set(&bridge(), "note", &js::object(&[("overridden", overridden.into())]));
}
