//! Settings → My account → Transport encryption.

use leptos::prelude::*;
use plugin::components::SettingsPanel;

use super::plain_button;
use crate::el::{El, classed, el, with_icon};
use crate::mail::Mail;
use crate::route::{Route, Section};
use crate::words::w;

/// The settings' pages, in the list's place, and the way out.
pub(super) fn tree(mail: Mail) -> El {
    let at = move |section| mail.route.get() == Route::Settings(section);
    let account = move || {
        let within =
            if at(Section::Account) { Some("page") } else { at(Section::Transport).then_some("true") };
        within.map(str::to_owned)
    };
    let account = el("a")
        .attr("href", Route::Settings(Section::Account).href())
        .live_attr("aria-current", account)
        .text(w!(my_account));
    let transport = el("a")
        .attr("href", Route::Settings(Section::Transport).href())
        .live_attr("aria-current", move || at(Section::Transport).then(|| "page".to_owned()));
    let transport = with_icon(transport, "shield", w!(transport_encryption));
    let who = classed("div", "who")
        .child(
            classed("p", "small")
                .text(w!(logged_in_as))
                .text(" ")
                .child(classed("span", "addr").text(mail.address())),
        )
        .child(with_icon(plain_button("btn", move || mail.log_out()), "out", w!(log_out)));
    classed("section", "list")
        .attr("aria-label", w!(settings))
        // The open page has the first heading; without one it is the list's.
        .child(super::list::pane_head(w!(settings), move || !at(Section::Transport)))
        .child(
            classed("ul", "tree")
                .child(el("li").child(account).child(classed("ul", "tree").child(el("li").child(transport)))),
        )
        .child(who)
}

/// The page with the plugin's panel.
pub(super) fn transport() -> AnyView {
    let back = classed("a", "btn quiet").attr("href", Route::Settings(Section::Account).href());
    let head = el("header")
        .child(
            classed("p", "crumbs")
                .child(el("span").text(w!(settings)))
                .child(el("span").text(w!(my_account))),
        )
        .child(hyphenated(el("h1").attr("tabindex", "-1").attr("data-heading", ""), w!(transport_heading)));
    let sheet = classed("div", "sheet").child(head).view(view! { <SettingsPanel /> }.into_any());
    let tools = classed("div", "pane-head tools back").child(with_icon(back, "back", w!(back)));
    view! { {AnyView::from(tools)}{AnyView::from(sheet)} }.into_any()
}

/// A long word that may be broken where its soft hyphens are. They are drawn by the style: the name stays the word.
fn hyphenated(heading: El, word: &str) -> El {
    let mut parts = word.split('\u{ad}');
    let heading = heading.text(parts.next().unwrap_or_default());
    parts.fold(heading, |heading, part| heading.child(classed("span", "shy")).text(part))
}
