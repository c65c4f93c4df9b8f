//! Roundcube's own toasts and dialogs. From within its preview they appear in the whole page.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Array;
use leptos::mount::mount_to;
use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin::el::effect;
use plugin::{Action, Dialog, Question};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element, HtmlElement};

use crate::{boot, js};

/// A toast; `kind` is `confirmation`, `warning` or `error`.
pub(crate) fn say(text: &str, kind: &str) {
    // Roundcube takes HTML here.
    js::call(&js::rcmail(), "display_message", &[escaped(text).into(), kind.into()]);
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A dialog.
pub(crate) fn show(dialog: Dialog) {
    let rcmail = js::rcmail();
    let window = js::whole_page();
    // Another window's document is of another class there.
    let document: Document = js::get(&window, "document").unchecked_into();
    let Some(content) = content(&document, &dialog) else { return };
    let shown: Rc<RefCell<JsValue>> = Rc::default();
    let buttons = Array::new();
    for (at, action) in dialog.actions.into_iter().enumerate() {
        let class = if at == 0 { "mainaction" } else { "" };
        buttons.push(&button(&shown, action, class));
    }
    let close = Action { name: dialog.close, act: Rc::new(|| {}), closes: true };
    buttons.push(&button(&shown, close, "cancel"));
    let arguments = [content.into(), dialog.title.into(), buttons.into()];
    let opener = js::get(&js_sys::global(), "document");
    let opener = js::get(&opener, "activeElement");
    *shown.borrow_mut() = js::call(&rcmail, "show_popup_dialog", &arguments);
    // Of the page around this one, jQuery only knows the frame, and gives that no focus.
    let back = js::function(move |_| drop(js::call(&opener, "focus", &[])));
    js::call(&shown.borrow(), "on", &["dialogclose".into(), back]);
}

fn button(shown: &Rc<RefCell<JsValue>>, action: Action, class: &str) -> JsValue {
    let shown = Rc::clone(shown);
    let Action { name, act, closes } = action;
    let click = js::function(move |_| {
        if closes {
            js::call(&shown.borrow(), "dialog", &["close".into()]);
        }
        act();
    });
    js::object(&[("text", name.into()), ("class", class.into()), ("click", click)])
}

/// A question. Its button that closes it has the focus; Escape is the same.
pub(crate) fn choose(question: Question) {
    let Question { title, body, close, is_over, dismissed } = question;
    let Ok(content) = document().create_element("div") else { return dismissed() };
    content.set_class_name("tls-guarantee tls-guarantee-question");
    let shown: Rc<RefCell<JsValue>> = Rc::default();
    let closes = Rc::clone(&shown);
    let mounted = mount_to(content.clone().unchecked_into(), move || {
        effect(move || {
            if is_over.get() {
                js::call(&closes.borrow(), "dialog", &["close".into()]);
            }
        });
        body()
    });
    let close = Action { name: close, act: Rc::new(|| {}), closes: true };
    let arguments = [content.into(), title.into(), Array::of1(&button(&shown, close, "cancel")).into()];
    boot::asking(true);
    *shown.borrow_mut() = js::call(&js::rcmail(), "show_popup_dialog", &arguments);
    if shown.borrow().is_undefined() {
        boot::asking(false);
        return dismissed();
    }
    let mut mounted = Some(mounted);
    let closed = js::function(move |_| {
        boot::asking(false);
        dismissed();
        // Not now: what closes it may be a part of it.
        let mounted = mounted.take();
        spawn_local(async move { drop(mounted) });
    });
    js::call(&shown.borrow(), "on", &["dialogclose".into(), closed]);
    let whole = js::call(&shown.borrow(), "parent", &[]);
    js::call(&whole, "attr", &["aria-describedby".into(), Question::TEXT.into()]);
    let back = js::call(&whole, "find", &[".ui-dialog-buttonpane button.cancel".into()]);
    js::call(&back, "trigger", &["focus".into()]);
}

fn content(document: &Document, dialog: &Dialog) -> Option<Element> {
    let within = document.create_element("div").ok()?;
    let text = document.create_element("p").ok()?;
    text.set_text_content(Some(&dialog.text));
    let (label, prepared) = &dialog.prepared;
    let field = document.create_element("textarea").ok()?;
    field.set_text_content(Some(prepared));
    for (name, value) in [("readonly", ""), ("rows", "9"), ("class", "form-control"), ("aria-label", label)] {
        field.set_attribute(name, value).ok()?;
    }
    within.append_child(&text).ok()?;
    within.append_child(&field).ok()?;
    within.unchecked_ref::<HtmlElement>().set_class_name("tls-guarantee-dialog");
    Some(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toast_is_text() {
        assert_eq!(escaped("<b>\"a\" & b</b>"), "&lt;b&gt;&quot;a&quot; &amp; b&lt;/b&gt;");
    }
}
