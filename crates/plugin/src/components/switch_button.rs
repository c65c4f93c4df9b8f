use api::GuaranteeState;
use leptos::prelude::*;

use super::parts::failure;
use crate::Plugin;
use crate::client::ClientError;
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
    pub(super) fn button(self, panel: Memo<Panel>, is_big: bool) -> AnyView {
        let asks = move || panel.get().button().unwrap_or(GuaranteeState::On);
        let word = move || match asks() {
            GuaranteeState::On => w!(activate),
            GuaranteeState::Off | GuaranteeState::Paused => w!(deactivate),
        };
        let class = move || match (is_big, asks()) {
            (true, GuaranteeState::On) => "btn big primary",
            (true, _) => "btn big",
            (false, _) => "btn primary",
        };
        let disabled = move || self.busy.get().then_some("true");
        view! {
            <button class=class type="button" aria-disabled=disabled on:click=move |_| self.press(untrack(asks))>
                {word}
            </button>
        }
        .into_any()
    }

    /// What did not work, if it did not.
    pub(super) fn failure(self) -> AnyView {
        (move || self.failed.with(|failed| failed.as_ref().map(failure))).into_any()
    }
}
