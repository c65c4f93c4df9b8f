use std::rc::Rc;

use api::Preferences;
use leptos::prelude::*;

use super::asked::{Asked, section};
use super::parts::failure;
use crate::Plugin;
use crate::client::ClientError;
use crate::el::{El, classed, el, live, nothing};
use crate::words::w;

/// What else the user may want: one choice, saved as it is made.
#[derive(Clone, Copy)]
struct Choosing {
    plugin: Plugin,
    held: RwSignal<bool>,
    busy: RwSignal<bool>,
    saved: RwSignal<bool>,
    failed: RwSignal<Option<ClientError>>,
}

/// The section, below the level.
pub(super) fn preferences(plugin: Plugin) -> El {
    let choosing = Choosing {
        plugin,
        held: RwSignal::new(false),
        busy: RwSignal::new(false),
        saved: RwSignal::new(false),
        failed: RwSignal::new(None),
    };
    let ask = move || -> crate::Answer<()> {
        Box::pin(async move {
            let answer = plugin.asks()?.preferences().await?;
            let _ = choosing.held.try_set(answer.end_to_end_without_tls);
            Ok(())
        })
    };
    let asked = Asked::new(plugin, Rc::new(ask));
    let saved = move || if choosing.saved.get() { w!(preference_saved).to_owned() } else { String::new() };
    section("tlsg-preferences", w!(preferences_title))
        .view(asked.shown(w!(preferences_title), move || choosing.choice()))
        .child(classed("p", "small").attr("role", "status").live_text(saved))
        .view(live(move || choosing.failed.with(|failed| failed.as_ref().map_or_else(nothing, failure))))
}

impl Choosing {
    fn choice(self) -> AnyView {
        let checkbox = el("input")
            .attr("type", "checkbox")
            .attr("aria-describedby", "tlsg-end-to-end")
            .truth("aria-disabled", move || self.busy.get())
            .checked(move || self.held.get())
            .on("change", move |_| self.turn());
        let text = classed("p", "small").attr("id", "tlsg-end-to-end").text(w!(preference_end_to_end_text));
        classed("div", "option")
            .child(
                classed("label", "choice").child(checkbox).child(el("span").text(w!(preference_end_to_end))),
            )
            .child(text)
            .into()
    }

    /// Asks for the other; what is shown in the end is what the server holds.
    fn turn(self) {
        let held = self.held.get_untracked();
        if self.busy.get_untracked() {
            return self.held.set(held);
        }
        self.busy.set(true);
        self.saved.set(false);
        self.failed.set(None);
        let client = self.plugin.client();
        leptos::task::spawn_local(async move {
            let wanted = Preferences { end_to_end_without_tls: !held };
            let answer = client.set_preferences(wanted).await;
            let _ = self.busy.try_set(false);
            let _ = self.saved.try_set(answer.is_ok());
            let _ = self.held.try_set(answer.as_ref().map_or(held, |holds| holds.end_to_end_without_tls));
            let _ = self.failed.try_set(answer.err());
        });
    }
}
