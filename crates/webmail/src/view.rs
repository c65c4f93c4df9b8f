//! What is seen. Each function is a part of the page; the markup's classes are styled by `www/style.css`.

pub(crate) mod compose;
mod dialog;
mod files;
mod list;
mod login;
mod menu;
mod message;
mod settings;
mod shell;

use leptos::prelude::*;
use plugin::components::Sprite;

use crate::el::{El, classed, el, live};
use crate::session::{Session, State, Why};
use crate::words::w;

/// The page.
pub(crate) fn app() -> AnyView {
    let session = Session::provide();
    let page = live(move || match session.state.get() {
        State::Asking => classed("p", "boot").attr("role", "status").text(w!(loading)).into(),
        State::Away => away(session).into(),
        State::Out(why) => login::login(session, why).into(),
        State::In(account) => shell::shell(account).into(),
    });
    view! { <Sprite />{page} }.into_any()
}

fn away(session: Session) -> El {
    classed("main", "boot")
        .child(el("p").attr("role", "alert").text(w!(server_away)))
        .child(el("p").child(button("btn", w!(try_again), move || session.ask(Why::First))))
}

/// A button.
fn button(class: &'static str, name: impl AsRef<str>, act: impl FnMut() + 'static) -> El {
    plain_button(class, act).text(name)
}

/// A button that has no name yet.
fn plain_button(class: &'static str, act: impl FnMut() + 'static) -> El {
    classed("button", class).attr("type", "button").press(act)
}
