use leptos::html;
use leptos::prelude::*;
use leptos_i18n::{t, t_string};

use crate::Plugin;
use crate::browser;
use crate::draft::Draft;
use crate::i18n::use_i18n;
use crate::state::recipients::list;

/// "Tell the recipient": a text to ask for another address with, to be taken to another way, or to a mail to
/// another address. No mail to the same address is offered, since it would be stopped too. Open while
/// `asked` holds whom the text is about.
#[component]
pub(super) fn TellDialog(
    /// The stopped recipients.
    asked: RwSignal<Option<Vec<String>>>,
) -> impl IntoView {
    let plugin = Plugin::of_context();
    let i18n = use_i18n();
    let dialog = NodeRef::<html::Dialog>::new();
    let copied = RwSignal::new(false);
    let text = Memo::new(move |_| {
        let recipients = list(&asked.get().unwrap_or_default());
        t_string!(i18n, plugin.tell_ready, recipients).to_string()
    });
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        match (asked.get().is_some(), dialog.open()) {
            (true, false) => {
                copied.set(false);
                let _ = dialog.show_modal();
            }
            (false, true) => dialog.close(),
            (true, true) | (false, false) => {}
        }
    });
    let copy = move |_| {
        let text = text.get_untracked();
        leptos::task::spawn_local(async move {
            let done = browser::copy(&text).await;
            let _ = copied.try_set(done);
        });
    };
    let mail = move |_| {
        asked.set(None);
        plugin.host().open_composer(Draft {
            subject: t_string!(i18n, plugin.tell_subject).to_string(),
            text: text.get_untracked(),
            ..Draft::default()
        });
    };
    view! {
        <dialog node_ref=dialog aria-labelledby="tlsg-tell" aria-describedby="tlsg-tell-text" on:close=move |_| asked.set(None)>
            <div class="dialog-text">
                <h2 id="tlsg-tell">{t!(i18n, plugin.way_tell)}</h2>
                <p id="tlsg-tell-text">{t!(i18n, plugin.tell_intro)}</p>
                <textarea class="field" rows="9" readonly aria-label=move || t_string!(i18n, plugin.tell_label).to_string() prop:value=text></textarea>
                <p class="small" role="status">
                    {move || copied.get().then_some(t!(i18n, plugin.tell_copied))}
                </p>
            </div>
            <div class="dialog-end row">
                <button class="btn primary" type="button" autofocus on:click=copy>{t!(i18n, plugin.tell_copy)}</button>
                <button class="btn" type="button" on:click=mail>{t!(i18n, plugin.tell_mail)}</button>
                <button class="btn" type="button" on:click=move |_| asked.set(None)>{t!(i18n, plugin.close)}</button>
            </div>
        </dialog>
    }
}
