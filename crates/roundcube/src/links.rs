//! The links and pictures of a message that is not what it says.

use std::cell::{Cell, RefCell};

use leptos::prelude::document;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Event, HtmlElement, MutationObserver, MutationObserverInit};

use crate::js;

/// Where Roundcube shows the message.
const BODY: &str = "#messagebody";
const LINKS: &str = "#messagebody a[href], #messagebody area[href]";
/// What may lead elsewhere when it is pressed.
const WAYS_OUT: &str = "a, area, form, button, input";
/// Offers to load pictures from elsewhere.
const PICTURES: &str = "#remote-objects-message";
/// Styled as what is switched off.
const OFF: &str = "tls-guarantee-off";

thread_local! {
    static IS_OFF: Cell<bool> = const { Cell::new(false) };
    static IS_WATCHED: Cell<bool> = const { Cell::new(false) };
    /// Links without their addresses, to be given back.
    static TAKEN: RefCell<Vec<(Element, String)>> = const { RefCell::new(Vec::new()) };
}

/// Switches links and remote pictures off, or on again.
pub(crate) fn switch(off: bool) {
    if IS_OFF.replace(off) == off {
        return;
    }
    if let Some(pictures) = js::element(PICTURES) {
        let _ = pictures.toggle_attribute_with_force("hidden", off);
    }
    if !off {
        return give_back();
    }
    if !IS_WATCHED.replace(true)
        && let Some(body) = js::element(BODY)
    {
        watch(&body);
    }
    take();
}

/// Takes the addresses away from all links that have one.
fn take() {
    let Ok(links) = document().query_selector_all(LINKS) else { return };
    for at in 0..links.length() {
        let Some(link) = links.get(at).and_then(|link| link.dyn_into::<Element>().ok()) else { continue };
        let Some(address) = link.get_attribute("href") else { continue };
        let _ = link.remove_attribute("href");
        let _ = link.set_attribute("aria-disabled", "true");
        let _ = link.class_list().add_1(OFF);
        TAKEN.with_borrow_mut(|taken| taken.push((link, address)));
    }
}

fn give_back() {
    for (link, address) in TAKEN.take() {
        let _ = link.set_attribute("href", &address);
        let _ = link.remove_attribute("aria-disabled");
        let _ = link.class_list().remove_1(OFF);
    }
}

/// Roundcube may show more parts later, and hears clicks on links itself.
fn watch(body: &HtmlElement) {
    let hold = js::function(|event| {
        let event: Event = event.unchecked_into();
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let leads_elsewhere =
            target.is_some_and(|target| target.closest(WAYS_OUT).is_ok_and(|way| way.is_some()));
        if IS_OFF.get() && leads_elsewhere {
            event.prevent_default();
            event.stop_immediate_propagation();
        }
    });
    for kind in ["click", "auxclick", "submit"] {
        let _ = body.add_event_listener_with_callback_and_bool(kind, hold.unchecked_ref(), true);
    }
    let more = js::function(|_| {
        if IS_OFF.get() {
            take();
        }
    });
    if let Ok(observer) = MutationObserver::new(more.unchecked_ref()) {
        let options = MutationObserverInit::new();
        options.set_child_list(true);
        options.set_subtree(true);
        let _ = observer.observe_with_options(body, &options);
    }
    let load = |_| if IS_OFF.get() { JsValue::FALSE } else { JsValue::UNDEFINED };
    js::listen("beforeload-remote", js::answering(load));
}
