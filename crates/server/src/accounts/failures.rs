//! How often a log-in may fail, counted in leaking buckets.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Buckets kept at a time, and likewise pairs that are known.
const CAPACITY: usize = 20_000;
/// How long a client that has logged in counts as known for that account.
const KNOWN: Duration = Duration::from_secs(30 * 86_400);

/// One attempt: which account, and from where.
pub(super) struct Attempt {
    account: String,
    client: Client,
}

/// A client's address; of IPv6 the network, since a client has all of a /64 to choose from. Nothing: unknown.
type Client = Option<IpAddr>;

impl Attempt {
    /// `account` in the form in which accounts are compared.
    pub(super) fn new(account: &str, client: Option<IpAddr>) -> Self {
        let client = client.map(|address| match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        });
        Self { account: account.to_owned(), client }
    }

    fn pair(&self) -> Key {
        Key::Pair(self.account.clone(), self.client)
    }

    /// Everything a failure counts against. This machine itself is no client: behind its address are the webmail, for
    /// all of its users, and everybody whom a proxy brings.
    fn keys(&self) -> impl Iterator<Item = Key> {
        let client = Some(self.client).filter(|client| !client.is_some_and(|address| address.is_loopback()));
        let all = [Some(self.pair()), client.map(Key::Client)];
        let rest = [Key::Account(self.account.clone()), Key::Everybody];
        all.into_iter().flatten().chain(rest)
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    /// One account at one client: somebody who has forgotten the password, or guesses it.
    Pair(String, Client),
    /// One client: guessing at many accounts.
    Client(Client),
    /// One account: guessed at by many clients.
    Account(String),
    /// The whole server: many guessing at many.
    Everybody,
}

impl Key {
    /// Failures before it is closed, and the time after which one of them is forgotten.
    fn limit(&self) -> (u32, Duration) {
        match self {
            Self::Pair(..) => (10, Duration::from_secs(30)),
            Self::Client(_) => (50, Duration::from_secs(10)),
            Self::Account(_) => (100, Duration::from_secs(30)),
            Self::Everybody => (1000, Duration::from_millis(200)),
        }
    }
}

/// The time at which a bucket is empty again (the generic cell rate algorithm).
struct Bucket {
    empty_at: Instant,
}

/// All counts. Bounded: when there is no more room, failures count against everybody only.
#[derive(Default)]
pub(super) struct Failures {
    buckets: HashMap<Key, Bucket>,
    known: HashMap<(String, Client), Instant>,
    swept_at: Option<Instant>,
}

impl Failures {
    /// Whether the attempt may be made, or how long to wait, in whole seconds.
    pub(super) fn allowed(&self, attempt: &Attempt, now: Instant) -> Result<(), Duration> {
        let known = self.is_known(attempt, now);
        let bound = attempt.keys().filter(|key| !known || matches!(key, Key::Pair(..)));
        let wait = bound.map(|key| self.wait(&key, now)).max().unwrap_or_default();
        if wait.is_zero() { Ok(()) } else { Err(Duration::from_secs(wait.as_secs() + 1)) }
    }

    /// Counts a failure.
    pub(super) fn failed(&mut self, attempt: &Attempt, now: Instant) {
        self.sweep(now);
        for key in attempt.keys() {
            let (_, forgotten_after) = key.limit();
            if self.buckets.len() < CAPACITY || key == Key::Everybody || self.buckets.contains_key(&key) {
                let bucket = self.buckets.entry(key).or_insert(Bucket { empty_at: now });
                bucket.empty_at = bucket.empty_at.max(now) + forgotten_after;
            }
        }
    }

    /// Takes a success for proof that the client is the account's.
    pub(super) fn succeeded(&mut self, attempt: &Attempt, now: Instant) {
        self.buckets.remove(&attempt.pair());
        let pair = (attempt.account.clone(), attempt.client);
        if self.known.len() >= CAPACITY {
            self.sweep(now);
        }
        if self.known.len() < CAPACITY || self.known.contains_key(&pair) {
            self.known.insert(pair, now + KNOWN);
        }
    }

    fn is_known(&self, attempt: &Attempt, now: Instant) -> bool {
        // A known pair is looked up by value; the clone is small beside the hash that follows.
        let pair = (attempt.account.clone(), attempt.client);
        self.known.get(&pair).is_some_and(|until| now < *until)
    }

    fn wait(&self, key: &Key, now: Instant) -> Duration {
        let (failures, forgotten_after) = key.limit();
        let filled = self
            .buckets
            .get(key)
            .map_or(Duration::ZERO, |bucket| bucket.empty_at.saturating_duration_since(now));
        filled.saturating_sub(forgotten_after * (failures - 1))
    }

