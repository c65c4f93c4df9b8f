use std::pin::Pin;

use api::GuaranteeState;
use jiff::Timestamp;
use leptos::prelude::*;

use super::parts::{button, failure, warning};
use crate::Plugin;
use crate::client::ClientError;
use crate::el::{El, el, live, nothing};
use crate::state::panel::Panel;
use crate::words::w;

/// What the switch is asked for, and what came of it.
#[derive(Clone, Copy)]
pub(super) struct Switching {
    plugin: Plugin,
    busy: RwSignal<bool>,
    failed: RwSignal<Option<ClientError>>,
}

impl Switching {
    pub(super) fn new(plugin: Plugin) -> Self {
        Self { plugin, busy: RwSignal::new(false), failed: RwSignal::new(None) }
    }

    /// Whether the server has been asked and has not answered yet.
    pub(super) fn is_busy(self) -> bool {
        self.busy.get()
    }

    /// Asks the server, once however often it is pressed.
    fn ask(self, question: Pin<Box<dyn Future<Output = Result<(), ClientError>>>>) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.failed.set(None);
        leptos::task::spawn_local(async move {
            let answer = question.await;
            let _ = self.failed.try_set(answer.err());
            let _ = self.busy.try_set(false);
        });
    }

    fn press(self, asked: GuaranteeState) {
        self.ask(Box::pin(self.plugin.switch(asked)));
    }

    /// Asks for a pause until then.
    pub(super) fn pause(self, until: Timestamp) {
        self.ask(Box::pin(self.plugin.pause(until)));
    }

    /// The button. It must stay the same element when its sense turns round, so that the keyboard does not lose it.
    pub(super) fn button(self, panel: Memo<Panel>, is_big: bool) -> El {
        let asks = move || panel.get().button().unwrap_or(GuaranteeState::On);
        let word = move || match asks() {
            GuaranteeState::On => w!(activate).to_owned(),
            GuaranteeState::Off | GuaranteeState::Paused => w!(deactivate).to_owned(),
        };
        let class = move || {
            let class = match (is_big, asks()) {
                (true, GuaranteeState::On) => "btn big primary",
                (true, _) => "btn big",
                (false, _) => "btn primary",
            };
            Some(class.to_owned())
        };
        el("button")
            .attr("type", "button")
            .live_attr("class", class)
            .truth("aria-disabled", move || self.is_busy())
            .press(move || self.press(untrack(asks)))
            .live_text(word)
    }

    /// The button that ends a pause.
    pub(super) fn end_pause(self) -> El {
        button("btn", w!(pause_end), move || self.press(GuaranteeState::On))
            .truth("aria-disabled", move || self.is_busy())
    }

    /// What did not work, if it did not. An end that the server does not take may come from a wrong clock.
    pub(super) fn failure(self) -> AnyView {
        live(move || {
            self.failed.with(|failed| match failed {
                None => nothing(),
                Some(error) if is_clock(error) => warning("alert", w!(pause_clock), true).into(),
                Some(error) => failure(error),
            })
        })
    }
}

fn is_clock(error: &ClientError) -> bool {
    matches!(error, ClientError::Problem(problem) if problem.field.as_deref() == Some("/until"))
}
