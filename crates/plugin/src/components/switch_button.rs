use api::GuaranteeState;
use leptos::prelude::*;

use super::parts::failure;
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

    /// Asks the server, once however often it is pressed.
    fn press(self, asked: GuaranteeState) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.failed.set(None);
        leptos::task::spawn_local(async move {
            let answer = self.plugin.switch(asked).await;
            let _ = self.failed.try_set(answer.err());
            let _ = self.busy.try_set(false);
        });
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
            .truth("aria-disabled", move || self.busy.get())
            .press(move || self.press(untrack(asks)))
            .live_text(word)
    }

    /// What did not work, if it did not.
    pub(super) fn failure(self) -> AnyView {
        live(move || self.failed.with(|failed| failed.as_ref().map_or_else(nothing, failure)))
    }
}
