//! A message that is opened as new: was it stopped, and for whom?

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use api::Stop;
use gloo_timers::future::sleep;
use js_sys::{Function, Promise};
use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin::components::ComposerNotice;
use plugin::el::{El, classed, effect, live, nothing, with_icon};
use plugin::state::panel::Known;
use plugin::state::reopen;
use plugin::{Draft, Recipients};
use wasm_bindgen::JsValue;

use super::{Composer, send, w};
use crate::fields::{self, Extent};
use crate::js;
use crate::page::Composed;

/// How long nothing is said of a server that does not answer.
const SILENCE: Duration = Duration::from_secs(4);

/// What is known of a message that is opened as new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The server has not answered yet.
    Asking,
    /// Nothing was stopped: it goes to all.
    Plain,
    /// Something was.
    Stopped,
    /// The server can't be asked.
    Unchecked,
}

/// Shows what is to be said of the message; resolved when it is settled whether it was stopped.
pub(super) fn start(composer: Composer, composed: Composed, is_switched_on: RwSignal<bool>) -> Promise {
    let may_be_stopped = composed.source.as_ref().is_some_and(|source| source.sent);
    let is_asked = may_be_stopped || composed.stop.is_some();
    let stage = RwSignal::new(if is_asked { Stage::Asking } else { Stage::Plain });
    let settled =
        if is_asked { settle(composer, stage, composed) } else { Promise::resolve(&JsValue::UNDEFINED) };
    let is_to_be_encrypted = Memo::new(move |_| composer.draft.with(|draft| draft.end_to_end));
    crate::within("tls-guarantee-composer", move || {
        live(move || match (stage.get(), is_to_be_encrypted.get()) {
            (Stage::Plain, true) if is_switched_on.get() => said("hint", "key", w!(encryption_on)).into(),
            (Stage::Stopped, _) | (Stage::Plain, true) => {
                let on_send = Callback::new(|()| send());
                view! { <ComposerNotice draft=composer.draft on_send=on_send /> }.into_any()
            }
            (Stage::Asking | Stage::Plain, _) => nothing(),
            (Stage::Unchecked, _) => said("hint warn", "ask", w!(reopen_unchecked)).into(),
        })
    });
    settled
}

fn said(class: &'static str, icon: &'static str, text: &str) -> El {
    with_icon(classed("p", class).attr("role", "status"), icon, text)
}

