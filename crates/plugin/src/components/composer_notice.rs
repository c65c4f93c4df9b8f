use leptos::prelude::*;

use super::parts::{hint, warning};
use super::sprite::icon;
use crate::Plugin;
use crate::draft::{Draft, Recipients};
use crate::state::notice::{self, Chosen, Notice};
use crate::state::recipients::list;
use crate::words::w;

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
    // Not at every key: what is said is made anew only when it is something else.
    let notice = Memo::new(move |_| draft.with(|draft| notice::of(draft, panel.get())));
    let choice = draft.with_untracked(notice::has_choice).then(|| whom(draft));
    view! {
        {choice}
        {move || notice.get().map(|notice| said(notice, draft, on_send))}
    }
    .into_any()
}

/// Whom it goes to: the stopped, or all.
fn whom(draft: RwSignal<Draft>) -> AnyView {
    let radio = move |which: Chosen| {
        let recipients = draft.with_untracked(|draft| notice::recipients(draft, which));
        let word = match which {
            Chosen::Stopped => w!(choice_stopped, count = recipients.len()),
            Chosen::All => w!(choice_all, count = recipients.len()),
        };
        let choose =
            move |_| draft.update(|draft: &mut Draft| draft.recipients = Recipients::clone(&recipients));
        let checked = move || draft.with(notice::chosen) == Some(which);
        view! {
            <label class="choice"><input type="radio" name="tlsg-whom" prop:checked=checked on:change=choose/>{word}</label>
        }
    };
    view! {
        <fieldset class="hint">
            <legend class="vh">{w!(choice)}</legend>
            <div class="row">{[Chosen::Stopped, Chosen::All].map(radio)}</div>
        </fieldset>
    }
    .into_any()
}

fn said(notice: Notice, draft: RwSignal<Draft>, on_send: Callback<()>) -> AnyView {
    let (texts, way) = match notice {
        Notice::Again(stopped) => {
            (vec![warning("open", w!(again, recipients = list(&stopped)), false)], Some(true))
        }
        Notice::Without(overridden) => {
            (vec![warning("open", w!(without, recipients = list(&overridden)), false)], Some(false))
        }
        Notice::EndToEnd(stopped) if stopped.is_empty() => {
            (vec![hint("key", w!(end_to_end).to_owned())], None)
        }
        Notice::EndToEnd(stopped) => (
            vec![
                hint("key", w!(end_to_end).to_owned()),
                warning("open", w!(end_to_end_again, recipients = list(&stopped)), false),
            ],
            Some(true),
        ),
    };
    let button = way.map(|sends| {
        let press = move |_| {
            if sends {
                draft.update(|draft| draft.without_guarantee_for = notice::stopped(draft));
                on_send.run(());
            } else {
                draft.update(|draft| draft.without_guarantee_for.clear());
            }
        };
        let (class, name, word) =
            if sends { ("btn", "open", w!(way_without)) } else { ("btn quiet", "shield", w!(without_undo)) };
        view! { <button class=class type="button" on:click=press>{icon(name)}{word}</button> }
    });
    view! { <div class="line" role="status">{texts}{button}</div> }.into_any()
}
