use leptos::prelude::*;

use super::asked::focus;
use crate::el::{El, classed, el};

/// A field for text with its label, and what is wrong with what it holds.
#[derive(Clone, Copy)]
pub(super) struct Field {
    id: &'static str,
    /// The id of what is wrong.
    trouble: &'static str,
    value: RwSignal<String>,
    wrong: RwSignal<&'static str>,
}

impl Field {
    /// An empty field.
    pub(super) fn new(id: &'static str, trouble: &'static str) -> Self {
        Self { id, trouble, value: RwSignal::default(), wrong: RwSignal::default() }
    }

    /// The field, with its label above and its trouble below.
    pub(super) fn element(self, label: &str, keyboard: &'static str) -> El {
        let has_trouble = move || !self.wrong.get().is_empty();
        let input = classed("input", "field")
            .attr("type", "text")
            .attr("id", self.id)
            .attr("inputmode", keyboard)
            .attr("autocomplete", "off")
            .attr("autocapitalize", "off")
            .attr("spellcheck", "false")
            .truth("aria-invalid", has_trouble)
            .live_attr("aria-describedby", move || has_trouble().then(|| self.trouble.to_owned()))
            .value(
                move || self.value.get(),
                move |typed| {
                    self.value.set(typed);
                    self.wrong.set("");
                },
            );
        classed("div", "labelled").child(el("label").attr("for", self.id).text(label)).child(input).child(
            classed("p", "trouble")
                .attr("id", self.trouble)
                .attr("role", "alert")
                .live_text(move || self.wrong.get().to_owned()),
        )
    }

    /// What it holds, without blanks around it.
    pub(super) fn text(self) -> String {
        self.value.with_untracked(|value| value.trim().to_owned())
    }

    /// Empties it.
    pub(super) fn clear(self) {
        let _ = self.value.try_set(String::new());
        let _ = self.wrong.try_set("");
    }

    /// Says what is wrong, and puts the focus there.
    pub(super) fn complain(self, wrong: &'static str) {
        if self.wrong.try_set(wrong).is_none() {
            focus(self.id);
        }
    }
}
