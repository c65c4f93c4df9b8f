use std::rc::Rc;

use api::{Exception, NewException};
use leptos::prelude::*;

use super::asked::{Asked, focus, section};
use super::field::Field;
use super::parts::{address, button, failure, paragraph};
use crate::Plugin;
use crate::browser;
use crate::client::ClientError;
use crate::el::{El, classed, el, live, nothing};
use crate::state::exceptions::Wrong;
use crate::words::{locale, w};

const ID: &str = "tlsg-exceptions";

/// The user's own exceptions: a list, and a form for one more.
#[derive(Clone, Copy)]
struct Exceptions {
    plugin: Plugin,
    list: StoredValue<Vec<Exception>>,
    asked: Asked,
    pattern: Field,
    note: Field,
    busy: RwSignal<bool>,
    failed: RwSignal<Option<ClientError>>,
    /// What was done last.
    said: RwSignal<String>,
}

/// The section, below the level.
pub(super) fn exceptions(plugin: Plugin) -> El {
    let list = StoredValue::new(Vec::new());
    let ask = move || -> crate::Answer<()> {
        Box::pin(async move {
            let answer = plugin.asks()?.exceptions().await?;
            list.try_set_value(answer);
            Ok(())
        })
    };
    let exceptions = Exceptions {
        plugin,
        list,
        asked: Asked::new(plugin, Rc::new(ask)),
        pattern: Field::new("tlsg-pattern", "tlsg-pattern-wrong"),
        note: Field::new("tlsg-note", "tlsg-note-wrong"),
        busy: RwSignal::new(false),
        failed: RwSignal::new(None),
        said: RwSignal::new(String::new()),
    };
    section(ID, w!(exceptions_title))
        .child(paragraph(w!(exceptions_text)))
        .view(exceptions.asked.shown(w!(exceptions_title), move || exceptions.list()))
        .child(exceptions.form())
        .child(classed("p", "small").attr("role", "status").live_text(move || exceptions.said.get()))
        .view(live(move || exceptions.failed.with(|failed| failed.as_ref().map_or_else(nothing, failure))))
}

impl Exceptions {
    fn list(self) -> AnyView {
        self.list.with_value(|list| {
            if list.is_empty() {
                return paragraph(w!(exceptions_none)).class("small").into();
            }
            classed("ul", "pairs").children(list.iter().map(|exception| self.line(exception))).into()
        })
    }

    fn line(self, exception: &Exception) -> El {
        let Exception { id, pattern, note, created_at } = exception.clone();
        let mut since = w!(since, time = browser::day(created_at, locale()));
        if !note.is_empty() {
            since.push_str(" · ");
            since.push_str(&note);
        }
        let name = classed("span", "vh").text(" ").text(&pattern);
        let gone = pattern.clone();
        el("li")
            .child(
                el("span")
                    .child(address(&pattern))
                    .text(" ")
                    .child(classed("span", "small addr").text(since)),
            )
            .child(button("btn quiet", w!(revoke), move || self.revoke(id, gone.clone())).child(name))
    }

    fn form(self) -> El {
        let add = el("button")
            .class("btn")
            .attr("type", "submit")
            .truth("aria-disabled", move || self.busy.get())
            .text(w!(exception_add));
        classed("form", "row top")
            .attr("novalidate", "")
            .attr("aria-labelledby", ID)
            .child(self.pattern.element(w!(exception_pattern), "email"))
            .child(self.note.element(w!(exception_note), "text"))
            .child(add)
            .on("submit", move |event| {
                event.prevent_default();
                self.add();
            })
    }

    fn add(self) {
        let (pattern, note) = (self.pattern.text(), self.note.text());
        if pattern.is_empty() {
            return self.pattern.complain(w!(exception_wrong));
        }
        let done = w!(exception_added, pattern = pattern.as_str());
        let new = NewException { pattern, note };
        let client = self.plugin.client();
        self.change(Box::pin(async move { client.add_exception(&new).await }), move |this| {
            this.pattern.clear();
            this.note.clear();
            let _ = this.said.try_set(done.clone());
        });
    }

    fn revoke(self, id: i64, pattern: String) {
        let client = self.plugin.client();
        self.change(Box::pin(async move { client.revoke_exception(id).await }), move |this| {
            let _ = this.said.try_set(w!(exception_revoked, pattern = pattern.as_str()));
            // The button that had it goes.
            focus(ID);
        });
    }

    /// Asks the server for a change, one at a time, and for the list after it.
    fn change(self, change: crate::Answer<()>, done: impl Fn(Self) + 'static) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.failed.set(None);
        self.said.set(String::new());
        leptos::task::spawn_local(async move {
            let answer = change.await;
            let _ = self.busy.try_set(false);
            match answer {
                Ok(()) => {
                    done(self);
                    self.asked.again();
                    self.plugin.forget_protections();
                }
                Err(error) => self.explain(error),
            }
        });
    }

    fn explain(self, error: ClientError) {
        match Wrong::of(error) {
            Wrong::Pattern => self.pattern.complain(w!(exception_wrong)),
            Wrong::TooMany => self.pattern.complain(w!(exception_too_many)),
            Wrong::Gone => self.asked.again(),
            Wrong::Note => self.note.complain(w!(exception_note_wrong)),
            Wrong::Else(error) => {
                let _ = self.failed.try_set(Some(error));
            }
        }
    }
}
