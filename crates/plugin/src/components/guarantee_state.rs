use leptos::prelude::*;
use leptos_i18n::t;

use super::sprite::Icon;
use crate::Plugin;
use crate::i18n::use_i18n;
use crate::state::panel::Panel;

/// The switch's position in the bar of every page, a link to the setting.
#[component]
pub fn GuaranteeState(
    /// Where the setting lies.
    #[prop(into)]
    href: String,
) -> impl IntoView {
    let panel = Plugin::of_context().panel();
    let i18n = use_i18n();
    move || {
        let (class, icon, word) = match panel.get() {
            Panel::On => ("state ok btn quiet", "shield", t!(i18n, plugin.bar_on).into_any()),
            Panel::Off => ("state warn btn quiet", "shieldoff", t!(i18n, plugin.bar_off).into_any()),
            Panel::Paused(_) => {
                ("state warn btn quiet", "shieldpause", t!(i18n, plugin.bar_paused).into_any())
            }
            Panel::Waiting | Panel::Unknown => return None,
        };
        Some(view! { <a class=class href=href.clone()><Icon name=icon/> {word}</a> })
    }
}
