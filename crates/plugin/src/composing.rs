//! A message in the making, from the first recipient to Send.

use std::rc::Rc;
use std::time::Duration;

use api::Event;
use gloo_timers::future::sleep;
use js_sys::{Function, Promise};
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use crate::bridge::Question;
use crate::browser;
use crate::components::{question, tell};
use crate::draft::{Address, Draft, Recipients};
use crate::plugin::Plugin;
use crate::state::panel::Panel;
use crate::state::protection::{self, Under, Word};
use crate::state::sending::{self, Asked, Open, Sending, Taken, Way};
use crate::words::w;

/// After the last key.
const TYPED: Duration = Duration::from_millis(300);
/// And after that, until an address at the end of a field counts as typed to its end. What is asked before would tell
/// strangers: `anna@st.mu` on the way to `anna@st.mueller.example`.
const RESTED: Duration = Duration::from_millis(1200);
/// How often, and how many times, Send looks whether the answers have come that are on their way.
const LOOK: (Duration, u32) = (Duration::from_millis(50), 14);

/// What follows from pressing Send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// This is sent.
    Send(Box<Sending>),
    /// Nothing is.
    Back,
}

/// Recipients and their words.
pub(crate) type Shown = Vec<(String, Word)>;

/// A composer's recipients, what is known of them, and what is asked before it sends.
#[derive(Clone, Copy)]
pub struct Composing {
    pub(crate) plugin: Plugin,
    pub(crate) draft: RwSignal<Draft>,
    pub(crate) panel: Memo<Panel>,
    /// The recipients of To, Cc and Bcc, each with what is known of them.
    pub(crate) shown: Memo<[Shown; 3]>,
    /// As they were when typing last paused.
    settled: RwSignal<Recipients>,
    /// Those of them that may still be typed: nobody is asked about them yet.
    unfinished: StoredValue<Vec<String>>,
    typed: StoredValue<Option<TimeoutHandle>>,
    again: StoredValue<Option<TimeoutHandle>>,
    open: RwSignal<Option<Open>>,
    is_over: Signal<bool>,
    resolve: StoredValue<Option<Function>, LocalStorage>,
    way: StoredValue<Option<Way>>,
}

impl Plugin {
    /// Begins to ask for the protection of a draft's recipients, until the current owner ends.
    pub fn composing(self, draft: RwSignal<Draft>) -> Composing {
        let (open, panel) = (RwSignal::new(None), self.panel());
        let settled = RwSignal::new(draft.with_untracked(|draft| draft.recipients.clone()));
        // So that not every key has all words looked up anew.
        let under = Memo::new(move |_| under(panel.get(), draft.with(|draft| draft.demand_authenticated)));
        let shown = Memo::new(move |_| {
            let now = browser::now().as_millisecond();
            self.protections.with(|known| {
                let word = |email: &str| protection::word(known.of(email, now), under.get());
                let field = |people: &Vec<Address>| {
                    people.iter().map(|person| (person.email.clone(), word(&person.email))).collect()
                };
                settled.with(|settled| [&settled.to, &settled.cc, &settled.bcc].map(field))
            })
        });
        let composing = Composing {
            plugin: self,
            draft,
            panel,
            shown,
            settled,
            unfinished: StoredValue::new(Vec::new()),
            typed: StoredValue::new(None),
            again: StoredValue::new(None),
            open,
            is_over: Signal::derive(move || open.with(Option::is_none)),
            resolve: StoredValue::new_local(None),
            way: StoredValue::new(None),
        };
        composing.follow();
        composing
    }

    /// All that was said of recipients may be otherwise now: the level or an exception has changed.
    pub fn forget_protections(self) {
        let _ = self.protections.try_update(protection::Protections::void_all);
    }

    /// What happened tells of recipients.
    pub(crate) fn hear_of_protections(self, event: &Event) {
        let now = browser::now().as_millisecond();
        let _ = self.protections.try_update(|known| known.hear(event, now));
    }
}

impl Composing {
    fn follow(self) {
        crate::el::effect(move || {
            let is_settled =
                self.draft.with(|draft| self.settled.with_untracked(|settled| draft.recipients == *settled));
            let may_go_on = self.unfinished.with_value(|unfinished| !unfinished.is_empty());
            let pause =
                (!is_settled || may_go_on).then(|| set_timeout_with_handle(move || self.pause(), TYPED).ok());
            replace(self.typed, pause.flatten());
        });
        crate::el::effect(move || {
            self.plugin.protections.track();
            self.settled.track();
            self.ask();
        });
        crate::el::effect(move || {
            let Some(open) = self.open.get() else { return };
            if !self.draft.with(|draft| open.holds(draft, self.panel.get())) {
                self.close(None);
            }
        });
        on_cleanup(move || {
            replace(self.typed, None);
            replace(self.again, None);
            self.close(None);
        });
    }

    /// To be called when a field of recipients is left, or something was pasted: nothing waits for a pause then.
    pub fn look_now(self) {
        replace(self.typed, None);
        let _ = self.unfinished.try_update_value(Vec::clear);
        self.settle();
        self.ask();
    }

    /// Typing has paused. What a field ends with may go on.
    fn pause(self) {
        let present = self.draft.try_with_untracked(|draft| draft.recipients.clone());
        let before = self.settled.try_with_untracked(emails);
        let (Some(present), Some(before)) = (present, before) else { return };
        let may_go_on = |email: &String| {
            !before.contains(email)
                || self.unfinished.try_with_value(|known| known.contains(email)) == Some(true)
        };
        let last =
            [&present.to, &present.cc, &present.bcc].map(|field| field.last().map(|one| one.email.clone()));
        let unfinished: Vec<String> = last.into_iter().flatten().filter(may_go_on).collect();
        let rests = !unfinished.is_empty();
        let _ = self.unfinished.try_update_value(|known| *known = unfinished);
        self.settle();
        let timer = rests.then(|| set_timeout_with_handle(move || self.look_now(), RESTED).ok());
        replace(self.typed, timer.flatten());
    }

