//! What an account has asked about and may be told again, and how much it may ask.
//!
//! Kept for each account by itself: nobody learns from how fast or how old an answer is that somebody else asked.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use api::Outcome;
use guarantee::Requirement;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;

use super::accounts::Found;
use crate::clock::Clock;

/// An account's looks within an hour.
const LOOKS_PER_HOUR: usize = 300;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// An account's looks under way at a time: one request's. More wait.
const LOOKS_OF_ACCOUNT: usize = 100;

/// All looks under way at a time: each takes a socket. More wait.
const LOOKS: usize = 400;

/// Answers kept for one account.
const MOST_OF_ACCOUNT: usize = 400;

/// Answers kept in all.
const MOST: usize = 20_000;

/// For how long an answer stands that says what would become of the mail.
const CERTAIN_FOR: SignedDuration = SignedDuration::from_mins(10);

/// And one that does not.
const UNCERTAIN_FOR: SignedDuration = SignedDuration::from_mins(1);

/// What is over is looked for so often.
const SWEEP_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// What an answer is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// The domain, in A-labels.
    pub(super) domain: String,
    /// What must hold.
    pub(super) requirement: Requirement,
}

/// The answers of all accounts, each account's by themselves.
pub(super) struct Kept {
    clock: Clock,
    looks: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    accounts: HashMap<String, Ledger>,
    swept_at: Option<Timestamp>,
}

/// One account's.
struct Ledger {
    answers: HashMap<Key, Arc<Answer>>,
    /// When it has looked within the last hour, the earliest first.
    looked: VecDeque<Timestamp>,
    looks: Arc<Semaphore>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            answers: HashMap::new(),
            looked: VecDeque::new(),
            looks: Arc::new(Semaphore::new(LOOKS_OF_ACCOUNT)),
        }
    }
}

/// One answer: locked while somebody looks, so that all others wait for the same look.
#[derive(Default)]
struct Answer {
    found: tokio::sync::Mutex<Option<Found>>,
    /// It is known to be outdated, even if it comes only now.
    void: AtomicBool,
}

impl Kept {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, looks: Semaphore::new(LOOKS), state: Mutex::default() }
    }

    /// Counts the looks that answering about these takes: for what is kept, or looked at just now, it takes none. If they
    /// are more than the account has left, nothing is counted.
    ///
    /// # Errors
    /// After how long it is worth asking again.
    pub(super) fn admit(&self, account: &str, keys: &[Key]) -> Result<(), Duration> {
        let now = self.clock.now();
        let mut state = self.state();
        let ledger = state.accounts.entry(account.to_owned()).or_default();
        while ledger.looked.front().is_some_and(|at| !within(HOUR, *at, now)) {
            ledger.looked.pop_front();
        }
        let looks = keys.iter().filter(|key| !ledger.answers.get(key).is_some_and(|one| one.is_there(now)));
        let looks = looks.count();
        let beyond = (ledger.looked.len() + looks).saturating_sub(LOOKS_PER_HOUR);
        if beyond == 0 {
            ledger.looked.extend(std::iter::repeat_n(now, looks));
            return Ok(());
        }
        // When so many of the earliest are an hour ago.
        let frees = ledger.looked.get(beyond - 1).map_or(HOUR, |at| HOUR - now.duration_since(*at));
        Err(Duration::try_from(frees).unwrap_or_default())
    }

    /// What is kept, or else what `look` finds; one look at a time for an account and key.
    pub(super) async fn answer<F: Future<Output = Found>>(
        &self,
        account: &str,
        key: &Key,
        look: impl Fn() -> F,
    ) -> Found {
        let (answer, turn) = self.place(account, key);
        let found = self.answer_in(&answer, &turn, look()).await;
        if !answer.void.load(Ordering::Acquire) {
            return found;
        }
        // While it was looked at, the account's own mail has met something newer.
        let (answer, turn) = self.place(account, key);
        self.answer_in(&answer, &turn, look()).await
    }

    async fn answer_in(&self, answer: &Answer, turn: &Semaphore, look: impl Future<Output = Found>) -> Found {
        let mut kept = answer.found.lock().await;
        if let Some(found) = kept.as_ref().filter(|found| holds(found, self.clock.now())) {
            return found.clone();
        }
        // Never closed, so the permits always come. The own turn first: who waits for it takes none of the others' places.
        let _own = turn.acquire().await;
        let _any = self.looks.acquire().await;
        let mut found = look.await;
        found.guarded.observed_at = Some(self.clock.now());
        *kept = Some(found.clone());
        found
    }

    /// What is kept for this account about this domain holds no longer.
    pub(super) fn void(&self, account: &str, domain: &str) {
        let mut state = self.state();
        let Some(ledger) = state.accounts.get_mut(account) else { return };
        ledger.answers.retain(|key, answer| {
            let other = key.domain != domain;
            if !other {
                answer.void.store(true, Ordering::Release);
            }
            other
        });
    }

    /// Where the answer lies, or will; in no list if too many are kept.
    fn place(&self, account: &str, key: &Key) -> (Arc<Answer>, Arc<Semaphore>) {
        let now = self.clock.now();
        let mut state = self.state();
        state.sweep(now);
        let kept: usize = state.accounts.values().map(|ledger| ledger.answers.len()).sum();
        let ledger = state.accounts.entry(account.to_owned()).or_default();
        let answer = match ledger.answers.get(key) {
            Some(answer) => Arc::clone(answer),
            None => {
                let answer = Arc::<Answer>::default();
                if kept < MOST && ledger.answers.len() < MOST_OF_ACCOUNT {
                    ledger.answers.insert(key.clone(), Arc::clone(&answer));
                }
                answer
            }
        };
        (answer, Arc::clone(&ledger.looks))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets what is over, now and then.
    fn sweep(&mut self, now: Timestamp) {
        if self.swept_at.is_some_and(|at| within(SWEEP_EVERY, at, now)) {
            return;
        }
        self.swept_at = Some(now);
        self.accounts.retain(|_, ledger| {
            ledger.answers.retain(|_, answer| answer.is_there(now));
            !ledger.answers.is_empty() || ledger.looked.back().is_some_and(|at| within(HOUR, *at, now))
        });
    }
}

impl Answer {
    /// Whether it stands, or somebody is looking.
    fn is_there(&self, now: Timestamp) -> bool {
        match self.found.try_lock() {
            Ok(found) => found.as_ref().is_some_and(|found| holds(found, now)),
            Err(_somebody_looks) => true,
        }
    }
}

/// Whether an answer still stands.
fn holds(found: &Found, now: Timestamp) -> bool {
    let lasts = match found.guarded.outcome {
        Outcome::Deliver | Outcome::Stop => CERTAIN_FOR,
        Outcome::Defer | Outcome::Unknown => UNCERTAIN_FOR,
    };
    found.guarded.observed_at.is_some_and(|at| within(lasts, at, now))
}

/// Whether `at` is less than `span` ago. A time to come is none of ours: the clock was set back.
fn within(span: SignedDuration, at: Timestamp, now: Timestamp) -> bool {
    (SignedDuration::ZERO..span).contains(&now.duration_since(at))
}

#[cfg(test)]
mod tests;
