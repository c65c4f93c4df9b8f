use leptos::prelude::*;

/// The reminder after sending, above the page; nothing while there is none.
#[component]
pub fn ReminderBar() -> impl IntoView {}
