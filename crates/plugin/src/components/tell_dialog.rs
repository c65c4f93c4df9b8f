use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlDialogElement;

use super::parts::{button, paragraph};
use crate::Plugin;
use crate::browser;
use crate::draft::Draft;
use crate::el::{classed, el};
use crate::state::recipients::list;
use crate::words::w;

/// "Tell the recipient": a text to ask for another address with, to be taken to another way, or to a mail to
/// another address. No mail to the same address is offered, since it would be stopped too.
#[derive(Clone, Copy)]
pub(super) struct TellDialog {
    plugin: Plugin,
    text: RwSignal<String>,
    /// What has been done with the text.
    status: RwSignal<String>,
}

impl TellDialog {
    pub(super) fn new(plugin: Plugin) -> Self {
        let (text, status) = (RwSignal::default(), RwSignal::default());
        Self { plugin, text, status }
    }

    /// Opens it with the text about these recipients.
    pub(super) fn open(self, recipients: &[String]) {
        self.text.set(w!(tell_ready, recipients = list(recipients)));
        self.status.set(String::new());
        if let Some(dialog) = dialog() {
            let _ = dialog.show_modal();
        }
    }

    fn close(self) {
        if let Some(dialog) = dialog() {
            dialog.close();
        }
    }

    fn copy(self) {
        let text = self.text.get_untracked();
        leptos::task::spawn_local(async move {
            if browser::copy(&text).await {
                let _ = self.status.try_set(w!(tell_copied).to_owned());
            }
        });
    }

    /// A new mail with the text; to whom, only the user knows.
    fn mail(self) {
        self.close();
        let (subject, text) = (w!(tell_subject).to_owned(), self.text.get_untracked());
        self.plugin.host().open_composer(Draft { subject, text, ..Draft::default() });
    }

    pub(super) fn view(self) -> AnyView {
        let text = el("textarea")
            .class("field")
            .attr("rows", "9")
            .attr("readonly", "")
            .attr("aria-label", w!(tell_label))
            .value(move || self.text.get(), |_| {});
        let said = classed("div", "dialog-text")
            .child(el("h2").attr("id", "tlsg-tell").text(w!(way_tell)))
            .child(paragraph(w!(tell_intro)).attr("id", "tlsg-tell-text"))
            .child(text)
            .child(classed("p", "small").attr("role", "status").live_text(move || self.status.get()));
        let buttons = classed("div", "dialog-end row")
            .child(button("btn primary", w!(tell_copy), move || self.copy()))
            .child(button("btn", w!(tell_mail), move || self.mail()))
            .child(button("btn", w!(close), move || self.close()));
        el("dialog")
            .attr("id", DIALOG)
            .attr("aria-labelledby", "tlsg-tell")
            .attr("aria-describedby", "tlsg-tell-text")
            .child(said)
            .child(buttons)
            .into()
    }
}

/// The element's id: one banner is shown at a time.
const DIALOG: &str = "tlsg-tell-dialog";

fn dialog() -> Option<HtmlDialogElement> {
    document().get_element_by_id(DIALOG)?.dyn_into().ok()
}
