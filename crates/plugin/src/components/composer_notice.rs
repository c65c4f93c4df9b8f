use leptos::prelude::*;

use crate::draft::Draft;

/// What the composer says of a reopened message, above its text: whom it goes to (the stopped or all), that
/// it will be stopped again and the override, or that it leaves without the guarantee. Nothing for any other draft.
#[component]
pub fn ComposerNotice(
    /// The draft; the user's choices are written into it.
    draft: RwSignal<Draft>,
    /// The composer's own sending, for the button "Send without the TLS guarantee".
    #[prop(into)]
    on_send: Callback<()>,
) -> impl IntoView {
    let _ = (draft, on_send);
}
