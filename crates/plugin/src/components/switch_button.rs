use api::GuaranteeState;
use leptos::prelude::*;
use leptos_i18n::t;

use crate::Plugin;
use crate::client::ClientError;
use crate::i18n::use_i18n;

/// The button that switches the guarantee. It stays the same element when its sense turns round, so that
/// the keyboard does not lose it; while the server is being asked it does nothing.
#[component]
pub(super) fn SwitchButton(
    /// What it asks for.
    #[prop(into)]
    asks: Signal<GuaranteeState>,
    /// Looks beyond `btn`.
    #[prop(into)]
    class: Signal<&'static str>,
    /// Where a failure goes.
    failed: RwSignal<Option<ClientError>>,
) -> impl IntoView {
    let plugin = Plugin::of_context();
    let i18n = use_i18n();
    let busy = RwSignal::new(false);
    let press = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        failed.set(None);
        let asked = asks.get_untracked();
        leptos::task::spawn_local(async move {
            let answer = plugin.switch(asked).await;
            let _ = failed.try_set(answer.err());
            let _ = busy.try_set(false);
        });
    };
    view! {
        <button class=move || class.get() type="button" aria-disabled=move || busy.get().then_some("true") on:click=press>
            {move || match asks.get() {
                GuaranteeState::On => t!(i18n, plugin.activate).into_any(),
                GuaranteeState::Off | GuaranteeState::Paused => t!(i18n, plugin.deactivate).into_any(),
            }}
        </button>
    }
}
