use std::rc::Rc;

use api::{Check, Forwarding, NewForwarding};
use leptos::prelude::*;
use leptos::wasm_split::wasm_split;

use super::asked::{Asked, focus, section};
use super::field::Field;
use super::parts::{address, button, failure, paragraph, protection, when};
use super::recipient_protection::{in_words, look, reason};
use crate::Plugin;
use crate::client::ClientError;
use crate::el::{El, classed, el, live, nothing};
use crate::state::forwarding::{self, Wrong};
use crate::words::w;

const ID: &str = "tlsg-forwarding";

/// Before a permanent forwarding: how well the way to its target is protected, and whether to write to the user when that
/// is lost. It stands for itself: in the settings, and beside the webmail's own form for forwardings. The part of the
/// module that draws it is loaded first.
///
/// # Errors
/// When that can't be loaded.
#[wasm_split(settings, wasm_split_path = ::leptos::wasm_split, fallible)]
pub fn drawn_forwarding_check() -> Result<fn(Plugin) -> AnyView, ClientError> {
    Ok(|plugin| forwarding_check(plugin).into())
}

#[derive(Clone, Copy)]
struct Forwardings {
    plugin: Plugin,
    target: Field,
    /// What was found last.
    found: RwSignal<Option<Check>>,
    watched: RwSignal<Vec<Forwarding>>,
    asked: Asked,
    busy: RwSignal<bool>,
    failed: RwSignal<Option<ClientError>>,
    /// What was done last.
    said: RwSignal<String>,
}

pub(super) fn forwarding_check(plugin: Plugin) -> El {
    let watched = RwSignal::new(Vec::new());
    let ask = move || -> crate::Answer<()> {
        Box::pin(async move {
            let answer = plugin.asks()?.forwardings().await?;
            let _ = watched.try_set(answer);
            Ok(())
        })
    };
    let forwardings = Forwardings {
        plugin,
        target: Field::new("tlsg-target", "tlsg-target-wrong"),
        found: RwSignal::new(None),
        watched,
        asked: Asked::new(plugin, Rc::new(ask)),
        busy: RwSignal::new(false),
        failed: RwSignal::new(None),
        said: RwSignal::new(String::new()),
    };
    forwardings.hear_late_answers();
    let found = live(move || forwardings.found.with(|found| found.as_ref().map_or_else(nothing, shown)));
    section(ID, w!(forwarding_title))
        .child(paragraph(w!(forwarding_text)))
        .child(forwardings.form())
        .child(
            el("div")
                .attr("role", "status")
                .view(found)
                .child(paragraph("").class("small").live_text(move || forwardings.said.get())),
        )
        .view(live(move || forwardings.watch_button()))
        .view(live(move || forwardings.failed.with(|failed| failed.as_ref().map_or_else(nothing, failure))))
        .view(forwardings.asked.shown(w!(forwarding_title), move || forwardings.list()))
}

/// What was found, in the composer's words, and why.
fn shown(check: &Check) -> AnyView {
    let word = forwarding::word(check);
    let (class, icon) = look(word);
    let chip = classed("div", class)
        .view(super::icon(icon).into_any())
        .child(address(&check.recipient))
        .text(" ")
        .child(classed("span", "state").text(in_words(word)));
    el("div").class("found").child(chip).child(paragraph(&reason(word, Some(check)))).into()
}

impl Forwardings {
    /// What takes longer than the answer follows as an event.
    fn hear_late_answers(self) {
        let late = self.plugin.late_check();
        crate::el::effect(move || {
            late.with(|late| {
                let Some(late) = late else { return };
                self.found.update(|found| {
                    if let Some(found) =
                        found.as_mut().filter(|found| forwarding::is_about(late, &found.recipient))
                    {
                        found.clone_from(late);
                    }
                });
            });
        });
    }

    fn form(self) -> El {
        let check = classed("button", "btn")
            .attr("type", "submit")
            .truth("aria-disabled", move || self.busy.get())
            .text(w!(forwarding_check));
        classed("form", "row top")
            .attr("novalidate", "")
            .attr("aria-labelledby", ID)
            .child(self.target.element(w!(forwarding_target), "email"))
            .child(check)
            .on("submit", move |event| {
                event.prevent_default();
                self.check();
            })
    }

    fn check(self) {
        let target = self.target.text();
        if target.is_empty() {
            return self.target.complain(w!(known_invalid));
        }
        self.found.set(None);
        let client = self.plugin.client();
        self.ask(
            Box::pin(async move {
                let found = client.check(vec![target]).await?.results.into_iter().next();
                let _ = self.found.try_set(found);
                Ok(())
            }),
            |_| {},
        );
    }

    fn watch_button(self) -> AnyView {
        let can_be_watched = self.asked.is_known()
            && self.found.with(|found| {
                self.watched.with(|watched| {
                    found.as_ref().is_some_and(|found| forwarding::can_be_watched(found, watched))
                })
            });
        if !can_be_watched {
            return nothing();
        }
        button("btn", w!(forwarding_watch), move || self.watch())
            .truth("aria-disabled", move || self.busy.get())
            .into()
    }

    fn watch(self) {
        let Some(address) =
            self.found.with_untracked(|found| found.as_ref().map(|found| found.recipient.clone()))
        else {
            return;
        };
        let done = w!(forwarding_watched, address = address.as_str());
        let client = self.plugin.client();
        self.ask(
            Box::pin(async move { client.watch_forwarding(&NewForwarding { address }).await }),
            move |this| {
                let _ = this.said.try_set(done.clone());
                // The button that had it goes.
                focus(ID);
            },
        );
    }

    fn list(self) -> AnyView {
        self.watched.with(|watched| {
            if watched.is_empty() {
                return nothing();
            }
            el("div")
                .child(el("h3").text(w!(forwarding_list)))
                .child(classed("ul", "pairs").children(watched.iter().map(|one| self.line(one))))
                .into()
        })
    }

    fn line(self, one: &Forwarding) -> El {
        let mut state = protection(one.protection).to_owned();
        if let Some(at) = one.checked_at {
            state.push_str(" · ");
            state.push_str(&w!(forwarding_seen, time = when(at)));
        }
        let (id, gone) = (one.id, one.address.clone());
        let name = classed("span", "vh").text(" ").text(&gone);
        el("li")
            .child(el("span").child(address(&gone)).text(" ").child(classed("span", "small").text(state)))
            .child(
                button("btn quiet", w!(forwarding_forget), move || self.forget(id, gone.clone())).child(name),
            )
    }

    fn forget(self, id: i64, address: String) {
        let client = self.plugin.client();
        self.ask(Box::pin(async move { client.forget_forwarding(id).await }), move |this| {
            let _ = this.said.try_set(w!(forwarding_forgotten, address = address.as_str()));
            focus(ID);
        });
    }

    /// Asks the server, one question at a time, and for the watched targets after it.
    fn ask(self, question: crate::Answer<()>, done: impl Fn(Self) + 'static) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.failed.set(None);
        self.said.set(String::new());
        leptos::task::spawn_local(async move {
            let answer = question.await;
            let _ = self.busy.try_set(false);
            match answer.map_err(Wrong::of) {
                Ok(()) => {
                    done(self);
                    self.asked.again();
                }
                Err(Wrong::Address) => self.target.complain(w!(known_invalid)),
                Err(Wrong::Already) => self.asked.again(),
                Err(Wrong::TooMany) => {
                    let _ = self.said.try_set(w!(forwarding_too_many).to_owned());
                }
                Err(Wrong::Else(error)) => {
                    let _ = self.failed.try_set(Some(error));
                }
            }
        });
    }
}
