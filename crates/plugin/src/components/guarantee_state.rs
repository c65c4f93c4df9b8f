use leptos::prelude::*;

use crate::Plugin;
use crate::el::{classed, live, nothing};
use crate::state::panel::Panel;
use crate::words::w;

/// The switch's position in the bar of every page, a link to the setting.
#[component]
pub fn GuaranteeState(
    /// Where the setting lies.
    #[prop(into)]
    href: String,
) -> impl IntoView {
    let panel = Plugin::of_context().panel();
    let link = move || {
        let (class, name, word) = match panel.get() {
            Panel::On => ("state ok btn quiet", "shield", w!(bar_on)),
            Panel::Off => ("state warn btn quiet", "shieldoff", w!(bar_off)),
            Panel::Paused(_) => ("state warn btn quiet", "shieldpause", w!(bar_paused)),
            Panel::Waiting | Panel::Unknown => return nothing(),
        };
        classed("a", class).attr("href", &href).icon(name).text(word).into()
    };
    live(link)
}
