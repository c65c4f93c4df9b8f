//! What is seen. Each function is a part of the page; the markup's classes are styled by `www/style.css`.

pub(crate) mod compose;
mod files;
mod list;
mod login;
mod menu;
mod message;
mod settings;
mod shell;

use leptos::prelude::*;
use plugin::components::Sprite;

use crate::live::live;
use crate::session::{Session, State};
use crate::words::w;

/// The page.
pub(crate) fn app() -> impl IntoView {
    let session = Session::provide();
    let page = live(move || {
        match session.state.get() {
            State::Asking => view! { <p class="boot" role="status">{w!(loading)}</p> }.into_any(),
            State::Away => away(session).into_any(),
            State::Out(why) => login::login(session, why).into_any(),
            State::In(account) => shell::shell(account).into_any(),
        }
    });
    view! { <Sprite />{page} }
}

fn away(session: Session) -> impl IntoView {
    let again = move |_| session.ask(crate::session::Why::First);
    view! {
        <main class="boot">
            <p role="alert">{w!(server_away)}</p>
            <p><button class="btn" type="button" on:click=again>{w!(try_again)}</button></p>
        </main>
    }
}
