//! Addresses that did not answer a connection request.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// An address counts as silent for so long after it was.
const REMEMBERED: Duration = Duration::from_mins(10);

/// So many are remembered.
const MOST: usize = 10_000;

/// Which addresses have been silent lately. They are tried all the same, every time; but after the other addresses of
/// their host, and for seconds only, or each mail of a busy domain with a dead host would wait half a minute for it.
#[derive(Default)]
pub(crate) struct Silent {
    since: Mutex<HashMap<SocketAddr, Instant>>,
}

impl Silent {
    /// Whether this address was silent a short while before `now`.
    pub(crate) fn contains(&self, address: SocketAddr, now: Instant) -> bool {
        self.since().get(&address).is_some_and(|since| is_recent(*since, now))
    }

    /// A connection request got no answer.
    pub(crate) fn add(&self, address: SocketAddr, now: Instant) {
        let mut all = self.since();
        if all.len() >= MOST {
            all.retain(|_, since| is_recent(*since, now));
        }
        if all.len() < MOST {
            all.insert(address, now);
        }
    }

    /// The address has answered, with whatever.
    pub(crate) fn remove(&self, address: SocketAddr) {
        self.since().remove(&address);
    }

    fn since(&self) -> MutexGuard<'_, HashMap<SocketAddr, Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_recent(since: Instant, now: Instant) -> bool {
    now.duration_since(since) < REMEMBERED
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: usize) -> SocketAddr {
        (std::net::Ipv4Addr::from(u32::try_from(n).unwrap()), 25).into()
    }

    #[test]
    fn silence_is_forgotten_when_the_address_speaks_and_with_time() {
        let (silent, now) = (Silent::default(), Instant::now());
        silent.add(address(1), now);
        silent.add(address(2), now);
        assert!(silent.contains(address(1), now) && !silent.contains(address(3), now));
        silent.remove(address(1));
        assert!(!silent.contains(address(1), now) && silent.contains(address(2), now));
        assert!(!silent.contains(address(2), now + REMEMBERED));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (silent, now) = (Silent::default(), Instant::now());
        (0..=MOST).for_each(|n| silent.add(address(n), now));
        assert!(silent.contains(address(0), now) && !silent.contains(address(MOST), now));
        let later = now + REMEMBERED;
        silent.add(address(MOST), later);
        assert!(silent.contains(address(MOST), later));
        assert_eq!(silent.since().len(), 1);
    }
}
