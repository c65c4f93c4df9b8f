//! The messages of a folder.

use api::ListedMessage;
use leptos::prelude::*;
use plugin::components::SentMark;
use plugin::state::panel::Known;

use super::button;
use crate::el::{El, classed, el, live, nothing};
use crate::mail::Mail;
use crate::message::straight;
use crate::route::{Folder, Route};
use crate::when;
use crate::words::w;

/// A folder's list.
pub(super) fn list(mail: Mail, folder: Folder) -> El {
    let name = match folder {
        Folder::Inbox => w!(inbox),
        Folder::Sent => w!(sent),
    };
    let listing = mail.listing(folder);
    let messages = move || listing.messages.with(|known| known.get().cloned().unwrap_or_default());
    let more = live(move || {
        if !listing.is_cut() {
            return nothing();
        }
        let more = button("btn", w!(more_messages), move || mail.load_more(folder));
        classed("p", "list-state").child(more).into()
    });
    let rows = view! {
        <For each=messages key=|message| (message.id, message.seen)
            children=move |message| AnyView::from(row(mail, folder, message)) />
    };
    classed("section", "list")
        .attr("aria-label", name)
        // The open message has the page's first heading; without one it is the list's.
        .child(pane_head(name, move || matches!(mail.route.get(), Route::Folder(_))))
        .view(state(mail, folder))
        .child(classed("ul", "mails").view(rows.into_any()))
        .view(more)
}

/// The list's heading: of the first rank where `is_first` says so.
pub(super) fn pane_head(name: &'static str, is_first: impl Fn() -> bool + Send + Sync + 'static) -> El {
    let is_first = Memo::new(move |_| is_first());
    let heading = live(move || {
        let heading =
            if is_first.get() { el("h1").attr("tabindex", "-1").attr("data-heading", "") } else { el("h2") };
        heading.text(name).into()
    });
    classed("div", "pane-head").view(heading)
}

/// What stands where there are no messages.
fn state(mail: Mail, folder: Folder) -> AnyView {
    let listing = mail.listing(folder);
    live(move || {
        listing.messages.with(|known| match known {
            Known::Waiting => classed("p", "list-state").attr("role", "status").text(w!(loading)).into(),
            Known::Failed(_) => classed("div", "list-state")
                .child(el("p").attr("role", "alert").text(w!(server_away)))
                .child(button("btn", w!(try_again), move || mail.load(folder)))
                .into(),
            Known::Known(list) if list.is_empty() => classed("p", "list-state").text(w!(no_messages)).into(),
            Known::Known(_) => nothing(),
        })
    })
}

/// "not sent to …", where that is so.
pub(super) fn mark_of(message_id: String) -> AnyView {
    view! { <SentMark message_id=message_id /> }.into_any()
}

fn row(mail: Mail, folder: Folder, message: ListedMessage) -> El {
    let route = Route::Message(folder, message.id);
    let who = match folder {
        Folder::Inbox => straight(&message.from),
        Folder::Sent => w!(to_whom, whom = straight(&message.to)),
    };
    let subject = straight(message.subject.trim());
    let subject = if subject.is_empty() { w!(no_subject) } else { &subject };
    let mark = (folder == Folder::Sent).then_some(message.message_id).flatten();
    let mut from = classed("span", "from");
    if !message.seen {
        from = from.child(classed("span", "vh").text(w!(unread)).text(": "));
    }
    let link = classed("a", if message.seen { "" } else { "new" })
        .attr("href", route.href())
        .attr("data-message", message.id.to_string())
        .live_attr("aria-current", move || (mail.route.get() == route).then(|| "true".to_owned()))
        .child(from.text(who))
        .text(" ")
        .child(when::element(message.received_at, when::short(message.received_at)))
        .text(" ")
        .child(classed("span", "subj").text(subject))
        .text(" ")
        .view(mark.map_or_else(nothing, mark_of));
    el("li").child(link)
}
