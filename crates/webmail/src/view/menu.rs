//! A button with a menu, as the ARIA practices have it: arrows move, Escape closes.

use leptos::ev::{FocusEvent, KeyboardEvent};
use leptos::html;
use leptos::prelude::*;
use plugin::components::Icon;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, Node};

use crate::live::live;

/// One entry.
pub(super) struct Entry {
    pub(super) icon: &'static str,
    pub(super) name: String,
    pub(super) action: Callback<()>,
}

/// The button `name` and its menu.
pub(super) fn menu(name: &'static str, entries: Vec<Entry>) -> impl IntoView {
    let open = RwSignal::new(false);
    let holder = NodeRef::<html::Div>::new();
    let count = entries.len();
    let show = move |at: usize| {
        open.set(true);
        request_animation_frame(move || focus_item(holder, at));
    };
    let close = move || {
        open.set(false);
        if let Some(button) = holder.get_untracked().and_then(|holder| child(&holder, "button")) {
            let _ = button.focus();
        }
    };
    let on_button = move |event: KeyboardEvent| match event.key().as_str() {
        "ArrowDown" => {
            event.prevent_default();
            show(0);
        }
        "ArrowUp" => {
            event.prevent_default();
            show(count.saturating_sub(1));
        }
        _ => {}
    };
    let on_menu = move |event: KeyboardEvent| {
        let Some(at) = next(&event.key(), focused(holder), count) else {
            match event.key().as_str() {
                "Escape" => close(),
                "Tab" => open.set(false),
                _ => return,
            }
            return;
        };
        event.prevent_default();
        focus_item(holder, at);
    };
    let on_leave = move |event: FocusEvent| {
        let inside = event.related_target().and_then(|target| target.dyn_into::<Node>().ok());
        let holder = event.current_target().and_then(|holder| holder.dyn_into::<Node>().ok());
        if !holder.is_some_and(|holder| holder.contains(inside.as_ref())) {
            // It also loses the focus by being taken off the page.
            let _ = open.try_set(false);
        }
    };
    let items = entries
        .into_iter()
        .map(|entry| {
            let act = move |_| {
                close();
                entry.action.run(());
            };
            view! {
                <button type="button" role="menuitem" tabindex="-1" on:click=act>
                    <Icon name=entry.icon />" "{entry.name}
                </button>
            }
        })
        .collect_view();
    view! {
        <div class="menu-at end" node_ref=holder on:focusout=on_leave>
            <button class="btn quiet" type="button" aria-haspopup="menu" aria-expanded=live(move || Some(if open.get() { "true" } else { "false" }))
                on:click=move |_| if open.get_untracked() { open.set(false) } else { show(0) } on:keydown=on_button>
                <Icon name="more" /><span>{name}</span>
            </button>
            <div class="menu" role="menu" aria-label=name hidden=live(move || !open.get()) on:keydown=on_menu>{items}</div>
        </div>
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

fn child(of: &HtmlElement, selector: &str) -> Option<HtmlElement> {
    of.query_selector(selector).ok()??.dyn_into().ok()
}

fn items(holder: NodeRef<html::Div>) -> Vec<HtmlElement> {
    let found = holder.get_untracked().and_then(|holder| holder.query_selector_all("[role=menuitem]").ok());
    let Some(found) = found else { return Vec::new() };
    (0..found.length()).filter_map(|at| found.item(at)?.dyn_into().ok()).collect()
}

fn focus_item(holder: NodeRef<html::Div>, at: usize) {
    if let Some(item) = items(holder).get(at) {
        let _ = item.focus();
    }
}

fn focused(holder: NodeRef<html::Div>) -> Option<usize> {
    let active = document().active_element()?;
    items(holder).iter().position(|item| item.is_same_node(Some(&active)))
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
    fn keys(#[case] key: &str, #[case] at: Option<usize>, #[case] count: usize, #[case] expected: Option<usize>) {
        assert_eq!(next(key, at, count), expected);
    }
}
