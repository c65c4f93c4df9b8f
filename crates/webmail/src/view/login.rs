//! The way in.

use api::Credentials;
use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin::ClientError;

use crate::el::{El, classed, el};
use crate::focus;
use crate::keep::Shelf;
use crate::session::{Session, Why};
use crate::words::w;

/// What is being typed; it stays when the server refuses it.
#[derive(Clone, Copy)]
struct Form {
    session: Session,
    address: RwSignal<String>,
    password: RwSignal<String>,
    busy: RwSignal<bool>,
    /// What is wrong; empty while nothing is.
    trouble: RwSignal<String>,
}

/// The form.
pub(super) fn login(session: Session, why: Why) -> El {
    let form = Form {
        session,
        address: RwSignal::default(),
        password: RwSignal::default(),
        busy: RwSignal::default(),
        trouble: RwSignal::default(),
    };
    document().set_title(w!(log_in));
    focus::soon("#address");
    let submit = el("button")
        .class("btn primary big")
        .attr("type", "submit")
        .truth("aria-disabled", move || form.busy.get())
        .text(w!(log_in));
    let trouble = classed("p", "trouble").attr("role", "alert").attr("id", "login-trouble");
    classed("main", "login")
        .child(
            classed("form", "login-box")
                .attr("novalidate", "")
                .attr("aria-labelledby", "login-title")
                .on("submit", move |event| {
                    event.prevent_default();
                    form.submit();
                })
                .child(el("h1").attr("id", "login-title").icon("mail").text(w!(log_in_title)))
                .children(said(why))
                .child(trouble.live_text(move || form.trouble.get()))
                .child(form.field("address", w!(address), ["email", "username"], form.address))
                .child(form.field("password", w!(password), ["password", "current-password"], form.password))
                .child(submit),
        )
        .child(super::shell::theme_button())
}

impl Form {
    fn field(
        self,
        id: &'static str,
        name: &'static str,
        [kind, autocomplete]: [&'static str; 2],
        value: RwSignal<String>,
    ) -> El {
        let input = classed("input", "field")
            .attr("type", kind)
            .attr("autocomplete", autocomplete)
            .attr("id", id)
            .attr("name", id)
            .attr("autocapitalize", "none")
            .attr("spellcheck", "false")
            .attr("aria-describedby", "login-trouble")
            .truth("aria-invalid", move || self.trouble.with(|trouble| !trouble.is_empty()))
            .value(move || value.get(), move |typed| value.set(typed));
        el("div").child(el("label").attr("for", id).text(name)).child(input)
    }

    fn submit(self) {
        if self.busy.get_untracked() {
            return;
        }
        let address = self.address.get_untracked().trim().to_owned();
        let credentials = Credentials { address, password: self.password.get_untracked() };
        if credentials.address.is_empty() || credentials.password.is_empty() {
            self.trouble.set(w!(log_in_incomplete).to_owned());
            focus::soon(if credentials.address.is_empty() { "#address" } else { "#password" });
            return;
        }
        self.busy.set(true);
        self.trouble.set(String::new());
        spawn_local(async move {
            if let Err(error) = self.session.log_in(credentials).await {
                self.trouble.set(in_words(&error));
                self.busy.set(false);
                focus::soon("#password");
            }
        });
    }
}

/// Why somebody has to log in.
fn said(why: Why) -> Vec<El> {
    let status = || el("p").attr("role", "status");
    match why {
        Why::First => Vec::new(),
        Why::Ended => vec![status().text(w!(session_ended))],
        Why::LoggedOut { drafts: 0, .. } => vec![status().text(w!(logged_out))],
        Why::LoggedOut { account, .. } => {
            let deleted = RwSignal::new(false);
            let delete = move || {
                let shelf = Shelf::of(&account);
                shelf.all().iter().for_each(|kept| shelf.remove(kept.number));
                deleted.set(true);
            };
            let text = move || if deleted.get() { w!(drafts_deleted) } else { w!(logged_out_with_drafts) };
            let button = super::button("btn", w!(delete_drafts), delete);
            vec![
                status().live_text(move || text().to_owned()),
                el("p").hidden(move || deleted.get()).child(button),
            ]
        }
    }
}

fn in_words(error: &ClientError) -> String {
    match error {
        ClientError::LoggedOut | ClientError::Clock => w!(log_in_wrong).to_owned(),
        ClientError::Problem(problem) if problem.status == 429 => w!(log_in_too_often).to_owned(),
        ClientError::Problem(problem) => {
            let detail = problem.detail.clone().unwrap_or_else(|| problem.title.clone());
            w!(log_in_refused, detail = detail)
        }
        ClientError::Away | ClientError::Unreadable => w!(server_away).to_owned(),
    }
}
