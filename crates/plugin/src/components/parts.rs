//! What several components are made of.

use api::ProtectionWord;
use jiff::Timestamp;
use leptos::prelude::*;

use crate::browser::{self, Moment};
use crate::client::ClientError;
use crate::el::{El, classed, el, with_icon};
use crate::state::cause::CauseWord;
use crate::words::{locale, w};

/// An explanation with its icon.
pub(super) fn hint(name: &'static str, text: &str) -> El {
    with_icon(classed("p", "hint"), name, text)
}

/// Something to heed, with its icon; `said` also by a screen reader once it appears.
pub(super) fn warning(name: &'static str, text: &str, said: bool) -> El {
    let p = classed("p", "hint warn");
    with_icon(if said { p.attr("role", "alert") } else { p }, name, text)
}

/// What did not work.
pub(super) fn failure(error: &ClientError) -> AnyView {
    warning("alert", failure_text(error), true).into()
}

/// The same as a sentence.
pub(super) fn failure_text(error: &ClientError) -> &'static str {
    match error {
        ClientError::Away => w!(error_away),
        ClientError::LoggedOut => w!(error_session),
        ClientError::Clock => w!(error_clock),
        ClientError::Problem(_) | ClientError::Unreadable => w!(error_refused),
    }
}

/// What protects a way, as a table or a list has it.
pub(super) fn protection(word: ProtectionWord) -> &'static str {
    match word {
        ProtectionWord::None => w!(known_none),
        ProtectionWord::Encrypted => w!(protection_encrypted),
        ProtectionWord::Authenticated => w!(protection_authenticated),
        ProtectionWord::Dane => w!(protection_dane),
        ProtectionWord::Unknown | ProtectionWord::Invalid => w!(known_unknown),
    }
}

/// A time in a table: `Heute, 14:05`, or with its day.
pub(super) fn when(time: Timestamp) -> String {
    match browser::short(time, locale()) {
        Moment::Today(time) => w!(today, time = time),
        Moment::Other(time) => time,
    }
}

/// A paragraph.
pub(super) fn paragraph(text: &str) -> El {
    el("p").text(text)
}

/// A button with its name.
pub(super) fn button(class: &'static str, name: &str, act: impl FnMut() + 'static) -> El {
    classed("button", class).attr("type", "button").press(act).text(name)
}

/// Stands in a text for an element.
pub(super) const MARKS: [char; 3] = ['\u{e000}', '\u{e001}', '\u{e002}'];

/// A paragraph whose `MARKS` are elements.
pub(super) fn filled(text: &str, element: impl Fn(char) -> El) -> El {
    let mut paragraph = el("p");
    let mut rest = text;
    while let Some(at) = rest.find(MARKS) {
        let (before, after) = rest.split_at(at);
        let mut characters = after.chars();
        paragraph = paragraph.text(before).maybe(characters.next().map(&element));
        rest = characters.as_str();
    }
    paragraph.text(rest)
}

/// An address or a host's name, which may break anywhere.
pub(super) fn address(text: &str) -> El {
    classed("span", "addr").text(text)
}

/// An address that must not be overlooked.
pub(super) fn strong_address(text: &str) -> El {
    classed("strong", "addr").text(text)
}

/// Why a recipient was stopped, as a table has it.
pub(super) fn cause(word: CauseWord) -> &'static str {
    match word {
        CauseWord::NoStarttls => w!(cause_no_starttls),
        CauseWord::StarttlsRefused => w!(cause_starttls_refused),
        CauseWord::HandshakeFailed => w!(cause_handshake_failed),
        CauseWord::Downgrade => w!(cause_downgrade),
        CauseWord::IdentityLost => w!(cause_identity_lost),
        CauseWord::DaneMismatch => w!(cause_dane_mismatch),
        CauseWord::StsMismatch => w!(cause_sts_mismatch),
        CauseWord::NotAuthenticated => w!(cause_not_authenticated),
        CauseWord::RequireTlsNotOffered | CauseWord::RequireTlsFailed => w!(cause_require_tls),
        CauseWord::Unknown => w!(cause_unknown),
    }
}
