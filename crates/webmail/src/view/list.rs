//! The messages of a folder.

use api::ListedMessage;
use leptos::prelude::*;
use plugin::components::SentMark;
use plugin::state::panel::Known;

use crate::live::live;
use crate::mail::Mail;
use crate::route::{Folder, Route};
use crate::when;
use crate::words::w;

/// A folder's list.
pub(super) fn list(mail: Mail, folder: Folder) -> impl IntoView {
    let name = match folder {
        Folder::Inbox => w!(inbox),
        Folder::Sent => w!(sent),
    };
    let listing = mail.listing(folder);
    // The open message has the page's first heading; without one it is the list's.
    let is_first = Memo::new(move |_| matches!(mail.route.get(), Route::Folder(_)));
    let heading = live(move || {
        if is_first.get() {
            view! { <h1 tabindex="-1" data-heading>{name}</h1> }.into_any()
        } else {
            view! { <h2>{name}</h2> }.into_any()
        }
    });
    let messages = move || {
        listing.messages.with(|known| known.get().cloned().unwrap_or_default())
    };
    let state = live(move || listing.messages.with(|known| match known {
        Known::Waiting => view! { <p class="list-state" role="status">{w!(loading)}</p> }.into_any(),
        Known::Failed(_) => {
            let again = move |_| mail.load(folder);
            view! {
                <div class="list-state">
                    <p role="alert">{w!(server_away)}</p>
                    <button class="btn" type="button" on:click=again>{w!(try_again)}</button>
                </div>
            }
            .into_any()
        }
        Known::Known(list) if list.is_empty() => view! { <p class="list-state">{w!(no_messages)}</p> }.into_any(),
        Known::Known(_) => ().into_any(),
    }));
    let more = live(move || {
        if !listing.is_cut() {
            return ().into_any();
        }
        let more = move |_| mail.load_more(folder);
        view! {
            <p class="list-state"><button class="btn" type="button" on:click=more>{w!(more_messages)}</button></p>
        }
        .into_any()
    });
    view! {
        <section class="list" aria-label=name>
            <div class="pane-head">{heading}</div>
            {state}
            <ul class="mails">
                <For each=messages key=|message| (message.id, message.seen) children=move |message| row(mail, folder, message) />
            </ul>
            {more}
        </section>
    }
}

fn row(mail: Mail, folder: Folder, message: ListedMessage) -> impl IntoView {
    let route = Route::Message(folder, message.id);
    let is_open = live(move || (mail.route.get() == route).then_some("true"));
    let who = match folder {
        Folder::Inbox => message.from,
        Folder::Sent => w!(to_whom, whom = message.to),
    };
    let subject = if message.subject.trim().is_empty() { w!(no_subject).to_string() } else { message.subject };
    let mark = (folder == Folder::Sent).then_some(message.message_id).flatten();
    let unread = (!message.seen).then(|| view! { <span class="vh">{w!(unread)}": "</span> });
    view! {
        <li>
            <a href=route.href() class:new=!message.seen aria-current=is_open data-message=message.id.to_string()>
                <span class="from">{unread}{who}</span>" "
                <time datetime=message.received_at.to_string()>{when::short(message.received_at)}</time>" "
                <span class="subj">{subject}</span>" "
                {mark.map(|message_id| view! { <SentMark message_id=message_id /> })}
            </a>
        </li>
    }
}
