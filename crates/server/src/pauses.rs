//! The end of a pause, at its moment: the guarantee is on again, and the account's pages are told.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use api::{Event, Guarantee, GuaranteeState};
use store::{Pause, Store, StoreError};
use tokio::task::AbortHandle;

use crate::{clock::Clock, events::Events};

/// After a database failure the end of a pause waits so long.
const REST: Duration = Duration::from_secs(1);

/// Waits for the ends of pauses. Clones are one.
#[derive(Clone)]
pub struct Pauses {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    events: Events,
    clock: Clock,
    /// Who waits for the end of which account's pause.
    waiting: Mutex<HashMap<String, AbortHandle>>,
}

impl Pauses {
    /// Waits for nothing yet.
    pub fn new(store: Arc<dyn Store>, events: Events, clock: Clock) -> Self {
        Self { inner: Arc::new(Inner { store, events, clock, waiting: Mutex::default() }) }
    }

    /// Waits for the ends of all pauses from before the start.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        for pause in self.inner.store.pauses().await? {
            self.wait_for(pause);
        }
        Ok(())
    }

    /// Waits for this end, and for none else of this account's. How long is settled now: a clock that is set back
    /// meanwhile makes no pause longer.
    pub fn wait_for(&self, pause: Pause) {
        let span = pause.until.duration_since(self.inner.clock.now());
        let span = Duration::try_from(span).unwrap_or(Duration::ZERO);
        let (inner, account) = (Arc::clone(&self.inner), pause.account.clone());
        let waiting = tokio::spawn(async move {
            tokio::time::sleep(span).await;
            inner.end(&pause).await;
        });
        let mut all = self.inner.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, waiting| !waiting.is_finished());
        if let Some(before) = all.insert(account, waiting.abort_handle()) {
            before.abort();
        }
    }
}

impl Inner {
    /// If it is another pause that stands now, or none, nothing happens.
    async fn end(&self, pause: &Pause) {
        loop {
            match self.store.end_pause(pause).await {
                Ok(Some(stored)) => {
                    let (level, was_on) = (Some(stored.level), stored.was_on);
                    let on = Guarantee { state: GuaranteeState::On, until: None, level, was_on };
                    return self.events.publish(&pause.account, Event::Guarantee(on));
                }
                Ok(None) | Err(StoreError::Closed) => return,
                Err(error) => tracing::error!(%error, "the end of a pause could not be recorded"),
            }
            tokio::time::sleep(REST).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use guarantee::{Level, Switch};
    use jiff::{SignedDuration, Timestamp};
    use store::Sqlite;

    use super::*;

    const ALICE: &str = "alice@home.example";

    struct Place {
        pauses: Pauses,
        store: Arc<dyn Store>,
        events: Events,
        _data: tempfile::TempDir,
    }

    impl Place {
        async fn new() -> Self {
            let data = tempfile::tempdir().expect("a directory");
            let store = Sqlite::open(data.path().join("tls-guarantee.db")).expect("a store");
            let store: Arc<dyn Store> = Arc::new(store);
            store.add_account(ALICE, "hash", Timestamp::UNIX_EPOCH).await.expect("added");
            let events = Events::new();
            let pauses = Pauses::new(Arc::clone(&store), events.clone(), Clock::system());
            Self { pauses, store, events, _data: data }
        }

        async fn pause(&self, millis: i64) -> Pause {
            let until = Timestamp::now() + SignedDuration::from_millis(millis);
            let switch = Switch::Paused { until };
            self.store.set_guarantee(ALICE, switch, Some(Level::Authenticated)).await.expect("set");
            Pause { account: ALICE.to_owned(), until }
        }
    }

    #[tokio::test]
    async fn at_its_end_the_guarantee_is_on_and_the_pages_are_told() {
        let place = Place::new().await;
        let mut events = place.events.subscribe();
        let pause = place.pause(50).await;
        place.pauses.wait_for(pause.clone());
        let told = events.recv().await.expect("an event");
        assert!(Timestamp::now() >= pause.until, "not before");
        let level = Some(Level::Authenticated);
        let on = Guarantee { state: GuaranteeState::On, until: None, level, was_on: true };
        assert_eq!((told.account.as_str(), told.event), (ALICE, Event::Guarantee(on)));
        assert_eq!(place.store.switch(ALICE).await.expect("a switch").switch, Switch::On);
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_makes_no_pause_longer_and_brings_none_back() {
        let place = Place::new().await;
        let hands = Arc::new(Mutex::new(Timestamp::now()));
        let clock = Clock::new({
            let hands = Arc::clone(&hands);
            move || *hands.lock().expect("the hands")
        });
        let pauses = Pauses::new(Arc::clone(&place.store), place.events.clone(), clock);
        let mut events = place.events.subscribe();
        pauses.wait_for(place.pause(50).await);
        let an_hour_ago = Timestamp::now() - SignedDuration::from_hours(1);
        *hands.lock().expect("the hands") = an_hour_ago;
        events.recv().await.expect("an event");
        let stored = place.store.switch(ALICE).await.expect("a switch");
        assert!(
            stored.switch.holds_at(an_hour_ago),
            "mail that is accepted by this clock is under the guarantee"
        );
    }

    #[tokio::test]
    async fn a_pause_from_before_the_start_ends_too_even_if_its_end_is_past() {
        let place = Place::new().await;
        let mut events = place.events.subscribe();
        place.pause(-1000).await;
        place.pauses.catch_up().await.expect("read");
        assert!(matches!(events.recv().await.expect("an event").event, Event::Guarantee(_)));
    }

    #[tokio::test]
    async fn a_pause_that_was_replaced_ends_once_at_its_new_end() {
        let place = Place::new().await;
        let mut events = place.events.subscribe();
        place.pauses.wait_for(place.pause(20).await);
        let longer = place.pause(100).await;
        place.pauses.wait_for(longer.clone());
        assert_eq!(place.pauses.inner.waiting.lock().expect("the list").len(), 1);
        events.recv().await.expect("an event");
        assert!(Timestamp::now() >= longer.until);
        assert!(events.try_recv().is_err(), "once");
    }

    #[tokio::test]
    async fn who_has_switched_meanwhile_is_left_alone() {
        let place = Place::new().await;
        let mut events = place.events.subscribe();
        let pause = place.pause(0).await;
        place.store.set_guarantee(ALICE, Switch::Off, None).await.expect("set");
        place.pauses.inner.end(&pause).await;
        assert!(events.try_recv().is_err());
        assert_eq!(place.store.switch(ALICE).await.expect("a switch").switch, Switch::Off);
    }
}
