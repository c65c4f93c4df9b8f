//! Beside the forms of Roundcube's plugin managesieve in which a forwarding may be set up.

use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin::Plugin;
use plugin::components::drawn_forwarding_check;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, HtmlInputElement};

use crate::{js, within};

/// Where the forms have the target of a forwarding.
const TARGETS: &str = "#action_target, input[name^=\"_action_target\"]";

/// Starts. The target that is set up there is likely the one to look at.
pub(crate) fn start(plugin: Plugin) {
    spawn_local(async move {
        let Ok(drawn) = drawn_forwarding_check().await else { return };
        within("tls-guarantee-forwarding", move || drawn(plugin));
        if let Some(target) = js::element(TARGETS) {
            take_over(&target);
        }
    });
    let changed = js::function(|event: JsValue| {
        let field = js::get(&event, "target").dyn_into::<web_sys::Element>();
        if let Some(field) = field.ok().filter(|field| field.matches(TARGETS).unwrap_or_default()) {
            take_over(&field);
        }
    });
    let _ = document().add_event_listener_with_callback("change", changed.unchecked_ref());
}

fn take_over(target: &web_sys::Element) {
    let Some(target) = target.dyn_ref::<HtmlInputElement>().map(HtmlInputElement::value) else { return };
    let own = js::element("#tls-guarantee-forwarding input").and_then(|own| own.dyn_into().ok());
    let Some(own): Option<HtmlInputElement> = own.filter(|_| target.contains('@')) else { return };
    own.set_value(&target);
    if let Ok(input) = Event::new("input") {
        let _ = own.dispatch_event(&input);
    }
}
