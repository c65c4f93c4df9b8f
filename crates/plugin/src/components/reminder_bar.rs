use leptos::prelude::*;

use super::sprite::icon;
use super::switch_button::Switching;
use crate::Plugin;
use crate::browser;
use crate::state::reminder::Reminder;
use crate::words::{locale, w};

/// The reminder after sending, above the page; nothing while there is none.
#[component]
pub fn ReminderBar() -> impl IntoView {
    let plugin = Plugin::of_context();
    let bar = move || {
        let text = match plugin.reminder().get()? {
            Reminder::Off => w!(reminder).to_owned(),
            Reminder::Paused(until) => w!(reminder_paused, time = browser::clock(until, locale())),
        };
        let switching = Switching::new(plugin);
        Some(view! {
            <div class="note" role="alert">
                <p>{icon("shieldoff")}" "<span>{text}</span></p>
                {switching.failure()}
                <div class="row">
                    {switching.button(plugin.panel(), false)}
                    <button class="btn quiet" type="button" on:click=move |_| plugin.dismiss_reminder()>{w!(later)}</button>
                </div>
            </div>
        })
    };
    bar.into_any()
}
