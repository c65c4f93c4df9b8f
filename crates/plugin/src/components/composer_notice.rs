use leptos::prelude::*;
use leptos_i18n::t;

use super::sprite::Icon;
use crate::Plugin;
use crate::draft::Draft;
use crate::i18n::use_i18n;
use crate::state::notice::{self, Chosen, Notice};
use crate::state::recipients::list;

/// What the composer says of a reopened message, above its text: whom it goes to (the stopped or all), that
/// it will be stopped again and the override, or that it leaves without the guarantee. Nothing for any other draft.
#[component]
pub fn ComposerNotice(
    /// The draft; the user's choices are written into it.
    draft: RwSignal<Draft>,
    /// The composer's own sending, for the button "Send without the TLS guarantee".
    #[prop(into)]
    on_send: Callback<()>,
) -> impl IntoView {
    let panel = Plugin::of_context().panel();
    let notice = Memo::new(move |_| draft.with(|draft| notice::of(draft, panel.get())));
    view! {
        <WhomChoice draft/>
        {move || notice.get().map(|notice| view! { <Said notice draft on_send/> })}
    }
}

#[component]
fn WhomChoice(draft: RwSignal<Draft>) -> impl IntoView {
    let i18n = use_i18n();
    let choice = Memo::new(move |_| {
        draft.with(|draft| draft.choice.clone().filter(|choice| choice.stopped != choice.all))
    });
    let chosen = Memo::new(move |_| draft.with(notice::chosen));
    move || {
        let choice = choice.get()?;
        let counts = (choice.stopped.len(), choice.all.len());
        let radio = move |which: Chosen| {
            let recipients = match which {
                Chosen::Stopped => choice.stopped.clone(),
                Chosen::All => choice.all.clone(),
            };
            let choose = move |_| draft.update(|draft| draft.recipients = recipients.clone());
            view! {
                <input type="radio" name="tlsg-whom" prop:checked=move || chosen.get() == Some(which) on:change=choose/>
            }
        };
        Some(view! {
            <fieldset class="line">
                <legend class="vh">{t!(i18n, plugin.choice)}</legend>
                <div class="row">
                    <label class="choice">{radio.clone()(Chosen::Stopped)} {t!(i18n, plugin.choice_stopped, count = counts.0)}</label>
                    <label class="choice">{radio(Chosen::All)} {t!(i18n, plugin.choice_all, count = counts.1)}</label>
                </div>
            </fieldset>
        })
    }
}

#[component]
fn Said(notice: Notice, draft: RwSignal<Draft>, on_send: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let send_without = move |_| {
        draft.update(|draft| draft.without_guarantee_for = notice::stopped(draft));
        on_send.run(());
    };
    let undo = move |_| draft.update(|draft| draft.without_guarantee_for.clear());
    let way_out = move || {
        view! {
            <button class="btn" type="button" on:click=send_without><Icon name="open"/>{t!(i18n, plugin.way_without)}</button>
        }
    };
    let said = match notice {
        Notice::Again(stopped) => view! {
            <p class="hint warn">
                <Icon name="open"/>
                <span>{t!(i18n, plugin.again, recipients = list(&stopped))}</span>
            </p>
            {way_out()}
        }
        .into_any(),
        Notice::EndToEnd(stopped) => {
            let again = (!stopped.is_empty()).then(|| {
                view! {
                    <p class="hint warn">
                        <Icon name="open"/>
                        <span>{t!(i18n, plugin.end_to_end_again, recipients = list(&stopped))}</span>
                    </p>
                    {way_out()}
                }
            });
            view! {
                <p class="hint"><Icon name="key"/> <span>{t!(i18n, plugin.end_to_end)}</span></p>
                {again}
            }
            .into_any()
        }
        Notice::Without(overridden) => view! {
            <p class="hint warn">
                <Icon name="open"/>
                <span>{t!(i18n, plugin.without, recipients = list(&overridden))}</span>
            </p>
            <button class="btn quiet" type="button" on:click=undo>{t!(i18n, plugin.without_undo)}</button>
        }
        .into_any(),
    };
    view! { <div class="line" role="status">{said}</div> }
}
