use leptos::prelude::*;

/// "not sent to …" on a message of the sent folder, in the list and above the open message; nothing if no stop is recorded for it.
#[component]
pub fn SentMark(
    /// The message's Message-ID, with or without `<>`.
    #[prop(into)]
    message_id: String,
) -> impl IntoView {
    let _ = message_id;
}
