use leptos::prelude::*;

/// Settings → My account → Transport encryption: the content below the page's title.
#[component]
pub fn SettingsPanel() -> impl IntoView {}
