use api::Stop;
use leptos::prelude::*;

use crate::Plugin;
use crate::el::{classed, live, nothing, with_icon};
use crate::state::stops;
use crate::words::{list, w};

/// "not sent to …" on a message of the sent folder, in the list and above the open message, until it was sent again; then
/// "sent again to …". Nothing if no stop is recorded for it.
#[component]
pub fn SentMark(
    /// The message's Message-ID, with or without `<>`.
    #[prop(into)]
    message_id: String,
) -> impl IntoView {
    let known = Plugin::of_context().stops();
    let marked = Memo::new(move |_| {
        known.with(|known| Marked::of(known.get().map_or(&[], Vec::as_slice), &message_id))
    });
    live(move || match marked.get() {
        None => nothing(),
        Some(Marked { class, icon, text }) => with_icon(classed("span", class), icon, text).into(),
    })
}

/// What a mark says and how it looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// Its classes.
    pub class: &'static str,
    /// Its icon's name.
    pub icon: &'static str,
    /// Its words.
    pub text: String,
}

impl Marked {
    /// The mark of the sent message with this Message-ID, if it has one.
    pub fn of(stops: &[Stop], message_id: &str) -> Option<Self> {
        let stops::Mark { not_sent_to, sent_again_to } = stops::mark(stops, message_id);
        let not_sent = || w!(not_sent_to, recipients = list(&not_sent_to));
        let again = || w!(sent_again_to, recipients = list(&sent_again_to));
        let (class, icon, text) = match (not_sent_to.is_empty(), sent_again_to.is_empty()) {
            (true, true) => return None,
            (true, false) => ("mark done", "check", again()),
            (false, true) => ("mark", "stop", not_sent()),
            (false, false) => ("mark", "stop", not_sent() + " · " + &again()),
        };
        Some(Self { class, icon, text })
    }
}
