//! What all parts of the page share: the host, and what the server has said.

use std::rc::Rc;
use std::time::Duration;

use api::{Event, Guarantee, GuaranteeState, OverrideRequest, Stop};
use gloo_timers::future::sleep;
use leptos::prelude::*;

use crate::bridge::Host;
use crate::browser;
use crate::client::{Client, ClientError, Following, News, follow};
use crate::draft::Draft;
use crate::state::banner::{self, Banner, Claimed, Confirmed};
use crate::state::panel::{Known, Panel};
use crate::state::reminder::{self, Reminder};
use crate::state::reopen::{self, Way};
use crate::state::stops;

type Listener = Rc<dyn Fn(&Event)>;

/// The plugin of one logged-in account, in the context of all its components.
#[derive(Clone, Copy)]
pub struct Plugin {
    host: StoredValue<Rc<dyn Host>, LocalStorage>,
    listeners: StoredValue<Vec<Listener>, LocalStorage>,
    guarantee: RwSignal<Known<Guarantee>>,
    stops: RwSignal<Known<Vec<Stop>>>,
    reminder: RwSignal<Option<Reminder>>,
    checks: RwSignal<u32>,
}

impl Plugin {
    /// Starts the plugin for the account that `host` names and puts it into the context of the current
    /// owner. It asks the server for switch and stops, and follows its events until the owner ends.
    pub fn provide(host: Rc<dyn Host>) -> Self {
        let client = Client::new(Rc::clone(&host));
        let plugin = Self {
            host: StoredValue::new_local(host),
            listeners: StoredValue::new_local(Vec::new()),
            guarantee: RwSignal::default(),
            stops: RwSignal::default(),
            reminder: RwSignal::default(),
            checks: RwSignal::default(),
        };
        provide_context(plugin);
        plugin.end_pause_in_time();
        let following = follow(client, move |news| plugin.hear(news));
        let following: StoredValue<Option<Following>, LocalStorage> = StoredValue::new_local(Some(following));
        on_cleanup(move || drop(following.try_update_value(Option::take)));
        plugin.refresh();
        plugin
    }

    /// The plugin that a component's owner was given.
    ///
    /// # Panics
    /// Outside of an owner below [`Plugin::provide`].
    pub fn of_context() -> Self {
        expect_context()
    }

    /// The account's API.
    pub fn client(self) -> Client {
        Client::new(self.host())
    }

    /// The webmail.
    pub fn host(self) -> Rc<dyn Host> {
        self.host.get_value()
    }

    /// The account's switch.
    pub fn guarantee(self) -> Signal<Known<Guarantee>> {
        self.guarantee.into()
    }

    /// What the switch shows: as [`Plugin::guarantee`], and a pause is over when its time has come.
    pub fn panel(self) -> Signal<Panel> {
        Memo::new(move |_| self.guarantee.with(|guarantee| Panel::of(guarantee, browser::now()))).into()
    }

    /// The stops recorded for this user.
    pub fn stops(self) -> Signal<Known<Vec<Stop>>> {
        self.stops.into()
    }

    /// Whether the user is being reminded.
    pub fn reminder(self) -> Signal<Option<Reminder>> {
        self.reminder.into()
    }

    /// Has `listener` hear every event for as long as the plugin lives: the webmail's way to learn of new mail.
    pub fn on_event(self, listener: impl Fn(&Event) + 'static) {
        self.listeners.update_value(|listeners| listeners.push(Rc::new(listener)));
    }

    /// Asks the server for switch and stops anew.
    pub fn refresh(self) {
        leptos::task::spawn_local(async move {
            let answer = self.client().guarantee().await;
            self.learn(self.guarantee, answer);
        });
        leptos::task::spawn_local(async move {
            let answer = self.client().stops().await;
            self.learn(self.stops, answer);
        });
    }

