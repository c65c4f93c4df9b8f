use leptos::prelude::*;

use crate::Plugin;
use crate::el::{classed, live, nothing, with_icon};
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
        if not_sent_to.is_empty() {
            return nothing();
        }
        let text = w!(not_sent_to, recipients = recipients::list(&not_sent_to));
        with_icon(classed("span", "mark"), "stop", text).into()
    };
    live(mark)
}