    fn settle(self) {
        let present = self.draft.try_with_untracked(|draft| draft.recipients.clone());
        let Some(present) = present else { return };
        if self.settled.try_with_untracked(|settled| *settled != present) == Some(true) {
            self.settled.set(present);
        }
    }

    /// Asks the server what is to be asked now, and sees to it that it is asked again.
    fn ask(self) {
        let emails = self.settled.try_with_untracked(emails);
        let Some(mut emails) = emails else { return };
        let _ =
            self.unfinished.try_with_value(|unfinished| emails.retain(|email| !unfinished.contains(email)));
        let now = browser::now().as_millisecond();
        while let Some(Some(question)) =
            self.plugin.protections.try_update_untracked(|known| known.ask(&emails, now))
        {
            self.plugin.check(question);
        }
        let next = self.plugin.protections.try_with_untracked(|known| known.next(&emails, now)).flatten();
        let again = next.and_then(|next| {
            let wait = u64::try_from(next - now).unwrap_or(0).clamp(1_000, 600_000);
            set_timeout_with_handle(move || self.ask(), Duration::from_millis(wait)).ok()
        });
        replace(self.again, again);
    }

    pub(crate) fn demand(self) -> bool {
        self.draft.with(|draft| draft.demand_authenticated)
    }

    /// To be called when Send is pressed, once until it has answered: asks the user where a recipient is known to be stopped. The draft
    /// is sent as it is at this moment. Answers that are on their way are waited for 700 ms at most.
    pub async fn ask_before_sending(self) -> Decision {
        let draft = self.draft.get_untracked();
        let panel = self.panel.get_untracked();
        self.look_now();
        let mut looks = if sending::may_ask(&draft, panel) { LOOK.1 } else { 0 };
        let emails = emails(&draft.recipients);
        while looks > 0 && self.is_awaited(&emails) {
            sleep(LOOK.0).await;
            looks -= 1;
        }
        let panel = self.panel.try_get_untracked().unwrap_or(panel);
        let now = browser::now().as_millisecond();
        let asked =
            self.plugin.protections.try_with_untracked(|known| sending::question(&draft, panel, known, now));
        let Some(asked) = asked.flatten() else {
            return Decision::Send(Box::new(Sending { draft, left: Recipients::default() }));
        };
        let Some(way) = self.choose(&draft, panel, &asked).await else { return Decision::Back };
        match sending::take(draft, &asked, way) {
            Taken::Send(sending) => Decision::Send(sending),
            Taken::Tell(recipients) => {
                tell(self.plugin, &recipients);
                Decision::Back
            }
            Taken::EndToEnd => {
                let _ = self.draft.try_update(|draft| draft.end_to_end = true);
                Decision::Back
            }
        }
    }

    fn is_awaited(self, emails: &[String]) -> bool {
        let now = browser::now().as_millisecond();
        self.plugin.protections.try_with_untracked(|known| known.is_awaited(emails, now)) == Some(true)
    }

    async fn choose(self, draft: &Draft, panel: Panel, asked: &Asked) -> Option<Way> {
        let answered = Promise::new(&mut |resolve, _| self.resolve.set_value(Some(resolve)));
        let open = Open { recipients: draft.recipients.clone(), demand: draft.demand_authenticated, panel };
        // It would belong to what is no more.
        if self.draft.try_with_untracked(|now| open.holds(now, panel)) != Some(true) {
            return None;
        }
        self.open.set(Some(open));
        let asked = asked.clone();
        self.plugin.host().choose(Question {
            title: if asked.stopped.is_empty() { w!(ask_title_unproven) } else { w!(ask_title) }.to_owned(),
            body: Rc::new(move || question(&asked, move |way| self.close(Some(way)))),
            close: w!(ask_back).to_owned(),
            is_over: self.is_over,
            dismissed: Rc::new(move || self.close(None)),
        });
        let _ = JsFuture::from(answered).await;
        self.way.try_update_value(Option::take).flatten()
    }

    /// Ends the question, if one is open; its first answer counts.
    fn close(self, way: Option<Way>) {
        if let Some(resolve) = self.resolve.try_update_value(Option::take).flatten() {
            let _ = self.way.try_update_value(|chosen| *chosen = way);
            let _ = self.open.try_set(None);
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    }
}

impl Plugin {
    fn check(self, question: protection::Question) {
        spawn_local(async move {
            let Ok(client) = self.asks() else { return };
            let answer = client.check(question.recipients.clone()).await;
            let now = browser::now().as_millisecond();
            let _ = self.protections.try_update(|known| match answer {
                Ok(answer) => known.answer(&question, answer.results, now),
                Err(_) => known.fail(&question, now),
            });
        });
    }
}

fn under(panel: Panel, demand: bool) -> Under {
    match panel {
        _ if demand => Under::Proof,
        Panel::On => Under::Guarantee,
        // As long as the switch is not known nothing is claimed that only the guarantee sees to.
        Panel::Off | Panel::Paused(_) | Panel::Waiting | Panel::Unknown => Under::Nothing,
    }
}

fn emails(recipients: &Recipients) -> Vec<String> {
    recipients.iter().map(|address| address.email.clone()).collect()
}

fn replace(timer: StoredValue<Option<TimeoutHandle>>, with: Option<TimeoutHandle>) {
    if let Some(Some(old)) = timer.try_update_value(|timer| std::mem::replace(timer, with)) {
        old.clear();
    }
}
