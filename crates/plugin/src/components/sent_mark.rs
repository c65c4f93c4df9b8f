use leptos::prelude::*;

use super::sprite::icon;
use crate::Plugin;
use crate::state::{recipients, stops};
use crate::words::w;

/// "not sent to …" on a message of the sent folder, in the list and above the open message; nothing if no
/// stop is recorded for it.
#[component]
pub fn SentMark(
    /// The message's Message-ID, with or without `<>`.
    #[prop(into)]
    message_id: String,
) -> impl IntoView {
    let known = Plugin::of_context().stops();
    let mark = move || {
        let not_sent_to =
            known.with(|known| stops::not_sent_to(known.get().map_or(&[], Vec::as_slice), &message_id));
        (!not_sent_to.is_empty()).then(|| {
            let text = w!(not_sent_to, recipients = recipients::list(&not_sent_to));
            view! { <span class="mark">{icon("stop")}" "<span>{text}</span></span> }
        })
    };
    mark.into_any()
}
