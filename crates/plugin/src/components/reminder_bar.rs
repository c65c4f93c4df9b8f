use leptos::prelude::*;

use super::parts::button;
use super::switch_button::Switching;
use crate::Plugin;
use crate::browser;
use crate::el::{classed, el, live, nothing, with_icon};
use crate::state::reminder::Reminder;
use crate::words::{locale, w};

/// The reminder after sending, above the page; nothing while there is none.
#[component]
pub fn ReminderBar() -> impl IntoView {
    let plugin = Plugin::of_context();
    let bar = move || {
        let text = match plugin.reminder().get() {
            None => return nothing(),
            Some(Reminder::Off) => w!(reminder).to_owned(),
            Some(Reminder::Paused(until)) => w!(reminder_paused, time = browser::until(until, locale())),
        };
        let switching = Switching::new(plugin);
        let buttons = classed("div", "row").child(switching.button(plugin.panel(), false)).child(button(
            "btn quiet",
            w!(later),
            move || plugin.dismiss_reminder(),
        ));
        classed("div", "note")
            .attr("role", "alert")
            .child(with_icon(el("p"), "shieldoff", text))
            .view(switching.failure())
            .child(buttons)
            .into()
    };
    live(bar)
}