    /// Takes over an answer; what is known already is not forgotten because the server is away.
    fn learn<T: Send + Sync + 'static>(self, signal: RwSignal<Known<T>>, answer: Result<T, ClientError>) {
        let _ = signal.try_update(|known| {
            if answer.is_ok() || known.get().is_none() {
                *known = answer.into();
            }
        });
    }

    fn hear(self, news: News) {
        let event = match news {
            News::Connected => {
                self.check_again();
                return self.refresh();
            }
            News::Event(event) => event,
        };
        if let Event::Guarantee(guarantee) = &event {
            self.take_over(*guarantee);
        }
        let _ = self.stops.try_update(|known| {
            if let Known::Known(list) = known {
                stops::apply(list, &event);
            }
        });
        let listeners = self.listeners.try_get_value().unwrap_or_default();
        listeners.iter().for_each(|listener| listener(&event));
    }

    fn take_over(self, guarantee: Guarantee) {
        let _ = self.guarantee.try_set(Known::Known(guarantee));
        if guarantee.state == GuaranteeState::On {
            self.dismiss_reminder();
        }
    }

    /// Switches the guarantee; it holds from the server's answer on.
    ///
    /// # Errors
    /// As [`Client::set_guarantee`]; nothing has changed then.
    pub async fn switch(self, state: GuaranteeState) -> Result<(), ClientError> {
        let guarantee = self.client().set_guarantee(state, None).await?;
        self.take_over(guarantee);
        Ok(())
    }

    /// Lets everybody look again when a pause ends.
    fn end_pause_in_time(self) {
        let panel = self.panel();
        Effect::new(move |_| {
            let Panel::Paused(until) = panel.get() else { return };
            let left = Duration::try_from(until.duration_since(browser::now())).unwrap_or_default();
            leptos::task::spawn_local(async move {
                sleep(left + Duration::from_millis(500)).await;
                let _ = self.guarantee.try_update(|_| ());
            });
        });
    }

    /// The banner for a message. If it claims a stop, the server is asked anew, and until it has answered there
    /// is none; then it follows the server's events for as long as the current owner lives.
    pub fn banner(self, raw: &[u8]) -> Signal<Banner> {
        let claimed = match banner::claimed(raw, &self.host().server_name()) {
            Claimed::Settled(banner) => return Signal::stored(banner),
            claimed @ Claimed::Stop { .. } => claimed,
        };
        let asked = RwSignal::new(Known::Waiting);
        Effect::new(move |_| {
            self.checks.track();
            if asked.with_untracked(|asked| asked.get().is_some()) {
                return;
            }
            leptos::task::spawn_local(async move {
                let answer = self.client().stops().await;
                let outcome = answer.as_ref().map(|_| ()).map_err(Clone::clone);
                self.learn(self.stops, answer);
                let _ = asked.try_set(outcome.into());
            });
        });
        let banner = Memo::new(move |_| match asked.get() {
            Known::Waiting => Banner::None,
            Known::Failed(error) => banner::of(&claimed, Err(&error)),
            Known::Known(()) => {
                self.stops.with(|stops| banner::of(&claimed, Ok(stops.get().map_or(&[], Vec::as_slice))))
            }
        });
        banner.into()
    }

    /// Asks the server again about every message above which it says that it could not be asked.
    pub fn check_again(self) {
        let _ = self.checks.try_update(|checks| *checks = checks.wrapping_add(1));
    }

    /// "Open as new message": opens the composer with a sent message; if a stop is recorded for it,
    /// with those it was not sent to, and the choice of all.
    pub fn open_as_new(self, raw: &[u8]) {
        let raw = raw.to_vec();
        leptos::task::spawn_local(async move {
            // Nobody is to get it twice: what is known may be older than the stop.
            let answer = self.client().stops().await;
            self.learn(self.stops, answer);
            let draft = self.stops.try_with_untracked(|stops| {
                reopen::sent_message(&raw, stops.get().map_or(&[], Vec::as_slice))
            });
            if let Some(draft) = draft {
                self.host().open_composer(draft);
            }
        });
    }

    /// One of the banner's ways that lead into the composer: opens the sent copy as new.
    ///
    /// # Errors
    /// When there is no such copy, or it can't be fetched.
    pub async fn open_stopped(self, confirmed: &Confirmed, way: Way) -> Result<(), ClientError> {
        let message_id = confirmed.message_id.as_deref().ok_or(ClientError::Unreadable)?;
        let raw = self.host().sent_copy(message_id).await?;
        self.host().open_composer(reopen::stopped(&raw, confirmed, way));
        Ok(())
    }

    /// To be called when Send is pressed, before the message with this Message-ID is submitted:
    /// records the user's decision to send without the guarantee, if the draft holds one.
    ///
    /// # Errors
    /// As [`Client::record_override`]; the message must not be submitted then.
    pub async fn before_sending(self, draft: &Draft, message_id: &str) -> Result<(), ClientError> {
        let recipients = draft.overridden();
        if recipients.is_empty() {
            return Ok(());
        }
        let asked = OverrideRequest { message_id: message_id.to_owned(), recipients };
        self.client().record_override(&asked).await.map(drop)
    }

    /// To be called after the message was submitted: reminds the user where that is due.
    pub fn after_sending(self, draft: &Draft) {
        let next =
            self.guarantee.with_untracked(|guarantee| reminder::next(draft, guarantee, browser::now()));
        self.reminder.set(next);
    }

    /// The user has read the reminder.
    pub fn dismiss_reminder(self) {
        let _ = self.reminder.try_set(None);
    }
}
