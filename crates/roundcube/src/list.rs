//! The list of messages: marks on the sent ones, new mail as soon as it is there, and the reminder after sending.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use api::Event;
use gloo_timers::future::sleep;
use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin::components::Marked;
use plugin::el::effect;
use plugin::{Draft, Plugin};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Element;

use crate::page::Page;
use crate::{boot, dialog, js};

/// A stop is told before its report is in the mailbox: the server waits this long for further stops of the same message.
const REPORT: Duration = Duration::from_millis(1500);
/// Mail that has just been filed.
const MAIL: Duration = Duration::from_millis(300);

/// The mark's classes; the first gives what is within it the guarantee's looks.
const MARK: &str = "tls-guarantee tls-guarantee-mark";
/// What is within it.
const INNER: &str = "<span><svg class=\"i\" aria-hidden=\"true\"><use href=\"\"/></svg><span></span></span>";

/// Starts on the page of the list.
pub(crate) fn start(plugin: Plugin, page: &Rc<Page>) {
    remind(plugin, page);
    mark_rows(plugin);
    look_for_mail(plugin);
}

/// Reminds after what was sent before this page was shown, or from a window that it has opened.
fn remind(plugin: Plugin, page: &Rc<Page>) {
    let account = page.account.clone();
    let look = move || {
        let mut sent = boot::take_sent();
        sent.retain(|sent| sent.account == account);
        if sent.iter().any(|sent| !sent.note.overridden) {
            plugin.after_sending(&Draft::default());
        }
        for left_out in sent.into_iter().map(|sent| sent.note.left_out).filter(|list| !list.is_empty()) {
            let text =
                plugin::i18n::td_string!(plugin::words::locale(), plugin.sent_without, recipients = left_out);
            dialog::say(&text, "warning");
        }
    };
    look();
    boot::on_sent(look);
    let was_shown = Cell::new(false);
    effect(move || {
        let is_shown = plugin.reminder().get().is_some();
        if was_shown.replace(is_shown) && !is_shown {
            // Where the keyboard was is gone.
            js::element("#messagelist-content").into_iter().for_each(|list| drop(list.focus()));
        }
    });
}

/// Has Roundcube look for new mail when the server tells of some: by itself it looks once a minute.
fn look_for_mail(plugin: Plugin) {
    let due: Rc<Cell<u32>> = Rc::default();
    plugin.on_event(move |event| {
        let wait = match event {
            Event::Stop(_) => REPORT,
            Event::Mailbox { .. } => MAIL,
            Event::Delivery(_) | Event::Guarantee(_) | Event::Check(_) => return,
        };
        let number = due.get().wrapping_add(1);
        due.set(number);
        let due = Rc::clone(&due);
        spawn_local(async move {
            sleep(wait).await;
            // Only after the last of several.
            if due.get() == number {
                js::call(&js::rcmail(), "command", &["checkmail".into()]);
            }
        });
    });
}

/// A row of the list, and the Message-ID of its message.
struct Row {
    element: Element,
    message_id: String,
}

/// Marks the rows of sent messages that were stopped, those that are there and those that come.
fn mark_rows(plugin: Plugin) {
    let rows: Rc<RefCell<Vec<Row>>> = Rc::default();
    let rcmail = js::rcmail();
    let present = js::at(&rcmail, &["message_list", "rows"]);
    for uid in js::names(&present) {
        let element = js::at(&present, &[&uid, "obj"]);
        rows.borrow_mut().extend(row(&uid, element));
    }
    let come = Rc::clone(&rows);
    let inserted = move |event: JsValue| {
        let uid = js::text(&js::get(&event, "uid")).unwrap_or_default();
        let Some(row) = row(&uid, js::at(&event, &["row", "obj"])) else { return };
        plugin.stops().with_untracked(|known| mark(&row, known.get().map_or(&[], Vec::as_slice)));
        let mut rows = come.borrow_mut();
        // Those of a list that is no longer shown.
        rows.retain(|row| row.element.is_connected());
        rows.push(row);
    };
    js::listen("insertrow", js::function(inserted));
    effect(move || {
        plugin.stops().with(|known| {
            let stops = known.get().map_or(&[][..], Vec::as_slice);
            rows.borrow().iter().for_each(|row| mark(row, stops));
        });
    });
}

fn row(uid: &str, element: JsValue) -> Option<Row> {
    let message_id =
        js::at(&js::rcmail(), &["env", "messages", uid, "flags", "tls_guarantee"]).as_string()?;
    Some(Row { element: element.dyn_into().ok()?, message_id }).filter(|row| !row.message_id.is_empty())
}

fn mark(row: &Row, stops: &[api::Stop]) {
    let old = row.element.query_selector(".tls-guarantee-mark").ok().flatten();
    match (Marked::of(stops, &row.message_id), old) {
        (None, None) => {}
        (None, Some(old)) => old.remove(),
        (Some(marked), Some(old)) => say(&old, &marked),
        (Some(marked), None) => {
            let cell = row.element.query_selector("td.subject").ok().flatten();
            let new = document().create_element("span").ok();
            if let Some((cell, new)) = cell.zip(new) {
                new.set_class_name(MARK);
                new.set_inner_html(INNER);
                say(&new, &marked);
                let _ = cell.append_child(&new);
            }
        }
    }
}

/// The whole of it may not fit into the row.
fn say(mark: &Element, marked: &Marked) {
    let within = |selector| mark.query_selector(selector).ok().flatten();
    let set = |element: Option<Element>, name, value: &str| {
        element.into_iter().for_each(|element| drop(element.set_attribute(name, value)));
    };
    set(within("span"), "class", marked.class);
    set(within("use"), "href", &format!("#i-{}", marked.icon));
    within("svg + span").into_iter().for_each(|words| words.set_text_content(Some(&marked.text)));
    let _ = mark.set_attribute("title", &marked.text);
}
