use leptos::prelude::*;

use super::parts::{button, hint, warning};
use crate::Plugin;
use crate::draft::{Draft, Recipients};
use crate::el::{El, classed, el, live, nothing};
use crate::state::notice::{self, Chosen, Notice};
use crate::words::{list, w};

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
    let choice = if draft.with_untracked(notice::has_choice) { whom(draft).into() } else { nothing() };
    let said = live(move || notice.get().map_or_else(nothing, |notice| said(notice, draft, on_send)));
    let bound = Memo::new(move |_| draft.with(notice::bound));
    let no_help = live(move || match bound.get() {
        bound if bound.is_empty() => nothing(),
        bound => {
            let text = w!(again_no_help, recipients = list(&bound));
            classed("div", "line").attr("role", "status").child(warning("stop", &text, false)).into()
        }
    });
    vec![choice, no_help, said].into_any()
}

/// Whom it goes to: the stopped, or all.
fn whom(draft: RwSignal<Draft>) -> El {
    let radio = move |which: Chosen| {
        let recipients = draft.with_untracked(|draft| notice::recipients(draft, which));
        let word = match which {
            Chosen::Stopped => w!(choice_stopped, count = recipients.len()),
            Chosen::All => w!(choice_all, count = recipients.len()),
        };
        let choose =
            move |_| draft.update(|draft: &mut Draft| draft.recipients = Recipients::clone(&recipients));
        let radio = el("input")
            .attr("type", "radio")
            .attr("name", "tlsg-whom")
            .checked(move || draft.with(notice::chosen) == Some(which))
            .on("change", choose);
        classed("label", "choice").child(radio).text(word)
    };
    classed("fieldset", "hint")
        .child(classed("legend", "vh").text(w!(choice)))
        .child(classed("div", "row").children([Chosen::Stopped, Chosen::All].map(radio)))
}

fn said(notice: Notice, draft: RwSignal<Draft>, on_send: Callback<()>) -> AnyView {
    let (texts, way) = match notice {
        Notice::Again(stopped) => {
            (vec![warning("open", &w!(again, recipients = list(&stopped)), false)], Some(true))
        }
        Notice::Without(overridden) => {
            (vec![warning("open", &w!(without, recipients = list(&overridden)), false)], Some(false))
        }
        Notice::EndToEnd(stopped) if stopped.is_empty() => (vec![hint("key", w!(end_to_end))], None),
        Notice::EndToEnd(stopped) => (
            vec![
                hint("key", w!(end_to_end)),
                warning("open", &w!(end_to_end_again, recipients = list(&stopped)), false),
            ],
            Some(true),
        ),
    };
    let button = way.map(|sends| {
        let press = move || {
            if sends {
                draft.update(|draft| draft.without_guarantee_for = notice::stopped(draft));
                on_send.run(());
            } else {
                draft.update(|draft| draft.without_guarantee_for.clear());
            }
        };
        let (class, name, word) =
            if sends { ("btn", "open", w!(way_without)) } else { ("btn quiet", "shield", w!(without_undo)) };
        button(class, "", press).icon(name).text(word)
    });
    classed("div", "line").attr("role", "status").children(texts).maybe(button).into()
}
