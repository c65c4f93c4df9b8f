use guarantee::Level;
use leptos::prelude::*;

use super::parts::failure;
use crate::Plugin;
use crate::client::ClientError;
use crate::el::{classed, el, live, nothing};
use crate::state::panel::{Known, Panel};
use crate::words::w;

/// How much the guarantee demands: two choices, saved as they are made.
#[derive(Clone, Copy)]
struct Choosing {
    plugin: Plugin,
    /// What was chosen and is not known to be saved.
    wanted: RwSignal<Option<Level>>,
    busy: StoredValue<bool>,
    saved: RwSignal<bool>,
    failed: RwSignal<Option<ClientError>>,
}

impl Choosing {
    fn level(self) -> Level {
        self.wanted.get().unwrap_or_else(|| self.plugin.level())
    }

    /// Saves it; arrows at the keyboard may be quicker than the server, then the last choice counts.
    fn choose(self, level: Level) {
        self.saved.set(false);
        self.failed.set(None);
        self.wanted.set(Some(level));
        if self.busy.get_value() {
            return;
        }
        self.busy.set_value(true);
        leptos::task::spawn_local(async move {
            while let Some(level) = self.wanted.try_get_untracked().flatten() {
                let answer = self.plugin.demand(level).await;
                if answer.is_ok() && self.wanted.try_get_untracked().flatten() != Some(level) {
                    continue;
                }
                let _ = self.saved.try_set(answer.is_ok());
                let _ = self.failed.try_set(answer.err());
                // What is shown is what the server holds.
                let _ = self.wanted.try_set(None);
            }
            let _ = self.busy.try_set_value(false);
        });
    }
}

/// The choice, below the switch; nothing while the server has not said how it stands.
pub(super) fn level_choice(plugin: Plugin) -> AnyView {
    let choosing = Choosing {
        plugin,
        wanted: RwSignal::new(None),
        busy: StoredValue::new(false),
        saved: RwSignal::new(false),
        failed: RwSignal::new(None),
    };
    let is_known = Memo::new(move |_| plugin.guarantee().with(|known| matches!(known, Known::Known(_))));
    live(move || if is_known.get() { fieldset(choosing) } else { nothing() })
}

fn fieldset(choosing: Choosing) -> AnyView {
    let options = [
        (Level::Encrypted, "tlsg-encrypted", w!(level_encrypted), w!(level_encrypted_text)),
        (Level::Authenticated, "tlsg-authenticated", w!(level_authenticated), w!(level_authenticated_text)),
    ];
    let options = options.map(|(level, id, name, text)| {
        let radio = el("input")
            .attr("type", "radio")
            .attr("name", "tlsg-level")
            .attr("aria-describedby", id)
            .checked(move || choosing.level() == level)
            .on("change", move |_| choosing.choose(level));
        classed("div", "option")
            .child(classed("label", "choice").child(radio).text(name))
            .child(classed("p", "small").attr("id", id).text(text))
    });
    let panel = choosing.plugin.panel();
    let note = move || {
        let later = !matches!(panel.get(), Panel::On);
        let said = match (choosing.saved.get(), later) {
            (true, true) => w!(level_saved_for_later),
            (true, false) => w!(level_saved),
            (false, true) => w!(level_for_later),
            (false, false) => "",
        };
        said.to_owned()
    };
    classed("fieldset", "block")
        .child(el("legend").text(w!(level_title)))
        .children(options)
        .child(classed("p", "small").attr("role", "status").live_text(note))
        .view(live(move || choosing.failed.with(|failed| failed.as_ref().map_or_else(nothing, failure))))
        .into()
}
