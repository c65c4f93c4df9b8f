//! The way in.

use api::Credentials;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin::ClientError;
use plugin::components::Icon;

use crate::focus;
use crate::keep::Shelf;
use crate::live::live;
use crate::session::{Session, Why};
use crate::words::w;

/// The form. What was typed stays when the server refuses it.
pub(super) fn login(session: Session, why: Why) -> impl IntoView {
    let address = RwSignal::new(String::new());
    let password = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let trouble = RwSignal::new(None::<String>);
    document().set_title(w!(log_in));
    focus::soon("#address");

    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let credentials =
            Credentials { address: address.get_untracked().trim().to_owned(), password: password.get_untracked() };
        if credentials.address.is_empty() || credentials.password.is_empty() {
            trouble.set(Some(w!(log_in_incomplete).to_string()));
            focus::soon(if credentials.address.is_empty() { "#address" } else { "#password" });
            return;
        }
        busy.set(true);
        trouble.set(None);
        spawn_local(async move {
            if let Err(error) = session.log_in(credentials).await {
                trouble.set(Some(in_words(&error)));
                busy.set(false);
                focus::soon("#password");
            }
        });
    };
    let invalid = || live(move || trouble.with(Option::is_some).then_some("true"));

    view! {
        <main class="login">
            <form class="login-box" on:submit=submit novalidate aria-labelledby="login-title">
                <h1 id="login-title"><Icon name="mail" />" "{w!(log_in_title)}</h1>
                {said(why)}
                <p class="trouble" role="alert" id="login-trouble">{live(move || trouble.get().unwrap_or_default())}</p>
                <div>
                    <label for="address">{w!(address)}</label>
                    <input class="field" id="address" name="address" type="email" autocomplete="username"
                        autocapitalize="none" spellcheck="false" aria-invalid=invalid() aria-describedby="login-trouble"
                        prop:value=address on:input=move |event| address.set(event_target_value(&event)) />
                </div>
                <div>
                    <label for="password">{w!(password)}</label>
                    <input class="field" id="password" name="password" type="password" autocomplete="current-password"
                        aria-invalid=invalid() aria-describedby="login-trouble"
                        prop:value=password on:input=move |event| password.set(event_target_value(&event)) />
                </div>
                <button class="btn primary big" type="submit" aria-disabled=live(move || busy.get().then_some("true"))>
                    {w!(log_in)}
                </button>
            </form>
            {super::shell::theme_button()}
        </main>
    }
}

fn said(why: Why) -> AnyView {
    match why {
        Why::First => ().into_any(),
        Why::Ended => view! { <p role="status">{w!(session_ended)}</p> }.into_any(),
        Why::LoggedOut { drafts: 0, .. } => view! { <p role="status">{w!(logged_out)}</p> }.into_any(),
        Why::LoggedOut { account, .. } => {
            let deleted = RwSignal::new(false);
            let delete = move |_| {
                let shelf = Shelf::of(&account);
                shelf.all().iter().for_each(|kept| shelf.remove(kept.number));
                deleted.set(true);
            };
            view! {
                <p role="status">
                    {live(move || if deleted.get() { w!(drafts_deleted) } else { w!(logged_out_with_drafts) })}
                </p>
                <p hidden=deleted>
                    <button class="btn" type="button" on:click=delete>{w!(delete_drafts)}</button>
                </p>
            }
            .into_any()
        }
    }
}

fn in_words(error: &ClientError) -> String {
    match error {
        ClientError::LoggedOut => w!(log_in_wrong).to_string(),
        ClientError::Problem(problem) if problem.status == 429 => w!(log_in_too_often).to_string(),
        ClientError::Problem(problem) => {
            let detail = problem.detail.clone().unwrap_or_else(|| problem.title.clone());
            w!(log_in_refused, detail = detail)
        }
        ClientError::Away | ClientError::Unreadable => w!(server_away).to_string(),
    }
}
