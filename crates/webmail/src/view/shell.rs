//! What stands around every view: header, notices, folders, Compose and Settings.

use api::SessionAccount;
use leptos::prelude::*;
use plugin::Draft;
use plugin::components::{GuaranteeState, PauseBar, ReminderBar};

use super::{button, compose, dialog, list, message, plain_button, settings};
use crate::drafts::Origin;
use crate::el::{El, classed, effect, el, live, nothing, with_icon};
use crate::focus;
use crate::mail::Mail;
use crate::route::{Folder, Route, Section};
use crate::words::w;

/// What stands in the list's place.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Folder(Folder),
    Settings,
    Nothing,
}

/// The page of a logged-in account.
pub(super) fn shell(account: SessionAccount) -> El {
    let mail = Mail::provide(account);
    let side = Memo::new(move |_| match mail.route.get() {
        Route::Folder(folder) | Route::Message(folder, _) => Side::Folder(folder),
        Route::Settings(_) => Side::Settings,
        Route::Compose(_) => Side::Nothing,
    });
    title(mail);
    follow(mail);

    let beside = live(move || match side.get() {
        Side::Folder(folder) => list::list(mail, folder).into(),
        Side::Settings => settings::tree(mail).into(),
        Side::Nothing => nothing(),
    });
    let main = live(move || match mail.route.get() {
        Route::Folder(_) => empty("mail", w!(nothing_open)),
        Route::Message(folder, id) => message::message(mail, folder, id),
        Route::Compose(number) => compose::compose(mail, number),
        Route::Settings(Section::Overview | Section::Account) => empty("sliders", w!(no_setting_open)),
        Route::Settings(Section::Transport) => settings::transport(),
    });
    let skip = classed("a", "skip").attr("href", "#content").text(w!(skip)).on("click", move |event| {
        // The address belongs to the views, so the link must not go there.
        event.prevent_default();
        let is_list = mail.route.get_untracked().pane() == "list";
        focus::soon(if is_list { focus::HEADING } else { "#content" });
    });
    let shape = move || Some(if side.get() == Side::Nothing { "app two" } else { "app" }.to_owned());
    el("div")
        .live_attr("class", shape)
        .live_attr("data-view", move || Some(mail.route.get().pane().to_owned()))
        .child(skip)
        .child(bar(mail))
        .child(notes(mail))
        .child(navigation(mail))
        .child(
            classed("main", "panes")
                .view(beside)
                .child(classed("div", "main").attr("id", "content").attr("tabindex", "-1").view(main)),
        )
        .child(classed("p", "vh").attr("role", "status").live_text(move || mail.whisper.get()))
        .view(dialog::dialog(mail))
        .view(dialog::question(mail))
}

fn empty(name: &'static str, text: &'static str) -> AnyView {
    classed("p", "empty").icon(name).text(text).into()
}

fn bar(mail: Mail) -> El {
    let setting = Route::Settings(Section::Transport).href();
    let brand = classed("a", "brand").attr("href", Route::Folder(Folder::Inbox).href());
    classed("header", "bar")
        .child(brand.icon("mail").text(mail.server_name()))
        .view(view! { <GuaranteeState href=setting /> }.into_any())
        .child(theme_button())
}

/// Light or dark; `theme.js` does it.
pub(super) fn theme_button() -> El {
    plain_button("btn quiet", || {})
        .attr("data-switch-theme", "")
        .attr("aria-label", w!(theme))
        .attr("title", w!(theme))
        .icon("theme")
}

/// What stands above the page: what was said, the pause, the reminder.
fn notes(mail: Mail) -> El {
    classed("div", "notes")
        .child(notice(mail))
        .view(view! { <PauseBar /> }.into_any())
        .view(view! { <ReminderBar /> }.into_any())
}

fn notice(mail: Mail) -> El {
    let shown = live(move || match mail.notice.get() {
        None => nothing(),
        Some(notice) => classed("div", "note plain")
            .child(with_icon(el("p"), "check", notice.text))
            .child(button("btn quiet", w!(close), move || mail.notice.set(None)))
            .into(),
    });
    el("div").attr("role", "status").view(shown)
}

fn navigation(mail: Mail) -> El {
    let current = |is_there: bool| is_there.then(|| "page".to_owned());
    let compose = el("button")
        .attr("type", "submit")
        .live_attr("aria-current", move || current(matches!(mail.route.get(), Route::Compose(_))))
        .icon("pen")
        .text(w!(compose));
    let compose = el("form").child(compose).on("submit", move |event| {
        event.prevent_default();
        mail.open_draft(Origin::New, Draft::default());
    });
    let settings = el("a")
        .attr("href", Route::Settings(Section::Overview).href())
        .live_attr("aria-current", move || current(matches!(mail.route.get(), Route::Settings(_))))
        .icon("sliders")
        .text(w!(settings));
    let folders = classed("ul", "folders")
        .child(folder(mail, Folder::Inbox, "inbox", w!(inbox)))
        .child(folder(mail, Folder::Sent, "sent", w!(sent)));
    classed("nav", "nav")
        .attr("aria-label", w!(navigation))
        .child(folders)
        .child(compose)
        .child(classed("ul", "folders last").child(el("li").child(settings)))
}

/// A folder's link, and beside it how many messages are unread, which describes it.
fn folder(mail: Mail, folder: Folder, icon_name: &'static str, name: &'static str) -> El {
    let id = format!("unread-{}", folder.name());
    let unread = Memo::new(move |_| mail.listing(folder).unread());
    let link = el("a")
        .attr("href", Route::Folder(folder).href())
        .attr("aria-describedby", id.clone())
        .live_attr("aria-current", move || {
            (mail.route.get().folder() == Some(folder)).then(|| "page".to_owned())
        })
        .icon(icon_name)
        .text(name);
    let count = live(move || {
        let shown = match unread.get() {
            0 => return nothing(),
            count @ 1..=99 => count.to_string(),
            _ => "99+".to_owned(),
        };
        let word = classed("span", "vh").text(" ").text(w!(unread));
        classed("span", "count").attr("id", id.clone()).text(shown).child(word).into()
    });
    el("li").child(link).view(count)
}

/// The tab's title; an open message sets its own.
fn title(mail: Mail) {
    effect(move || {
        let view = match mail.route.get() {
            Route::Folder(Folder::Inbox) => w!(inbox),
            Route::Folder(Folder::Sent) => w!(sent),
            Route::Compose(_) => w!(new_message),
            Route::Settings(Section::Transport) => w!(transport_encryption),
            Route::Settings(_) => w!(settings),
            Route::Message(..) => return,
        };
        set_title(mail, view);
    });
}

/// Names the tab after what is shown.
pub(super) fn set_title(mail: Mail, view: &str) {
    document().set_title(&format!("{view} – {}", mail.server_name()));
}

/// Lets the focus follow from view to view; a message takes it when it has been loaded, the composer its own way.
fn follow(mail: Mail) {
    Effect::new(move |previous: Option<Route>| {
        let route = mail.route.get();
        if let Some(previous) = previous
            && mail.moved.get_untracked()
        {
            if let Some(pane) = focus::find("#content") {
                pane.set_scroll_top(0);
            }
            match (previous, route) {
                (Route::Message(left, id), Route::Folder(folder)) if left == folder => {
                    focus::soon(format!("[data-message=\"{id}\"]"));
                }
                (_, Route::Folder(_) | Route::Settings(_)) => focus::soon(focus::HEADING),
                (_, Route::Message(..) | Route::Compose(_)) => {}
            }
        }
        route
    });
}
