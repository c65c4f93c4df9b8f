use leptos::prelude::*;

use super::switch_button::Switching;
use crate::Plugin;
use crate::browser;
use crate::el::{classed, el, live, nothing, with_icon};
use crate::state::panel::Panel;
use crate::words::{locale, w};

/// The pause, above every page while it lasts, with a button that ends it; nothing else, and nothing while the
/// reminder after sending says the same. It comes and goes by events, in all tabs, and never takes the focus.
#[component]
pub fn PauseBar() -> impl IntoView {
    let plugin = Plugin::of_context();
    let panel = plugin.panel();
    let shown = Memo::new(move |_| match panel.get() {
        Panel::Paused(until) if plugin.reminder().get().is_none() => Some(until),
        _ => None,
    });
    let switching = Switching::new(plugin);
    let bar = move || {
        let Some(until) = shown.get() else { return nothing() };
        let text = w!(pause_bar, time = browser::until(until, locale()));
        classed("div", "note")
            .child(with_icon(el("p"), "shieldpause", text))
            .view(switching.failure())
            .child(switching.end_pause())
            .into()
    };
    // A status is heard if it was there before what it says.
    AnyView::from(el("div").attr("role", "status").view(live(bar)))
}
