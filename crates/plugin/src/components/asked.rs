use std::rc::Rc;

use leptos::prelude::*;

use super::parts::{button, failure_text, paragraph, warning};
use crate::Plugin;
use crate::bridge::Answer;
use crate::client::ClientError;
use crate::el::{El, classed, effect, el, live};
use crate::state::panel::Known;
use crate::words::w;

/// A part of the page that the server is asked for when it is shown; it says itself when there is no answer.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    state: RwSignal<Known<()>>,
    ask: StoredValue<Rc<dyn Fn() -> Answer<()>>, LocalStorage>,
}

impl Asked {
    /// Asks at once, and again when the server can be reached again. `ask` keeps what it was answered.
    pub(super) fn new(plugin: Plugin, ask: Rc<dyn Fn() -> Answer<()>>) -> Self {
        let asked = Self { state: RwSignal::default(), ask: StoredValue::new_local(ask) };
        effect(move || {
            let is_there = plugin.guarantee().with(|known| known.get().is_some());
            let failed =
                asked.state.with_untracked(|state| matches!(state, Known::Failed(ClientError::Away)));
            if is_there && failed {
                asked.again();
            }
        });
        asked.again();
        asked
    }

    /// Asks anew; until there is an answer, what is shown stays.
    pub(super) fn again(self) {
        let Some(ask) = self.ask.try_get_value() else { return };
        leptos::task::spawn_local(async move {
            let answer = ask().await;
            let _ = self.state.try_set(answer.into());
        });
    }

    /// Whether there is an answer.
    pub(super) fn is_known(self) -> bool {
        self.state.with(|state| state.get().is_some())
    }

    /// What the answer looks like, or why there is none.
    ///
    /// `title` is the part's.
    pub(super) fn shown(
        self,
        title: &'static str,
        content: impl Fn() -> AnyView + Send + 'static,
    ) -> AnyView {
        live(move || match self.state.get() {
            Known::Known(()) => content(),
            Known::Waiting => paragraph(w!(panel_loading)).class("small").into(),
            Known::Failed(error) => unanswered(&error, title, move || self.again()).into(),
        })
    }
}

/// Why there is no answer, and a button to ask once more, which is named after its part: several may be there at once.
/// For the same reason it is no alert.
pub(super) fn unanswered(error: &ClientError, title: &str, again: impl FnMut() + 'static) -> El {
    let part = classed("span", "vh").text(" (").text(title).text(")");
    classed("div", "unanswered")
        .child(warning("alert", failure_text(error), false))
        .child(button("btn", w!(try_again), again).child(part))
}

/// A part of the page, named by its heading. The heading takes the focus when what had it is gone.
pub(super) fn section(id: &'static str, title: &str) -> El {
    classed("section", "block")
        .attr("aria-labelledby", id)
        .child(el("h2").attr("id", id).attr("tabindex", "-1").text(title))
}

/// Puts the focus on the element with this id.
pub(super) fn focus(id: &str) {
    let found = document().get_element_by_id(id);
    if let Some(found) =
        found.and_then(|found| wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlElement>(found).ok())
    {
        // An element that can't take it does no harm.
        let _ = found.focus();
    }
}