    /// Throws away what no longer counts, at most once a second when full.
    fn sweep(&mut self, now: Instant) {
        let lately = |at: Instant| now.saturating_duration_since(at) < Duration::from_secs(1);
        if self.buckets.len().max(self.known.len()) < CAPACITY || self.swept_at.is_some_and(lately) {
            return;
        }
        self.swept_at = Some(now);
        self.buckets.retain(|_, bucket| now < bucket.empty_at);
        self.known.retain(|_, until| now < *until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));

    fn client(number: u32) -> Option<IpAddr> {
        Some(IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0a00_0000 + number)))
    }

    fn fail(failures: &mut Failures, account: &str, client: Option<IpAddr>, times: u32, now: Instant) {
        for _ in 0..times {
            failures.failed(&Attempt::new(account, client), now);
        }
    }

    #[test]
    fn ten_failures_close_a_pair_and_time_opens_it_again() {
        let now = Instant::now();
        let mut failures = Failures::default();
        let attempt = Attempt::new("alice", HERE);
        fail(&mut failures, "alice", HERE, 9, now);
        assert!(failures.allowed(&attempt, now).is_ok());
        failures.failed(&attempt, now);
        let wait = failures.allowed(&attempt, now).unwrap_err();
        assert!((30..=31).contains(&wait.as_secs()), "{wait:?}");
        assert!(failures.allowed(&attempt, now + wait).is_ok());
        assert!(failures.allowed(&Attempt::new("alice", client(1)), now).is_ok(), "another client is free");
    }

    #[test]
    fn a_success_forgives_the_pair() {
        let now = Instant::now();
        let mut failures = Failures::default();
        fail(&mut failures, "alice", HERE, 9, now);
        failures.succeeded(&Attempt::new("alice", HERE), now);
        fail(&mut failures, "alice", HERE, 9, now);
        assert!(failures.allowed(&Attempt::new("alice", HERE), now).is_ok());
    }

    #[test]
    fn guessing_from_many_clients_closes_the_account_but_not_to_its_owner() {
        let now = Instant::now();
        let mut failures = Failures::default();
        failures.succeeded(&Attempt::new("alice", HERE), now);
        for number in 0..100 {
            fail(&mut failures, "alice", client(number), 1, now);
        }
        assert!(failures.allowed(&Attempt::new("alice", client(200)), now).is_err());
        assert!(failures.allowed(&Attempt::new("alice", HERE), now).is_ok());
        assert!(failures.allowed(&Attempt::new("bob", client(200)), now).is_ok());
    }

    #[test]
    fn one_client_cannot_try_every_account() {
        let now = Instant::now();
        let mut failures = Failures::default();
        for number in 0..50 {
            fail(&mut failures, &number.to_string(), HERE, 1, now);
        }
        assert!(failures.allowed(&Attempt::new("alice", HERE), now).is_err());
        assert!(failures.allowed(&Attempt::new("alice", client(1)), now).is_ok());
    }

    #[test]
    fn this_machine_is_no_client() {
        let now = Instant::now();
        let mut failures = Failures::default();
        let here = Some("127.0.0.1".parse::<IpAddr>().unwrap());
        for number in 0..60 {
            fail(&mut failures, &number.to_string(), here, 1, now);
        }
        assert!(failures.allowed(&Attempt::new("alice", here), now).is_ok(), "the webmail's users are many");
        fail(&mut failures, "alice", here, 10, now);
        assert!(failures.allowed(&Attempt::new("alice", here), now).is_err());
    }

    #[test]
    fn all_of_an_ipv6_network_is_one_client() {
        let now = Instant::now();
        let mut failures = Failures::default();
        let address = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        fail(&mut failures, "alice", address("2001:db8::1"), 10, now);
        assert!(failures.allowed(&Attempt::new("alice", address("2001:db8::2")), now).is_err());
        assert!(failures.allowed(&Attempt::new("alice", address("2001:db8:0:1::1")), now).is_ok());
    }

    #[test]
    fn memory_is_bounded_and_everybody_still_counts() {
        let now = Instant::now();
        let mut failures = Failures::default();
        for number in 0..20_000 {
            fail(&mut failures, &number.to_string(), client(number), 1, now);
        }
        assert!(failures.buckets.len() <= CAPACITY + 1);
        assert!(failures.allowed(&Attempt::new("fresh", client(99_999)), now).is_err());
        let later = now + Duration::from_secs(86_400);
        fail(&mut failures, "fresh", HERE, 1, later);
        assert_eq!(failures.buckets.len(), 4, "what no longer counts has gone");
    }
}
