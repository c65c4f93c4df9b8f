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
    /// What was noted of it.
    pub(crate) note: Note,
}

/// What the page after it has to know of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Note {
    /// Whether it leaves without the guarantee for somebody, by the user's decision.
    pub(crate) overridden: bool,
    /// Whom the user has left out at last, as a sentence lists them.
    pub(crate) left_out: String,
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
            note: Note {
                overridden: js::at(&next, &["note", "overridden"]).is_truthy(),
                left_out: js::text(&js::at(&next, &["note", "left_out"])).unwrap_or_default(),
            },
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

/// Says whether the server has to know what the user wants of this message before it is sent: without that, it is not.
pub(crate) fn bound(is: bool) {
    js::set(&bridge(), "bound", &is.into());
}

/// Which press of Send it is that waits for an answer: with another, an answer to this one comes too late.
pub(crate) fn turn() -> JsValue {
    js::get(&bridge(), "turn")
}

/// Sends the message under this Message-ID, or under one of Roundcube's own.
pub(crate) fn message_id(id: Option<&str>) {
    js::call(&bridge(), "messageId", &[id.map_or(JsValue::NULL, JsValue::from)]);
}

/// Says of the message what the page after it has to know.
pub(crate) fn note(note: &Note) {
    let said = [("overridden", note.overridden.into()), ("left_out", note.left_out.as_str().into())];
    js::set(&bridge(), "note", &js::object(&said));
}

/// Whether a person is being asked, who may take their time.
pub(crate) fn asking(is: bool) {
    js::set(&bridge(), "asking", &is.into());
}
