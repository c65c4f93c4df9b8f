//! What several components are made of. Views are built of few types on purpose: each new one costs a
//! kilobyte of the module, which travels to everybody.

use leptos::prelude::*;

use super::sprite::icon;
use crate::client::ClientError;
use crate::words::w;

/// An explanation with its icon.
pub(super) fn hint(name: &'static str, text: String) -> AnyView {
    view! { <p class="hint">{icon(name)}<span>{text}</span></p> }.into_any()
}

/// Something to heed, with its icon; `said` also by a screen reader once it appears.
pub(super) fn warning(name: &'static str, text: String, said: bool) -> AnyView {
    let role = said.then_some("alert");
    view! { <p class="hint warn" role=role>{icon(name)}<span>{text}</span></p> }.into_any()
}

/// What did not work.
pub(super) fn failure(error: &ClientError) -> AnyView {
    let text = match error {
        ClientError::Away => w!(error_away),
        ClientError::LoggedOut => w!(error_session),
        ClientError::Problem(_) | ClientError::Unreadable => w!(error_refused),
    };
    warning("alert", text.to_string(), true)
}

/// A paragraph.
pub(super) fn paragraph(text: impl Into<String>) -> AnyView {
    view! { <p>{text.into()}</p> }.into_any()
}

/// Stands in a text for an element.
pub(super) const MARKS: [char; 2] = ['\u{e000}', '\u{e001}'];

/// A paragraph whose `MARKS` are elements.
pub(super) fn filled(text: &str, element: impl Fn(char) -> AnyView) -> AnyView {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(MARKS) {
        let (before, after) = rest.split_at(at);
        let mut characters = after.chars();
        parts.push(before.to_owned().into_any());
        parts.extend(characters.next().map(&element));
        rest = characters.as_str();
    }
    parts.push(rest.to_owned().into_any());
    view! { <p>{parts}</p> }.into_any()
}

/// An address or a host's name, which may break anywhere.
pub(super) fn address(text: String) -> AnyView {
    view! { <span class="addr">{text}</span> }.into_any()
}

/// An address that must not be overlooked.
pub(super) fn strong_address(text: String) -> AnyView {
    view! { <strong class="addr">{text}</strong> }.into_any()
}
