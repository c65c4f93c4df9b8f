//! Above all of a page: the plugin's icons, and what every page of an account shows.

use std::cell::Cell;
use std::rc::Rc;

use leptos::mount::mount_to;
use leptos::prelude::*;
use plugin::Plugin;
use plugin::components::{PauseBar, ReminderBar, Sprite};
use plugin::el::nothing;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::host::Roundcube;
use crate::page::{Page, Place};
use crate::{js, keep_keys};

/// Starts the plugin for the page's account. All that is shown on the page from then on is within its owner.
pub(crate) fn start(page: &Rc<Page>) -> Option<Plugin> {
    let body = document().body()?;
    let place: HtmlElement = document().create_element("div").ok()?.unchecked_into();
    place.set_class_name("tls-guarantee");
    place.set_id("tls-guarantee-top");
    // First of all: for whom the keyboard is, and above whichever column a small screen shows.
    body.prepend_with_node_1(&place).ok()?;
    keep_keys(&place);
    let started: Rc<Cell<Option<(Plugin, Owner)>>> = Rc::default();
    let (page, within) = (Rc::clone(page), Rc::clone(&started));
    let shown = mount_to(place, move || {
        let plugin = Plugin::provide(Rc::new(Roundcube::new(Rc::clone(&page))));
        within.set(Owner::current().map(|owner| (plugin, owner)));
        vec![view! { <Sprite /> }.into_any(), bars(&page)]
    });
    shown.forget();
    let (plugin, owner) = started.take()?;
    owner.set();
    // It lives as long as the page.
    std::mem::forget(owner);
    Some(plugin)
}

/// One at a time. A frame has those of the page around it.
fn bars(page: &Page) -> AnyView {
    if js::is_framed() {
        return nothing();
    }
    let pause = || view! { <PauseBar /> }.into_any();
    match page.place {
        Place::List => vec![pause(), view! { <ReminderBar /> }.into_any()].into_any(),
        // It says so itself.
        Place::Settings => nothing(),
        Place::Message | Place::Compose | Place::Filters | Place::Page => pause(),
    }
}
