//! The composer, where it was opened with a message that the guarantee has stopped.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use api::Stop;
use futures_util::future::{Either, select};
use gloo_timers::future::sleep;
use js_sys::{Function, Promise};
use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin::components::ComposerNotice;
use plugin::el::{El, classed, effect, live, nothing, with_icon};
use plugin::state::panel::Known;
use plugin::state::reopen;
use plugin::{ClientError, Draft, Plugin, Recipients, browser};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use crate::page::{Composed, Page};
use crate::{boot, dialog, fields, js};

/// How long Send waits for the stops, and then for the record of the user's decision. Together less than the five seconds
/// for which the page's script waits.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(2000), Duration::from_millis(2500));

/// How long nothing is said of a server that does not answer.
const SILENCE: Duration = Duration::from_secs(4);

/// A text of the catalogue.
macro_rules! w {
    ($key:ident) => {
        plugin::i18n::td_string!(plugin::words::locale(), plugin.$key)
    };
}

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

/// The composer.
#[derive(Clone, Copy)]
struct Composer {
    plugin: Plugin,
    /// What the plugin knows: its recipients are always as the fields have them.
    draft: RwSignal<Draft>,
    stage: RwSignal<Stage>,
}

/// Starts, if there is something to ask the server: the message may have been stopped.
pub(crate) fn start(page: &Rc<Page>) {
    let composed = page.compose.clone();
    let may_be_stopped = composed.source.as_ref().is_some_and(|source| source.sent);
    if !may_be_stopped && composed.stop.is_none() {
        return;
    }
    let page = Rc::clone(page);
    crate::within("tls-guarantee-composer", move || {
        let plugin = crate::provide(&page);
        let composer = Composer {
            plugin,
            draft: RwSignal::new(Draft { recipients: fields::read(), ..Draft::default() }),
            stage: RwSignal::new(Stage::Asking),
        };
        let settled = composer.settle(composed);
        composer.keep_in_step();
        boot::guard(move || {
            let settled = settled.clone();
            js::promise(async move { composer.judge(settled).await.into() })
        });
        let send = Callback::new(|()| send());
        live(move || match composer.stage.get() {
            Stage::Asking | Stage::Plain => nothing(),
            Stage::Stopped => view! { <ComposerNotice draft=composer.draft on_send=send /> }.into_any(),
            Stage::Unchecked => unchecked().into(),
        })
    });
}

fn unchecked() -> El {
    with_icon(classed("p", "hint warn").attr("role", "status"), "ask", w!(reopen_unchecked))
}

/// Presses Roundcube's own button.
fn send() {
    js::call(&js::rcmail(), "command", &["send".into()]);
}

impl Composer {
    /// Learns from the server whom the message was not sent to; resolved when that is settled.
    fn settle(self, composed: Composed) -> Promise {
        let resolve: Rc<RefCell<Option<Function>>> = Rc::default();
        let settled = Promise::new(&mut |resolved, _| *resolve.borrow_mut() = Some(resolved));
        let opened = self.draft.with_untracked(|draft| draft.recipients.clone());
        effect(move || {
            // What was settled once stays: whoever writes has seen it.
            if !matches!(self.stage.get_untracked(), Stage::Asking | Stage::Unchecked) {
                return;
            }
            let stage = self.plugin.stops().with(|stops| match stops {
                Known::Waiting => Stage::Asking,
                Known::Failed(_) => Stage::Unchecked,
                Known::Known(stops) => match draft_for(&composed, &opened, fields::read(), stops) {
                    None => Stage::Plain,
                    Some(draft) => {
                        self.take_over(draft);
                        Stage::Stopped
                    }
                },
            });
            self.stage.set(stage);
            if stage != Stage::Asking
                && let Some(resolve) = resolve.borrow_mut().take()
            {
                let _ = resolve.call0(&JsValue::UNDEFINED);
            }
        });
        spawn_local(async move {
            sleep(SILENCE).await;
            if self.stage.get_untracked() == Stage::Asking {
                self.stage.set(Stage::Unchecked);
            }
        });
        settled
    }

    /// Addresses the message. That is no change of whoever writes: leaving the composer asks no more than before.
    fn take_over(self, draft: Draft) {
        let rcmail = js::rcmail();
        let state = || js::call(&rcmail, "compose_field_hash", &[]);
        let was_unchanged = js::get(&rcmail, "cmp_hash") == state();
        fields::fill(&draft.recipients);
        if was_unchanged {
            js::call(&rcmail, "compose_field_hash", &[true.into()]);
        }
        self.draft.set(draft);
    }

    /// Draft and fields follow each other: the fields what the plugin chooses, the draft what is typed.
    fn keep_in_step(self) {
        fields::watch(move || self.read_fields());
        let wanted = Memo::new(move |_| self.draft.with(|draft| draft.recipients.clone()));
        effect(move || wanted.with(fields::fill));
    }

    fn read_fields(self) {
        let recipients = fields::read();
        if self.draft.with_untracked(|draft| draft.recipients != recipients) {
            self.draft.update(|draft| draft.recipients = recipients);
        }
    }

    /// Whether the message may be sent now. What the user has decided is recorded first; if that fails, nothing is sent.
    async fn judge(self, settled: Promise) -> bool {
        let _ =
            within(PATIENCE.0, async { JsFuture::from(settled).await.map_err(|_| ClientError::Away) }).await;
        self.read_fields();
        boot::message_id(None);
        boot::note(false);
        let draft = self.draft.get_untracked();
        let overridden = !draft.overridden().is_empty();
        if !overridden && draft.replaces.is_none() {
            return true;
        }
        let id = browser::stamp(&self.plugin.host().account()).message_id;
        if let Err(error) = within(PATIENCE.1, self.plugin.before_sending(&draft, &id)).await {
            dialog::say(in_words(&error), "error");
            return false;
        }
        if let Some(stop) = draft.replaces {
            let (client, id) = (self.plugin.client(), id.clone());
            // Nothing waits for it: it only says "sent again" in the list of stops.
            spawn_local(async move { drop(client.announce_replacement(&stop, &id).await) });
        }
        boot::message_id(Some(&id));
        boot::note(overridden);
        true
    }
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

/// The answer, or that there was none for so long.
async fn within<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    match select(Box::pin(answer), Box::pin(sleep(patience))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(ClientError::Away),
    }
}

fn in_words(error: &ClientError) -> &'static str {
    match error {
        ClientError::Away => w!(not_sent_away),
        ClientError::LoggedOut => w!(not_sent_session),
        ClientError::Clock => w!(not_sent_clock),
        ClientError::Problem(_) | ClientError::Unreadable => w!(not_sent_refused),
    }
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
