//! The composer: what becomes of the message is seen while it is written, and decided when Send is pressed.

mod encryption;
mod protection;
mod reopened;

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use gloo_timers::future::sleep;
use js_sys::Promise;
use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin::el::effect;
use plugin::state::sending::Sending;
use plugin::{ClientError, Composing, Decision, Draft, Plugin, Recipients, browser, words};
use wasm_bindgen_futures::JsFuture;

use crate::boot::Note;
use crate::fields::{self, Extent};
use crate::page::Page;
use crate::{boot, dialog, js};

/// How long Send waits for the stops, for the user's preferences, and for the record of their decision. Together with the
/// plugin's own wait for what is not known yet less than the seven seconds for which the page's script waits.
const PATIENCE: [Duration; 3] =
    [Duration::from_millis(2000), Duration::from_millis(800), Duration::from_millis(2500)];

/// A text of the catalogue.
macro_rules! w {
    ($key:ident $(, $name:ident = $value:expr)*) => {
        plugin::i18n::td_string!(plugin::words::locale(), plugin.$key $(, $name = $value)*)
    };
}
use w;

/// The composer.
#[derive(Clone, Copy)]
struct Composer {
    plugin: Plugin,
    composing: Composing,
    /// What the plugin knows: its recipients are always as the fields have them.
    draft: RwSignal<Draft>,
    /// What was read from the fields last, or written into them.
    fields: StoredValue<Recipients>,
}

/// Starts.
pub(crate) fn start(plugin: Plugin, page: &Rc<Page>) {
    let recipients = fields::read(Extent::All);
    let draft = RwSignal::new(Draft { recipients: recipients.clone(), ..Draft::default() });
    let composing = plugin.composing(draft);
    let composer = Composer { plugin, composing, draft, fields: StoredValue::new(recipients) };
    let is_switched_on = encryption::start(composer);
    let settled = reopened::start(composer, page.compose.clone(), is_switched_on);
    composer.keep_in_step();
    protection::start(composing);
    let is_bound = Memo::new(move |_| draft.with(must_be_recorded));
    effect(move || boot::bound(is_bound.get()));
    boot::guard(move || {
        let settled = settled.clone();
        js::promise(async move { composer.judge(settled).await.into() })
    });
}

/// Presses Roundcube's own button.
fn send() {
    js::call(&js::rcmail(), "command", &["send".into()]);
}

impl Composer {
    /// Draft and fields follow each other: the fields what the plugin chooses, the draft what is typed.
    fn keep_in_step(self) {
        fields::watch(move || self.read(Extent::Complete));
        let wanted = Memo::new(move |_| self.draft.with(|draft| draft.recipients.clone()));
        effect(move || wanted.with(|wanted| self.fill(wanted)));
    }

    fn read(self, extent: Extent) {
        let recipients = fields::read(extent);
        self.fields.set_value(recipients.clone());
        if self.draft.with_untracked(|draft| draft.recipients != recipients) {
            self.draft.update(|draft| draft.recipients = recipients);
            // What is read is complete: nothing need be waited for.
            self.composing.look_now();
        }
    }

    /// Makes the fields say this, unless it is what they have said themselves: then they may be further already.
    fn fill(self, wanted: &Recipients) {
        if self.fields.with_value(|read| read != wanted) {
            fields::fill(wanted);
            self.fields.set_value(wanted.clone());
        }
    }

    /// Whether the message may be sent now, as it stands in the fields then. What the user has decided is recorded first;
    /// if that fails, nothing is sent.
    async fn judge(self, settled: Promise) -> bool {
        let turn = boot::turn();
        let is_too_late = move || boot::turn() != turn;
        let settled = async { JsFuture::from(settled).await.map_err(|_| ClientError::Away) };
        let _ = within(PATIENCE[0], settled).await;
        if is_too_late() {
            return false;
        }
        self.read(Extent::All);
        boot::message_id(None);
        boot::note(&Note::default());
        let Some(Sending { draft, left }) = self.decide().await else { return false };
        if is_too_late() {
            return false;
        }
        let note =
            Note { overridden: !draft.overridden().is_empty(), left_out: self.leave_out(&draft, &left) };
        // It need not know of what is sent again, but then says so in the list of stops.
        if must_be_recorded(&draft) || draft.replaces.is_some() {
            let id = browser::stamp(&self.plugin.host().account()).message_id;
            let recorded = within(PATIENCE[2], self.plugin.before_sending(&draft, &id)).await;
            if is_too_late() {
                return false;
            }
            if let Err(error) = recorded {
                dialog::say(in_words(&error), "error");
                return false;
            }
            self.announce(&draft, &id);
            boot::message_id(Some(&id));
        }
        if fields::read(Extent::All) != draft.recipients {
            // What was judged is not what would be sent.
            dialog::say(w!(not_sent_changed), "error");
            return false;
        }
        boot::note(&note);
        true
    }

    /// What is sent, by the user's decision where one is asked for; `None` if nothing is.
    async fn decide(self) -> Option<Sending> {
        let draft = self.draft.get_untracked();
        if encryption::is_on() && !draft.demand_authenticated {
            let preferences = within(PATIENCE[1], self.plugin.client().preferences()).await;
            // The guarantee stops none of it, then.
            if preferences.is_ok_and(|wish| wish.end_to_end_without_tls) {
                return Some(Sending { draft, left: Recipients::default() });
            }
        }
        match self.composing.ask_before_sending().await {
            Decision::Send(sending) => Some(*sending),
            Decision::Back => None,
        }
    }

    /// Takes those out of the fields who are not sent to; answers how a sentence names them.
    fn leave_out(self, draft: &Draft, left: &Recipients) -> String {
        if left.is_empty() {
            return String::new();
        }
        let list = words::list(&left.iter().map(|address| address.email.clone()).collect::<Vec<_>>());
        // The next page says it again, when it is sent.
        dialog::say(&w!(sending_without, recipients = list.clone()), "warning");
        self.draft.update(|shown| shown.recipients.clone_from(&draft.recipients));
        self.fill(&draft.recipients);
        list
    }

    fn announce(self, draft: &Draft, id: &str) {
        let Some(stop) = draft.replaces.clone() else { return };
        let (client, id) = (self.plugin.client(), id.to_owned());
        // Nothing waits for it: it only says "sent again" in the list of stops.
        spawn_local(async move { drop(client.announce_replacement(&stop, &id).await) });
    }
}

/// Whether the server has to know what the user wants of this message before it is sent.
fn must_be_recorded(draft: &Draft) -> bool {
    draft.demand_authenticated || !draft.overridden().is_empty()
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
