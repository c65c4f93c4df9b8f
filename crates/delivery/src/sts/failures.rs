//! Fetches that failed a short while ago.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use super::fetch::Failure;

/// For so long a fetch that failed is not tried again (RFC 8461 §3.3).
const REMEMBERED: SignedDuration = SignedDuration::from_mins(5);

/// So many are remembered.
const MOST: usize = 10_000;

/// By policy domain and `id`.
#[derive(Default)]
pub(super) struct Failures(Mutex<HashMap<(String, String), (Timestamp, Failure)>>);

impl Failures {
    /// How the fetch failed, if it did within five minutes before `now`.
    pub(super) fn get(&self, key: &(String, String), now: Timestamp) -> Option<Failure> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(key).filter(|(at, _)| is_recent(*at, now)).map(|(_, failure)| failure.clone())
    }

    pub(super) fn add(&self, key: (String, String), failure: Failure, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.retain(|_, (at, _)| is_recent(*at, now));
        }
        if all.len() < MOST {
            all.insert(key, (now, failure));
        }
    }
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at).abs() < REMEMBERED
}
