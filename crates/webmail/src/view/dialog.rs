//! What the plugin shows in front of the page.

use std::rc::Rc;

use leptos::prelude::*;
use plugin::{Action, Dialog, Question};
use wasm_bindgen::JsCast;
use web_sys::HtmlDialogElement;

use super::button;
use crate::el::{El, classed, effect, el, live, nothing};
use crate::focus;
use crate::mail::Mail;

/// The question, while there is one.
pub(super) fn question(mail: Mail) -> AnyView {
    live(move || {
        mail.question.with(|question| match question {
            None => nothing(),
            Some(question) => {
                request_animation_frame(|| {
                    open("#question");
                    // The safe one first.
                    focus::find("#question [data-safe]").into_iter().for_each(|back| drop(back.focus()));
                });
                asked(mail, question).into()
            }
        })
    })
}

fn asked(mail: Mail, question: &Question) -> El {
    let Question { title, body, close, is_over, dismissed } = question;
    let (is_over, dismissed) = (*is_over, Rc::clone(dismissed));
    effect(move || {
        if is_over.get() {
            leave("#question");
        }
    });
    let back = button("btn", close, || leave("#question")).attr("data-safe", "");
    el("dialog")
        .attr("id", "question")
        .attr("aria-labelledby", "question-title")
        .attr("aria-describedby", Question::TEXT)
        .on("close", move |_| {
            dismissed();
            mail.question.set(None);
        })
        .child(classed("h2", "dialog-title").attr("id", "question-title").text(title))
        .view(body())
        .child(classed("div", "dialog-end").child(back))
}

/// The dialog, while there is one.
pub(super) fn dialog(mail: Mail) -> AnyView {
    live(move || {
        mail.dialog.with(|dialog| match dialog {
            None => nothing(),
            Some(dialog) => {
                request_animation_frame(|| open("#dialog"));
                shown(mail, dialog).into()
            }
        })
    })
}

fn found(selector: &str) -> Option<HtmlDialogElement> {
    focus::find(selector)?.dyn_into().ok()
}

fn open(selector: &str) {
    if let Some(dialog) = found(selector) {
        let _ = dialog.show_modal();
    }
}

/// Closes it, which gives the focus back; its own event tells the page.
fn leave(selector: &str) {
    if let Some(dialog) = found(selector) {
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
                leave("#dialog");
            }
            act();
        };
        button(if at == 0 { "btn primary" } else { "btn" }, name, press)
    });
    let buttons =
        classed("div", "dialog-end row").children(buttons).child(button("btn", close, || leave("#dialog")));
    el("dialog")
        .attr("id", "dialog")
        .attr("aria-labelledby", "dialog-title")
        .attr("aria-describedby", "dialog-text")
        .on("close", move |_| mail.dialog.set(None))
        .child(said)
        .child(buttons)
}
