use leptos::prelude::*;
use leptos::tachys::html::InertElement;

/// All icons, to be put into the page once; [`Icon`] shows one.
#[component]
pub fn Sprite() -> impl IntoView {
    InertElement::new(concat!("<svg hidden>", include_str!("sprite.svg"), "</svg>"))
}

/// An icon beside a word; hidden from screen readers.
#[component]
pub fn Icon(
    /// Its name in the sprite, without `i-`.
    name: &'static str,
) -> impl IntoView {
    icon(name)
}

/// The same for our own views: one type for all icons, so that the code for it is there once.
pub(crate) fn icon(name: &'static str) -> InertElement {
    InertElement::new(format!("<svg class=\"i\" aria-hidden=\"true\"><use href=\"#i-{name}\"/></svg>"))
}
