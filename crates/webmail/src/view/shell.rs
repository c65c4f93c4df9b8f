//! What stands around every view: header, notices, folders, Compose and Settings.

use api::SessionAccount;
use leptos::ev::{MouseEvent, SubmitEvent};
use leptos::prelude::*;
use plugin::components::{GuaranteeState, Icon, ReminderBar};
use plugin::Draft;

use super::{compose, list, message, settings};
use crate::drafts::Origin;
use crate::focus;
use crate::live::live;
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
pub(super) fn shell(account: SessionAccount) -> impl IntoView {
    let mail = Mail::provide(account);
    let route = mail.route;
    let side = Memo::new(move |_| match route.get() {
        Route::Folder(folder) | Route::Message(folder, _) => Side::Folder(folder),
        Route::Settings(_) => Side::Settings,
        Route::Compose(_) => Side::Nothing,
    });
    let two = live(move || side.get() == Side::Nothing);
    title(mail);
    follow(mail);

    let beside = live(move || match side.get() {
        Side::Folder(folder) => list::list(mail, folder).into_any(),
        Side::Settings => settings::tree(mail).into_any(),
        Side::Nothing => ().into_any(),
    });
    let main = live(move || match route.get() {
        Route::Folder(_) => view! { <p class="empty"><Icon name="mail" />" "{w!(nothing_open)}</p> }.into_any(),
        Route::Message(folder, id) => message::message(mail, folder, id).into_any(),
        Route::Compose(number) => compose::compose(mail, number).into_any(),
        Route::Settings(Section::Overview | Section::Account) => {
            view! { <p class="empty"><Icon name="sliders" />" "{w!(no_setting_open)}</p> }.into_any()
        }
        Route::Settings(Section::Transport) => settings::transport().into_any(),
    });
    view! {
        <div class="app" class:two=two data-view=live(move || route.get().pane())>
            <a class="skip" href="#content" on:click=skip>{w!(skip)}</a>
            {bar(mail)}
            <div class="notes">{notice(mail)}<ReminderBar /></div>
            {navigation(mail)}
            <main class="panes">
                {beside}
                <div class="main" id="content" tabindex="-1">{main}</div>
            </main>
            <p class="vh" role="status">{live(move || mail.whisper.get())}</p>
        </div>
    }
}

/// The address belongs to the views, so the link must not go there.
fn skip(event: MouseEvent) {
    event.prevent_default();
    focus::soon("#content");
}

fn bar(mail: Mail) -> impl IntoView {
    let setting = Route::Settings(Section::Transport).href();
    view! {
        <header class="bar">
            <a class="brand" href=Route::Folder(Folder::Inbox).href()><Icon name="mail" />" "{mail.server_name()}</a>
            <GuaranteeState href=setting />
            {theme_button()}
        </header>
    }
}

/// Light or dark; `theme.js` does it.
pub(super) fn theme_button() -> impl IntoView {
    view! {
        <button class="btn quiet" type="button" data-switch-theme aria-label=w!(theme) title=w!(theme)>
            <Icon name="theme" />
        </button>
    }
}

fn notice(mail: Mail) -> impl IntoView {
    let close = move |_| mail.notice.set(None);
    let shown = live(move || match mail.notice.get() {
        None => ().into_any(),
        Some(notice) => {
            view! {
                <div class="note plain">
                    <p><Icon name="check" />" "<span>{notice.text}</span></p>
                    <button class="btn quiet" type="button" on:click=close>{w!(close)}</button>
                </div>
            }
            .into_any()
        }
    });
    view! { <div role="status">{shown}</div> }
}

fn navigation(mail: Mail) -> impl IntoView {
    let compose = move |event: SubmitEvent| {
        event.prevent_default();
        mail.open_draft(Origin::New, Draft::default());
    };
    let is_composing = live(move || matches!(mail.route.get(), Route::Compose(_)).then_some("page"));
    let is_settings = live(move || matches!(mail.route.get(), Route::Settings(_)).then_some("page"));
    view! {
        <nav class="nav" aria-label=w!(navigation)>
            <ul class="folders">
                {folder(mail, Folder::Inbox, "inbox", w!(inbox))}
                {folder(mail, Folder::Sent, "sent", w!(sent))}
            </ul>
            <form on:submit=compose>
                <button type="submit" aria-current=is_composing><Icon name="pen" />" "{w!(compose)}</button>
            </form>
            <ul class="folders last">
                <li>
                    <a href=Route::Settings(Section::Overview).href() aria-current=is_settings>
                        <Icon name="sliders" />" "{w!(settings)}
                    </a>
                </li>
            </ul>
        </nav>
    }
}

/// A folder's link. Its name is the folder's alone; how many are unread describes it.
fn folder(mail: Mail, folder: Folder, icon: &'static str, name: &'static str) -> impl IntoView {
    let is_open = live(move || (mail.route.get().folder() == Some(folder)).then_some("page"));
    let unread = Memo::new(move |_| mail.listing(folder).unread());
    let description = format!("unread-{}", folder.name());
    let count = {
        let description = description.clone();
        live(move || {
            let shown = match unread.get() {
                0 => return ().into_any(),
                count @ 1..=99 => count.to_string(),
                _ => "99+".to_owned(),
            };
            view! {
                <span class="count" id=description.clone()>{shown}<span class="vh">" "{w!(unread)}</span></span>
            }
            .into_any()
        })
    };
    view! {
        <li>
            <a href=Route::Folder(folder).href() aria-current=is_open aria-label=name aria-describedby=description>
                <Icon name=icon />" "{name}" "{count}
            </a>
        </li>
    }
}

/// The tab's title; an open message sets its own.
fn title(mail: Mail) {
    Effect::new(move |_| {
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
