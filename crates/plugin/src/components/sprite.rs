use leptos::prelude::*;

/// All icons, to be put into the page once; [`Icon`] shows one.
#[component]
pub fn Sprite() -> impl IntoView {
    // A constant of ours, and a tenth of the code that building it node by node would take.
    view! { <svg hidden inner_html=include_str!("sprite.svg")></svg> }
}

/// An icon beside a word; hidden from screen readers.
#[component]
pub fn Icon(
    /// Its name in the sprite, without `i-`.
    name: &'static str,
) -> impl IntoView {
    view! { <svg class="i" aria-hidden="true"><use href=format!("#i-{name}")></use></svg> }
}
