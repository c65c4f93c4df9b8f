//! What all parts of the page share: the host, and what the server has said.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use api::{Check, Event, Guarantee, GuaranteeState, MessageStatus, OverrideRequest, Stop};
use gloo_timers::future::sleep;
use guarantee::Level;
use jiff::Timestamp;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::bridge::Host;
use crate::browser;
use crate::client::{Client, ClientError, Following, News, follow};
use crate::draft::Draft;
use crate::parts;
use crate::state::banner::{self, Banner, Claimed, Confirmed};
use crate::state::evidence;
use crate::state::panel::{Known, Panel};
use crate::state::protection::Protections;
use crate::state::reminder::{self, Reminder};
use crate::state::reopen::Way;
use crate::state::stops;

type Listener = Rc<dyn Fn(&Event)>;
/// How long to wait before asking whether a pause is over that should be.
const ASK_AGAIN: Duration = Duration::from_secs(30);

type Later<T> = Pin<Box<dyn Future<Output = T>>>;

/// A message above which something may have to be said.
struct Inquiry {
    raw: Arc<[u8]>,
    /// What it claims, once it has been read.
    claimed: RwSignal<Option<Claimed>>,
    /// Whether everything needed is known.
    asked: RwSignal<Known<()>>,
}

/// The plugin of one logged-in account, in the context of all its components.
#[derive(Clone, Copy)]
pub struct Plugin {
    host: StoredValue<Rc<dyn Host>, LocalStorage>,
    listeners: StoredValue<Vec<Listener>, LocalStorage>,
    guarantee: RwSignal<Known<Guarantee>>,
    stops: RwSignal<Known<Vec<Stop>>>,
    reminder: RwSignal<Option<Reminder>>,
    /// Sent while the switch was not known.
    sent: StoredValue<Option<Draft>>,
    evidence: RwSignal<evidence::Known>,
    /// The last answer of a check that took longer.
    late_check: RwSignal<Option<Check>>,
    /// How often the server has told of changes by itself: an answer that was asked for before is older.
    told: StoredValue<u32>,
    /// The end of the pause that is being waited for.
    pause: StoredValue<Option<Timestamp>>,
    /// Messages that could not be read, or not be asked about.
    unchecked: StoredValue<Vec<Inquiry>>,
    /// What the server has said of recipients.
    pub(crate) protections: RwSignal<Protections>,
}

