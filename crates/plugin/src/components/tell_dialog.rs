use leptos::html;
use leptos::prelude::*;

use crate::Plugin;
use crate::browser;
use crate::draft::Draft;
use crate::state::recipients::list;
use crate::words::w;

/// "Tell the recipient": a text to ask for another address with, to be taken to another way, or to a mail to
/// another address. No mail to the same address is offered, since it would be stopped too.
#[derive(Clone, Copy)]
pub(super) struct TellDialog {
    plugin: Plugin,
    dialog: NodeRef<html::Dialog>,
    text: RwSignal<String>,
    /// What has been done with the text.
    status: RwSignal<String>,
}

impl TellDialog {
    pub(super) fn new(plugin: Plugin) -> Self {
        let (text, status) = (RwSignal::default(), RwSignal::default());
        Self { plugin, dialog: NodeRef::new(), text, status }
    }

    /// Opens it with the text about these recipients.
    pub(super) fn open(self, recipients: &[String]) {
        self.text.set(w!(tell_ready, recipients = list(recipients)));
        self.status.set(String::new());
        if let Some(dialog) = self.dialog.get_untracked() {
            let _ = dialog.show_modal();
        }
    }

    fn close(self) {
        if let Some(dialog) = self.dialog.get_untracked() {
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
        let (text, status) = (self.text, self.status);
        view! {
            <dialog node_ref=self.dialog aria-labelledby="tlsg-tell" aria-describedby="tlsg-tell-text">
                <div class="dialog-text">
                    <h2 id="tlsg-tell">{w!(way_tell)}</h2>
                    <p id="tlsg-tell-text">{w!(tell_intro)}</p>
                    <textarea class="field" rows="9" readonly aria-label=w!(tell_label) prop:value=text></textarea>
                    <p class="small" role="status">{status}</p>
                </div>
                <div class="dialog-end row">
                    <button class="btn primary" type="button" on:click=move |_| self.copy()>{w!(tell_copy)}</button>
                    <button class="btn" type="button" on:click=move |_| self.mail()>{w!(tell_mail)}</button>
                    <button class="btn" type="button" on:click=move |_| self.close()>{w!(close)}</button>
                </div>
            </dialog>
        }
        .into_any()
    }
}
