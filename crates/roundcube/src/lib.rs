//! Roundcube, the plugin's second host: puts the plugin into the places that its PHP part made in Roundcube's pages, and
//! keeps it in step with what Roundcube shows.
//!
//! Nothing here may break Roundcube: where a place is missing, nothing is shown; where the server does not answer, mail is
//! read and written as ever. The page's own script, `www/roundcube/tls_guarantee/boot.js`, loads this module where it is
//! needed, holds Send until `compose` has judged, and carries what was sent from one page to the next.

mod actions;
mod boot;
mod compose;
mod dialog;
mod fields;
mod filters;
mod host;
mod js;
mod links;
mod list;
mod message;
mod page;
mod token;
mod top;

use std::rc::Rc;

use leptos::mount::mount_to;
use leptos::prelude::*;
use plugin::components::SettingsPanel;
use plugin::words::{locale_for, speak};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::page::{Page, Place};

/// Starts what the page has a place for. The page's script has waited until Roundcube has set the page up.
pub fn start() {
    let Some(page) = Page::of_roundcube() else {
        return js::complain("the page does not say what it is");
    };
    speak(locale_for(&page.language));
    let page = Rc::new(page);
    let Some(plugin) = top::start(&page) else { return };
    match page.place {
        Place::Filters => filters::start(plugin),
        Place::Page => {}
        Place::Settings => within("tls-guarantee-settings", || view! { <SettingsPanel /> }.into_any()),
        Place::List => list::start(plugin, &page),
        Place::Message => message::start(plugin, &page),
        Place::Compose => compose::start(plugin, &page),
    }
}

/// What is typed within the place is no shortcut of Roundcube's.
fn keep_keys(place: &HtmlElement) {
    let keep = js::function(|event| {
        js::call(&event, "stopPropagation", &[]);
    });
    for event in ["keydown", "keypress", "keyup"] {
        let _ = place.add_event_listener_with_callback(event, keep.unchecked_ref());
    }
}

/// Shows something in the place with this id for as long as the page lives.
fn within(id: &str, content: impl FnOnce() -> AnyView + 'static) {
    match js::element(&format!("#{id}")) {
        Some(place) => show(place, Box::new(content)),
        None => js::complain(&format!("there is no #{id}")),
    }
}

fn show(place: HtmlElement, content: Box<dyn FnOnce() -> AnyView>) {
    keep_keys(&place);
    mount_to(place, content).forget();
}
