use leptos::prelude::*;
use leptos_i18n::t;

use super::sprite::Icon;
use crate::Plugin;
use crate::i18n::use_i18n;
use crate::state::{recipients, stops};

/// "not sent to …" on a message of the sent folder, in the list and above the open message; nothing if no
/// stop is recorded for it.
#[component]
pub fn SentMark(
    /// The message's Message-ID, with or without `<>`.
    #[prop(into)]
    message_id: String,
) -> impl IntoView {
    let known = Plugin::of_context().stops();
    let i18n = use_i18n();
    let not_sent_to = Memo::new(move |_| {
        known.with(|known| {
            recipients::list(&stops::not_sent_to(known.get().map_or(&[], Vec::as_slice), &message_id))
        })
    });
    move || {
        let recipients = not_sent_to.get();
        (!recipients.is_empty()).then(|| {
            view! {
                <span class="mark">
                    <Icon name="stop"/>
                    " "
                    <span>{t!(i18n, plugin.not_sent_to, recipients)}</span>
                </span>
            }
        })
    }
}
