//! Settings → My account → Transport encryption.

use leptos::prelude::*;
use plugin::components::{Icon, SettingsPanel};

use crate::live::live;
use crate::mail::Mail;
use crate::route::{Route, Section};
use crate::words::w;

/// The settings' pages, in the list's place, and the way out.
pub(super) fn tree(mail: Mail) -> impl IntoView {
    let at = move |section| mail.route.get() == Route::Settings(section);
    // The open page has the first heading; without one it is the list's.
    let is_first = Memo::new(move |_| !at(Section::Transport));
    let heading = live(move || {
        if is_first.get() {
            view! { <h1 tabindex="-1" data-heading>{w!(settings)}</h1> }.into_any()
        } else {
            view! { <h2>{w!(settings)}</h2> }.into_any()
        }
    });
    let account = live(move || if at(Section::Account) { Some("page") } else { at(Section::Transport).then_some("true") });
    let transport = live(move || at(Section::Transport).then_some("page"));
    view! {
        <section class="list" aria-label=w!(settings)>
            <div class="pane-head">{heading}</div>
            <ul class="tree">
                <li>
                    <a href=Route::Settings(Section::Account).href() aria-current=account>{w!(my_account)}</a>
                    <ul class="tree">
                        <li>
                            <a href=Route::Settings(Section::Transport).href() aria-current=transport>
                                <Icon name="shield" />" "{w!(transport_encryption)}
                            </a>
                        </li>
                    </ul>
                </li>
            </ul>
            <div class="who">
                <p class="small">{w!(logged_in_as)}" "<span class="addr">{mail.address()}</span></p>
                <button class="btn" type="button" on:click=move |_| mail.log_out()><Icon name="out" />{w!(log_out)}</button>
            </div>
        </section>
    }
}

/// The page with the plugin's panel.
pub(super) fn transport() -> impl IntoView {
    view! {
        <div class="pane-head tools back">
            <a class="btn quiet" href=Route::Settings(Section::Account).href()><Icon name="back" /><span>{w!(back)}</span></a>
        </div>
        <div class="sheet">
            <header>
                <p class="crumbs"><span>{w!(settings)}</span><span>{w!(my_account)}</span></p>
                <h1 tabindex="-1" data-heading>{w!(transport_encryption)}</h1>
            </header>
            <SettingsPanel />
        </div>
    }
}
