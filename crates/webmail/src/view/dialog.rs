//! What the plugin shows in front of the page.

use leptos::prelude::*;
use plugin::{Action, Dialog};
use wasm_bindgen::JsCast;
use web_sys::HtmlDialogElement;

use super::button;
use crate::el::{El, classed, el, live, nothing};
use crate::focus;
use crate::mail::Mail;

/// The dialog, while there is one.
pub(super) fn dialog(mail: Mail) -> AnyView {
    live(move || {
        mail.dialog.with(|dialog| match dialog {
            None => nothing(),
            Some(dialog) => {
                request_animation_frame(open);
                shown(mail, dialog).into()
            }
        })
    })
}

fn found() -> Option<HtmlDialogElement> {
    focus::find("#dialog")?.dyn_into().ok()
}

fn open() {
    if let Some(dialog) = found() {
        let _ = dialog.show_modal();
    }
}

/// Closes it, which gives the focus back; its own event tells the page.
fn leave() {
    if let Some(dialog) = found() {
        dialog.close();
    }
}

fn shown(mail: Mail, dialog: &Dialog) -> El {
    let Dialog { title, text, prepared: (label, prepared), actions, close } = dialog;
    let prepared = prepared.clone();
    let prepared = el("textarea")
        .class("field")
        .attr("rows", "9")
        .attr("readonly", "")
        .attr("aria-label", label)
        .value(move || prepared.clone(), |_| {});
    let said = classed("div", "dialog-text")
        .child(el("h2").attr("id", "dialog-title").text(title))
        .child(el("p").attr("id", "dialog-text").text(text))
        .child(prepared)
        .child(classed("p", "small").attr("role", "status").live_text(move || mail.said.get()));
    let buttons = actions.iter().enumerate().map(|(at, action)| {
        let Action { name, act, closes } = action.clone();
        let press = move || {
            if closes {
                leave();
            }
            act();
        };
        button(if at == 0 { "btn primary" } else { "btn" }, name, press)
    });
    let buttons = classed("div", "dialog-end row").children(buttons).child(button("btn", close, leave));
    el("dialog")
        .attr("id", "dialog")
        .attr("aria-labelledby", "dialog-title")
        .attr("aria-describedby", "dialog-text")
        .on("close", move |_| mail.dialog.set(None))
        .child(said)
        .child(buttons)
}
