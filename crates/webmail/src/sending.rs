//! From "Send" to the server's word.

use api::Submitted;
use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin::state::sending::Sending;
use plugin::{ClientError, Decision, Draft, Plugin, parts};

use crate::focus;
use crate::host::api;
use crate::mail::Mail;
use crate::route::{Folder, Route};
use crate::view::compose::{Composer, Line};
use crate::words::w;

/// Why a draft was not sent; it stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The field to look at.
    pub(crate) line: Option<Line>,
    pub(crate) text: String,
}

impl Trouble {
    /// Something that no field is the cause of.
    pub(crate) fn general(text: String) -> Self {
        Self { line: None, text }
    }
}

/// Sends the draft as it stands, once however often it is pressed; where a recipient would be stopped the user is asked first.
pub(crate) fn send(composer: Composer) {
    if composer.pressed.get_value() {
        return;
    }
    if let Some(trouble) = trouble_before(composer) {
        focus::soon(format!("#{}", trouble.line.unwrap_or(Line::To).id()));
        composer.trouble.set(Some(trouble));
        return;
    }
    composer.pressed.set_value(true);
    composer.trouble.set(None);
    spawn_local(async move {
        match composer.composing.ask_before_sending().await {
            Decision::Back => focus::soon(".send .primary"),
            Decision::Send(sending) => hand_over(composer, &sending).await,
        }
        let _ = composer.pressed.try_set_value(false);
    });
}

async fn hand_over(composer: Composer, sending: &Sending) {
    let _ = composer.busy.try_set(true);
    let plugin = composer.plugin;
    match submit(plugin, composer.mail, &sending.draft).await {
        Ok(()) if sending.left.is_empty() => sent(composer, plugin, &sending.draft),
        Ok(()) => sent_to_some(composer, plugin, sending),
        Err(error) => {
            composer.mail.heed(&error);
            let _ = composer.trouble.try_set(Some(Trouble::general(in_words(&error))));
        }
    }
    let _ = composer.busy.try_set(false);
}

fn trouble_before(composer: Composer) -> Option<Trouble> {
    if let Some((line, text)) = composer.first_invalid() {
        return Some(Trouble { line: Some(line), text: w!(not_an_address, text = text) });
    }
    let nobody = composer.draft.with_untracked(|draft| draft.recipients.is_empty());
    nobody.then(|| Trouble { line: Some(Line::To), text: w!(no_recipient).to_string() })
}

async fn submit(plugin: Plugin, mail: Mail, draft: &Draft) -> Result<(), ClientError> {
    let account = mail.address();
    let stamp = plugin::browser::stamp(&account);
    let message = parts::write(draft, &account, &stamp).await?;
    plugin.before_sending(draft, &stamp.message_id).await?;
    let path = match &draft.replaces {
        Some(stop) => format!("/messages?replaces={}", String::from(js_sys::encode_uri_component(stop))),
        None => "/messages".to_owned(),
    };
    api().send_bytes::<Submitted>(&path, "message/rfc822", &message).await.map(drop)
}

fn sent(composer: Composer, plugin: Plugin, draft: &Draft) {
    let mail = composer.mail;
    mail.remove_draft(composer.number);
    plugin.after_sending(draft);
    if plugin.reminder().get_untracked().is_none() {
        mail.say_next(w!(sent_status).to_string());
    }
    mail.load(Folder::Sent);
    // Whoever has gone elsewhere meanwhile stays there.
    if mail.route.get_untracked() == Route::Compose(composer.number) {
        mail.go_instead(Route::Folder(mail.last_folder()));
    }
}

/// Those who are left stay in the draft, which stays open.
fn sent_to_some(composer: Composer, plugin: Plugin, sending: &Sending) {
    let Sending { draft, left } = sending;
    let mail = composer.mail;
    mail.keep_for(composer.number, left);
    let _ = composer.draft.try_update(|draft| draft.recipients = left.clone());
    plugin.after_sending(draft);
    let count = draft.recipients.len();
    mail.say(w!(sent_to_some, count = count, all = count + left.len()));
    mail.load(Folder::Sent);
    focus::soon("#to");
}

fn in_words(error: &ClientError) -> String {
    match error {
        ClientError::Problem(problem) => {
            let detail = problem.detail.clone().unwrap_or_else(|| problem.title.clone());
            w!(not_sent_refused, detail = detail)
        }
        ClientError::Away | ClientError::Unreadable => w!(not_sent_away).to_string(),
        ClientError::LoggedOut | ClientError::Clock => w!(session_ended).to_string(),
    }
}