impl Plugin {
    /// Starts the plugin for the account that `host` names and puts it into the context of the current
    /// owner. It asks the server for switch and stops, and follows its events until the owner ends.
    pub fn provide(host: Rc<dyn Host>) -> Self {
        let client = Client::new(Rc::clone(&host));
        let rests = host.rests_while_hidden();
        let plugin = Self {
            host: StoredValue::new_local(host),
            listeners: StoredValue::new_local(Vec::new()),
            guarantee: RwSignal::default(),
            stops: RwSignal::default(),
            reminder: RwSignal::default(),
            sent: StoredValue::new(None),
            evidence: RwSignal::default(),
            late_check: RwSignal::default(),
            told: StoredValue::new(0),
            pause: StoredValue::new(None),
            unchecked: StoredValue::new(Vec::new()),
            protections: RwSignal::default(),
        };
        provide_context(plugin);
        let following = follow(client, rests, Box::new(move |news| plugin.hear(news)));
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
    pub fn guarantee(self) -> ReadSignal<Known<Guarantee>> {
        self.guarantee.read_only()
    }

    /// What the switch shows.
    pub fn panel(self) -> Memo<Panel> {
        Memo::new(move |_| self.guarantee.with(Panel::of))
    }

    /// How much the guarantee demands; the least while that is not known.
    pub fn level(self) -> Level {
        self.guarantee.with(|guarantee| guarantee.get().and_then(|known| known.level)).unwrap_or_default()
    }

    /// The stops recorded for this user.
    pub fn stops(self) -> ReadSignal<Known<Vec<Stop>>> {
        self.stops.read_only()
    }

    /// The last answer of a check that took longer than its question.
    pub fn late_check(self) -> ReadSignal<Option<Check>> {
        self.late_check.read_only()
    }

    /// Whether the user is being reminded.
    pub fn reminder(self) -> ReadSignal<Option<Reminder>> {
        self.reminder.read_only()
    }

    /// Has `listener` hear every event for as long as the plugin lives: the webmail's way to learn of new mail.
    pub fn on_event(self, listener: impl Fn(&Event) + 'static) {
        self.listeners.update_value(|listeners| listeners.push(Rc::new(listener)));
    }

    /// Asks the server for switch and stops anew.
    pub fn refresh(self) {
        spawn_local(async move {
            let Ok(client) = self.asks() else { return };
            let told = self.told.try_get_value();
            let answer = client.guarantee().await;
            let is_newest = self.told.try_get_value() == told;
            match answer {
                Ok(guarantee) if is_newest => self.take_over(guarantee),
                Ok(_) => {}
                Err(error) => learn(self.guarantee, Err(error)),
            }
        });
        let stops = self.renew_stops();
        spawn_local(async move { drop(stops.await) });
    }

    pub(crate) fn asks(self) -> Result<Client, ClientError> {
        // Once the owner has ended, nobody is logged in any more.
        self.host.try_get_value().map(Client::new).ok_or(ClientError::LoggedOut)
    }

    /// Asks the server for the stops, and takes them over.
    fn renew_stops(self) -> Later<Result<(), ClientError>> {
        Box::pin(async move {
            let client = self.asks()?;
            let mut tries = 3;
            loop {
                tries -= 1;
                let told = self.told.try_get_value();
                let answer = client.stops().await;
                if tries == 0 || answer.is_err() || self.told.try_get_value() == told {
                    let outcome = answer.as_ref().map(|_| ()).map_err(Clone::clone);
                    learn(self.stops, answer);
                    return outcome;
                }
            }
        })
    }

    fn hear(self, news: News) {
        let event = match news {
            News::Connected => {
                self.check_again();
                return self.refresh();
            }
            News::Event(event) => event,
        };
        if !matches!(event, Event::Check(_) | Event::Mailbox { .. }) {
            let _ = self.told.try_update_value(|told| *told = told.wrapping_add(1));
        }
        if let Event::Guarantee(guarantee) = &event {
            self.take_over(*guarantee);
        }
        let _ = self.stops.try_update(|known| {
            if let Known::Known(list) = known {
                stops::apply(list, &event);
            }
        });
        let may_be_outdated =
            |known: &Known<Vec<Stop>>| known.get().is_some_and(|list| stops::may_be_outdated(list, &event));
        if self.stops.try_with_untracked(may_be_outdated) == Some(true) {
            let stops = self.renew_stops();
            spawn_local(async move { drop(stops.await) });
        }
        if let Event::Check(check) = &event {
            let _ = self.late_check.try_set(Some(check.clone()));
        }
        if let Event::Delivery(status) = &event {
            let _ = self.evidence.try_update(|evidence| evidence.learn(status));
        }
        self.hear_of_protections(&event);
        let listeners = self.listeners.try_get_value().unwrap_or_default();
        listeners.iter().for_each(|listener| listener(&event));
    }

    fn take_over(self, guarantee: Guarantee) {
        let level = self.guarantee.try_with_untracked(|known| known.get().and_then(|known| known.level));
        if level.flatten().is_some_and(|level| Some(level) != guarantee.level) {
            self.forget_protections();
        }
        learn(self.guarantee, Ok(guarantee));
        if let Some(sent) = self.sent.try_update_value(Option::take).flatten() {
            self.after_sending(&sent);
        }
        if guarantee.state == GuaranteeState::On {
            self.dismiss_reminder();
        }
        self.ask_again_at(guarantee.until);
    }

    /// Asks the server when a pause should be over, in case its event does not come. The browser's clock may be wrong:
    /// what is over by it, and not by the server's, is asked about now and again.
    fn ask_again_at(self, until: Option<Timestamp>) {
        if self.pause.try_update_value(|pause| std::mem::replace(pause, until)) == Some(until) {
            return;
        }
        let Some(until) = until else { return };
        let left = until.as_millisecond().saturating_sub(browser::now().as_millisecond());
        let left = match u64::try_from(left) {
            Ok(left @ 1..) => Duration::from_millis(left + 500),
            Ok(0) | Err(_) => ASK_AGAIN,
        };
        spawn_local(async move {
            sleep(left).await;
            if self.pause.try_get_value() == Some(Some(until)) {
                self.pause.set_value(None);
                self.refresh();
            }
        });
    }

    /// Switches the guarantee; it holds from the server's answer on.
    ///
    /// # Errors
    /// As [`Client::set_guarantee`]; nothing has changed then.
    pub async fn switch(self, state: GuaranteeState) -> Result<(), ClientError> {
        self.set(Guarantee { state, until: None, level: None, was_on: false }).await
    }

    /// Pauses the guarantee until then; the server ends the pause by itself.
    ///
    /// # Errors
    /// As [`Client::set_guarantee`]; nothing has changed then.
    pub async fn pause(self, until: Timestamp) -> Result<(), ClientError> {
        let state = GuaranteeState::Paused;
        self.set(Guarantee { state, until: Some(until), level: None, was_on: false }).await
    }

    fn set(self, wanted: Guarantee) -> Later<Result<(), ClientError>> {
        Box::pin(async move {
            let guarantee = self.asks()?.set_guarantee(&wanted).await?;
            self.take_over_newest(guarantee);
            Ok(())
        })
    }

    /// Sets how much the guarantee demands, and leaves the switch as the server has it.
    ///
    /// # Errors
    /// As [`Client::set_guarantee`]; nothing has changed then.
    pub async fn demand(self, level: Level) -> Result<(), ClientError> {
        let client = self.asks()?;
        // Another page may have switched meanwhile.
        let present = client.guarantee().await?;
        let guarantee = client.set_guarantee(&Guarantee { level: Some(level), ..present }).await?;
        self.take_over_newest(guarantee);
        Ok(())
    }

    fn take_over_newest(self, guarantee: Guarantee) {
        let _ = self.told.try_update_value(|told| *told = told.wrapping_add(1));
        self.take_over(guarantee);
    }

    /// The banner for a message: none until it has been read and, if it claims a stop, the server was asked anew; then it
    /// follows the server's events for as long as the current owner lives.
    pub fn banner(self, raw: &[u8]) -> Signal<Banner> {
        let (claimed, asked) = (RwSignal::new(None), RwSignal::new(Known::Waiting));
        self.inquire(Inquiry { raw: raw.into(), claimed, asked });
        let said = move |stops: Result<&[Stop], &ClientError>| {
            claimed.with(|claimed| match (claimed, stops) {
                (Some(claimed), stops) => banner::of(claimed, stops),
                (None, Err(error)) => Banner::Unchecked(error.clone()),
                (None, Ok(_)) => Banner::None,
            })
        };
        let banner = Memo::new(move |_| match asked.get() {
            Known::Waiting => Banner::None,
            Known::Failed(error) => said(Err(&error)),
            Known::Known(()) => self.stops.with(|stops| said(Ok(stops.get().map_or(&[], Vec::as_slice)))),
        });
        banner.into()
    }

    fn inquire(self, inquiry: Inquiry) {
        spawn_local(async move {
            let outcome = self.find_out(&inquiry).await;
            let failed = outcome.is_err();
            let is_over = inquiry.asked.try_set(outcome.into()).is_some();
            if failed && !is_over {
                let _ = self.unchecked.try_update_value(|unchecked| unchecked.push(inquiry));
            }
        });
    }

    /// Reads the message unless that has been done, and asks the server if it has to say something.
    async fn find_out(self, inquiry: &Inquiry) -> Result<(), ClientError> {
        let is_read = inquiry.claimed.try_with_untracked(Option::is_some).unwrap_or(true);
        if !is_read {
            let host = self.host.try_get_value().ok_or(ClientError::LoggedOut)?;
            let claimed = parts::claimed(&inquiry.raw, &host.server_name()).await?;
            let is_settled = matches!(claimed, Claimed::Settled(_));
            let _ = inquiry.claimed.try_set(Some(claimed));
            if is_settled {
                return Ok(());
            }
        }
        self.renew_stops().await
    }

    /// Asks the server again about every message above which it says that it could not be asked.
    pub fn check_again(self) {
        let unchecked = self.unchecked.try_update_value(std::mem::take).unwrap_or_default();
        unchecked.into_iter().for_each(|inquiry| self.inquire(inquiry));
    }

    /// "Open as new message": opens the composer with a sent message; if a stop is recorded for it,
    /// with those it was not sent to, and the choice of all.
    pub fn open_as_new(self, raw: &[u8]) {
        let (host, raw) = (self.host(), raw.to_vec());
        spawn_local(async move {
            // Nobody is to get it twice: what is known may be older than the stop.
            drop(self.renew_stops().await);
            let stops = self.stops.try_with_untracked(|stops| stops.get().cloned().unwrap_or_default());
            let Some(stops) = stops else { return };
            if let Ok(draft) = parts::sent_message(&raw, &stops).await {
                host.open_composer(draft);
            }
        });
    }

    /// One of the banner's ways that lead into the composer: opens the sent copy as new.
    ///
    /// # Errors
    /// When there is no such copy, or it can't be fetched.
    pub async fn open_stopped(self, confirmed: &Confirmed, way: Way) -> Result<(), ClientError> {
        let host = self.host.try_get_value().ok_or(ClientError::LoggedOut)?;
        host.reopen(confirmed, way).await
    }

    /// To be called when Send is pressed, before the message with this Message-ID is submitted:
    /// records the user's decisions to send without the guarantee, and only to servers that prove who they are, if the draft holds any.
    ///
    /// # Errors
    /// As [`Client::record_override`]; the message must not be submitted then.
    pub async fn before_sending(self, draft: &Draft, message_id: &str) -> Result<(), ClientError> {
        if draft.demand_authenticated {
            self.asks()?.record_demand(message_id).await?;
        }
        let recipients = draft.overridden();
        if recipients.is_empty() {
            return Ok(());
        }
        let asked = OverrideRequest { message_id: message_id.to_owned(), recipients };
        self.asks()?.record_override(&asked).await.map(drop)
    }

    /// To be called after the message was submitted: reminds the user where that is due, at once or as soon as the switch is known.
    pub fn after_sending(self, draft: &Draft) {
        if self.guarantee.with_untracked(|guarantee| guarantee.get().is_none()) {
            return self.sent.set_value(Some(draft.clone()));
        }
        let next = self.guarantee.with_untracked(|guarantee| reminder::next(draft, guarantee));
        self.reminder.set(next);
    }

    /// What is known of the message with this Message-ID.
    pub fn status(self, message_id: &str) -> Option<MessageStatus> {
        self.evidence.with(|evidence| evidence.status(message_id).cloned())
    }

    /// Asks the server what became of the message with this Message-ID; answers whether it has a record of it.
    ///
    /// # Errors
    /// As [`Client::messages_with`].
    pub async fn ask_what_became_of(self, message_id: &str) -> Result<bool, ClientError> {
        let found = self.asks()?.messages_with(stops::bare_message_id(message_id)).await?;
        let _ = self.evidence.try_update(|evidence| found.iter().for_each(|status| evidence.learn(status)));
        Ok(!found.is_empty())
    }

    /// The user has read the reminder.
    pub fn dismiss_reminder(self) {
        let _ = self.reminder.try_set(None);
    }
}

/// Takes over an answer; what is known already is not forgotten because the server is away.
fn learn<T: Send + Sync + 'static>(signal: RwSignal<Known<T>>, answer: Result<T, ClientError>) {
    let _ = signal.try_update(|known| {
        if answer.is_ok() || known.get().is_none() {
            *known = answer.into();
        }
    });
}
