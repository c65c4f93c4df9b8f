//! A button with a menu, as the ARIA practices have it: arrows move, Escape closes.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Event, FocusEvent, HtmlElement, KeyboardEvent, Node};

use super::plain_button;
use crate::el::{El, classed, el, event_as};

/// One entry.
pub(super) struct Entry {
    pub(super) icon: &'static str,
    pub(super) name: &'static str,
    pub(super) action: Box<dyn Fn()>,
}

/// The menu's state.
#[derive(Clone, Copy)]
struct Menu {
    open: RwSignal<bool>,
    count: usize,
}

/// The button `name` and its menu.
pub(super) fn menu(name: &'static str, entries: Vec<Entry>) -> El {
    let menu = Menu { open: RwSignal::new(false), count: entries.len() };
    let button = plain_button("btn quiet", move || {
        if menu.open.get_untracked() { menu.open.set(false) } else { menu.show(0) }
    })
    .attr("aria-haspopup", "menu")
    .live_attr("aria-expanded", move || Some(menu.open.get().to_string()))
    .on("keydown", move |event| menu.key_on_button(event))
    .icon("more")
    .child(el("span").text(name));
    let items = entries.into_iter().map(|entry| {
        let act = move || {
            menu.close();
            (entry.action)();
        };
        plain_button("", act)
            .attr("role", "menuitem")
            .attr("tabindex", "-1")
            .icon(entry.icon)
            .text(entry.name)
    });
    let list = classed("div", "menu")
        .attr("role", "menu")
        .attr("aria-label", name)
        .hidden(move || !menu.open.get())
        .on("keydown", move |event| menu.key_in_menu(event))
        .children(items);
    classed("div", "menu-at end").on("focusout", move |event| menu.leave(event)).child(button).child(list)
}

impl Menu {
    fn show(self, at: usize) {
        self.open.set(true);
        request_animation_frame(move || focus_item(at));
    }

    /// Closes it, and returns to the button.
    fn close(self) {
        self.open.set(false);
        if let Some(button) = crate::focus::find(".menu-at > button") {
            let _ = button.focus();
        }
    }

    fn key_on_button(self, event: Event) {
        let Some(event) = event_as::<KeyboardEvent>(event) else { return };
        let at = match event.key().as_str() {
            "ArrowDown" => 0,
            "ArrowUp" => self.count.saturating_sub(1),
            _ => return,
        };
        event.prevent_default();
        self.show(at);
    }

    fn key_in_menu(self, event: Event) {
        let Some(event) = event_as::<KeyboardEvent>(event) else { return };
        let key = event.key();
        match next(&key, focused(), self.count) {
            Some(at) => {
                event.prevent_default();
                focus_item(at);
            }
            None if key == "Escape" => self.close(),
            None if key == "Tab" => self.open.set(false),
            None => {}
        }
    }

    fn leave(self, event: Event) {
        let Some(event) = event_as::<FocusEvent>(event) else { return };
        let node =
            |target: Option<web_sys::EventTarget>| target.and_then(|target| target.dyn_into::<Node>().ok());
        let inside = node(event.related_target());
        if !node(event.current_target()).is_some_and(|holder| holder.contains(inside.as_ref())) {
            // It also loses the focus by being taken off the page.
            let _ = self.open.try_set(false);
        }
    }
}

/// Where a key leads to from the entry `at`, of `count`.
fn next(key: &str, at: Option<usize>, count: usize) -> Option<usize> {
    let last = count.checked_sub(1)?;
    match (key, at) {
        ("ArrowDown", Some(at)) if at < last => Some(at + 1),
        ("ArrowDown" | "Home", _) => Some(0),
        ("ArrowUp", Some(at)) if at > 0 => Some(at - 1),
        ("ArrowUp" | "End", _) => Some(last),
        _ => None,
    }
}

/// The entries; there is one menu on a page.
fn items() -> Vec<HtmlElement> {
    let Ok(found) = document().query_selector_all(".menu [role=menuitem]") else { return Vec::new() };
    (0..found.length()).filter_map(|at| found.item(at)?.dyn_into().ok()).collect()
}

fn focus_item(at: usize) {
    if let Some(item) = items().get(at) {
        let _ = item.focus();
    }
}

fn focused() -> Option<usize> {
    let active = document().active_element()?;
    items().iter().position(|item| item.is_same_node(Some(&active)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("ArrowDown", Some(0), 3, Some(1))]
    #[case("ArrowDown", Some(2), 3, Some(0))]
    #[case("ArrowDown", None, 3, Some(0))]
    #[case("ArrowUp", Some(0), 3, Some(2))]
    #[case("ArrowUp", Some(2), 3, Some(1))]
    #[case("ArrowUp", None, 3, Some(2))]
    #[case("Home", Some(2), 3, Some(0))]
    #[case("End", Some(0), 3, Some(2))]
    #[case("Escape", Some(0), 3, None)]
    #[case("ArrowDown", None, 0, None)]
    fn keys(
        #[case] key: &str,
        #[case] at: Option<usize>,
        #[case] count: usize,
        #[case] expected: Option<usize>,
    ) {
        assert_eq!(next(key, at, count), expected);
    }
}
