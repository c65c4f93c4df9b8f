use leptos::prelude::*;

/// The switch's position in the bar of every page, a link to the setting.
#[component]
pub fn GuaranteeState(
    /// Where the setting lies.
    #[prop(into)]
    href: String,
) -> impl IntoView {
    let _ = href;
}
