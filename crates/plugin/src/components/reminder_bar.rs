use api::GuaranteeState;
use leptos::prelude::*;
use leptos_i18n::t;

use super::failure::Failure;
use super::sprite::Icon;
use super::switch_button::SwitchButton;
use crate::Plugin;
use crate::browser;
use crate::client::ClientError;
use crate::i18n::use_i18n;
use crate::state::reminder::Reminder;

/// The reminder after sending, above the page; nothing while there is none.
#[component]
pub fn ReminderBar() -> impl IntoView {
    let plugin = Plugin::of_context();
    let reminder = plugin.reminder();
    let i18n = use_i18n();
    let failed = RwSignal::new(None::<ClientError>);
    let text = move |reminder| match reminder {
        Reminder::Off => t!(i18n, plugin.reminder).into_any(),
        Reminder::Paused(until) => {
            t!(i18n, plugin.reminder_paused, time = browser::clock(until, i18n.get_locale())).into_any()
        }
    };
    move || {
        let reminder = reminder.get()?;
        Some(view! {
            <div class="note" role="alert">
                <p><Icon name="shieldoff"/> <span>{text(reminder)}</span></p>
                <Failure error=failed/>
                <div class="row">
                    <SwitchButton asks=GuaranteeState::On class="btn primary" failed/>
                    <button class="btn quiet" type="button" on:click=move |_| plugin.dismiss_reminder()>
                        {t!(i18n, plugin.later)}
                    </button>
                </div>
            </div>
        })
    }
}
