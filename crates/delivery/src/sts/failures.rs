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

#[cfg(test)]
mod tests {
    use guarantee::StsProblem;

    use super::*;

    fn key(domain: usize, id: &str) -> (String, String) {
        (format!("{domain}.example"), id.to_owned())
    }

    fn failure() -> Failure {
        Failure { problem: StsProblem::FetchError, detail: "refused".to_owned() }
    }

    // rfc 8461 3.3: SHOULD In the case where the HTTPS GET
    #[test]
    fn a_failure_is_remembered_for_five_minutes_by_domain_and_id() {
        let failures = Failures::default();
        let begin = Timestamp::UNIX_EPOCH;
        failures.add(key(1, "a"), failure(), begin);
        let known = |key, seconds| failures.get(&key, begin + SignedDuration::from_secs(seconds)).is_some();
        assert!(known(key(1, "a"), 0) && known(key(1, "a"), 299));
        assert!(!known(key(1, "a"), 300));
        assert!(!known(key(1, "b"), 0) && !known(key(2, "a"), 0));
        // A clock that was set back does not keep a domain without its policy.
        assert!(!known(key(1, "a"), -300));
    }

    #[test]
    fn only_so_many_are_remembered_and_old_ones_make_room() {
        let failures = Failures::default();
        let begin = Timestamp::UNIX_EPOCH;
        for domain in 0..=MOST {
            failures.add(key(domain, "1"), failure(), begin);
        }
        assert!(failures.get(&key(MOST - 1, "1"), begin).is_some());
        assert!(failures.get(&key(MOST, "1"), begin).is_none());
        let later = begin + REMEMBERED;
        failures.add(key(MOST, "1"), failure(), later);
        assert!(failures.get(&key(MOST, "1"), later).is_some());
        assert!(failures.get(&key(MOST - 1, "1"), later).is_none());
    }
}
