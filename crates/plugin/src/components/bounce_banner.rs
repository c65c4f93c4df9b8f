use leptos::prelude::*;

use crate::state::banner::Banner;

/// The banner above a message: get `banner` from [`crate::Plugin::banner`]. Where it is [`Banner::Forged`]
/// the webmail switches the mail's links off.
#[component]
pub fn BounceBanner(
    /// What to show.
    #[prop(into)]
    banner: Signal<Banner>,
) -> impl IntoView {
    let _ = banner;
}
