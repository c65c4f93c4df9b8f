//! Counts what goes on at the same time, so that one account cannot take it all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Failure;

/// A number of places.
#[derive(Clone)]
pub(super) struct Slots {
    total: usize,
    per_account: usize,
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

/// A place; free again when dropped.
pub(super) struct Slot {
    account: String,
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

impl Slots {
    pub(super) fn new(total: usize, per_account: usize) -> Self {
        Self { total, per_account, taken: Arc::default() }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// 429 when the account has all that are its due, 503 when there is none at all.
    pub(super) fn take(&self, account: &str) -> Result<Slot, Failure> {
        let wait = Duration::from_secs(5);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(account).copied().unwrap_or_default();
        if own >= self.per_account {
            let detail = format!("At most {} at a time; wait until one has ended.", self.per_account);
            return Err(Failure::too_many(detail, wait));
        }
        if taken.values().sum::<usize>() >= self.total {
            return Err(Failure::unavailable("The server is busy with others; try again.", wait));
        }
        taken.insert(account.to_owned(), own + 1);
        Ok(Slot { account: account.to_owned(), taken: Arc::clone(&self.taken) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.account) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                taken.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_cannot_take_it_all_and_places_come_back() {
        let slots = Slots::new(3, 2);
        let first = slots.take("alice").unwrap();
        let _second = slots.take("alice").unwrap();
        assert!(slots.take("alice").is_err(), "alice has her two");
        let _third = slots.take("bob").unwrap();
        assert!(slots.take("carla").is_err(), "all three are taken");
        drop(first);
        let _again = slots.take("alice").unwrap();
        assert!(slots.take("alice").is_err(), "one came back, not both");
    }

    #[test]
    fn nothing_is_kept_of_who_has_gone() {
        let slots = Slots::new(3, 2);
        drop(slots.take("alice").unwrap());
        assert!(slots.taken.lock().unwrap().is_empty());
    }
}