/// Learns from the server whom the message was not sent to.
fn settle(composer: Composer, stage: RwSignal<Stage>, composed: Composed) -> Promise {
    let resolve: Rc<RefCell<Option<Function>>> = Rc::default();
    let settled = Promise::new(&mut |resolved, _| *resolve.borrow_mut() = Some(resolved));
    let opened = composer.draft.with_untracked(|draft| draft.recipients.clone());
    effect(move || {
        // What was settled once stays: whoever writes has seen it.
        if !matches!(stage.get_untracked(), Stage::Asking | Stage::Unchecked) {
            return;
        }
        let found = composer.plugin.stops().with(|stops| match stops {
            Known::Waiting => Stage::Asking,
            Known::Failed(_) => Stage::Unchecked,
            Known::Known(stops) => match draft_for(&composed, &opened, fields::read(Extent::All), stops) {
                None => Stage::Plain,
                Some(draft) => {
                    take_over(composer, draft);
                    Stage::Stopped
                }
            },
        });
        stage.set(found);
        if found != Stage::Asking
            && let Some(resolve) = resolve.borrow_mut().take()
        {
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    });
    spawn_local(async move {
        sleep(SILENCE).await;
        if stage.get_untracked() == Stage::Asking {
            stage.set(Stage::Unchecked);
        }
    });
    settled
}

/// Addresses the message. That is no change of whoever writes: leaving the composer asks no more than before.
fn take_over(composer: Composer, draft: Draft) {
    let rcmail = js::rcmail();
    let state = || js::call(&rcmail, "compose_field_hash", &[]);
    let was_unchanged = js::get(&rcmail, "cmp_hash") == state();
    composer.fill(&draft.recipients);
    if was_unchanged {
        js::call(&rcmail, "compose_field_hash", &[true.into()]);
    }
    // What the user has demanded meanwhile is theirs.
    composer.draft.update(|shown| {
        *shown = Draft { demand_authenticated: shown.demand_authenticated, ..draft };
    });
}

/// The draft of a message that was stopped; `None` if it was not. `opened` are the recipients that the composer was opened
/// with, `present` those that stand there now: who has changed them already keeps them.
fn draft_for(composed: &Composed, opened: &Recipients, present: Recipients, stops: &[Stop]) -> Option<Draft> {
    let message_id = match &composed.source {
        Some(source) => &source.message_id,
        // A saved draft of such a message.
        None => stops.iter().find(|stop| Some(&stop.id) == composed.stop.as_ref())?.message_id.as_ref()?,
    };
    let draft = reopen::addressed(opened.clone(), message_id, stops, composed.taken().as_ref())?;
    if composed.source.is_some() && present == *opened {
        return Some(draft);
    }
    Some(Draft { recipients: present, ..draft })
}

#[cfg(test)]
mod tests {
    use plugin::Address;
    use rstest::rstest;

    use super::*;
    use crate::page::Message;

    fn to(emails: &[&str]) -> Recipients {
        Recipients { to: emails.iter().map(|email| Address::bare(*email)).collect(), ..Recipients::default() }
    }

    fn stop() -> Stop {
        let recipient = api::StoppedRecipient {
            address: "carla@plain.example".to_owned(),
            host: "mx.plain.example".to_owned(),
            host_address: "127.0.0.5".to_owned(),
            reason: String::new(),
            cause: "no_starttls".to_owned(),
            tls_last_seen: None,
            status: "5.7.4".to_owned(),
            stopped_at: jiff::Timestamp::UNIX_EPOCH,
            replaced_by: None,
        };
        Stop {
            id: "S1".to_owned(),
            queue_id: "Q1".to_owned(),
            message_id: Some("m1@example.org".to_owned()),
            subject: String::new(),
            recipients: vec![recipient],
            delivered_others: 1,
            waiting_others: 0,
            replaced_by: None,
            demanded: false,
        }
    }

    fn opened_from(message_id: &str) -> Composed {
        let source = Message {
            uid: "7".to_owned(),
            mbox: "Sent".to_owned(),
            message_id: message_id.to_owned(),
            sent: true,
            may_be_report: false,
        };
        Composed { source: Some(source), ..Composed::default() }
    }

    fn by_the_banner(composed: Composed) -> Composed {
        Composed { way: Some("without".to_owned()), stop: Some("S1".to_owned()), ..composed }
    }

    const BOTH: &[&str] = &["bob@tls.example", "carla@plain.example"];
    const CARLA: &[&str] = &["carla@plain.example"];
    const DORA: &[&str] = &["dora@tls.example"];
    const NOBODY: &[&str] = &[];

    #[rstest]
    #[case::from_sent(opened_from("m1@example.org"), BOTH, Some((CARLA, NOBODY)))]
    #[case::by_the_banner(by_the_banner(opened_from("m1@example.org")), BOTH, Some((CARLA, CARLA)))]
    #[case::changed_meanwhile(by_the_banner(opened_from("m1@example.org")), DORA, Some((DORA, NOBODY)))]
    #[case::another_message(by_the_banner(opened_from("m2@example.org")), BOTH, None)]
    #[case::without_message_id(opened_from(""), BOTH, None)]
    #[case::a_saved_draft(by_the_banner(Composed::default()), BOTH, Some((BOTH, CARLA)))]
    fn drafts(
        #[case] composed: Composed,
        #[case] present: &[&str],
        #[case] expected: Option<(&[&str], &[&str])>,
    ) {
        let draft = draft_for(&composed, &to(BOTH), to(present), &[stop()]);
        let found = draft.map(|draft| (draft.recipients.clone(), draft.overridden()));
        let expected = expected.map(|(recipients, overridden)| {
            (to(recipients), overridden.iter().map(ToString::to_string).collect::<Vec<_>>())
        });
        assert_eq!(found, expected);
    }
}
