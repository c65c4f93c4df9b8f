//! Passwords found right a moment ago: a program that opens ten connections is hashed for once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rand::RngCore;
use sha2::{Digest, Sha256};

/// How long a password is taken for right without hashing it again.
const KEPT: Duration = Duration::from_secs(300);
/// Accounts remembered at a time.
const CAPACITY: usize = 10_000;

/// What was found right, one entry an account.
pub(super) struct Verified {
    /// Of this process and never written anywhere: what is kept is worth nothing without it.
    key: [u8; 32],
    entries: HashMap<String, Entry>,
}

struct Entry {
    digest: [u8; 32],
    /// The stored hash it was compared with: when another process changes the password, the entry is void.
    stored_hash: String,
    until: Instant,
}

impl Default for Verified {
    fn default() -> Self {
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        Self { key, entries: HashMap::new() }
    }
}

impl Verified {
    /// Whether this password was found to belong to this stored hash. The comparison's duration tells nothing:
    /// without the key nobody knows what is being compared.
    pub(super) fn knows(&self, account: &str, password: &str, stored_hash: &str, now: Instant) -> bool {
        self.entries.get(account).is_some_and(|entry| {
            now < entry.until
                && entry.stored_hash == stored_hash
                && entry.digest == self.digest(account, password)
        })
    }

    /// Remembers a password that was found right.
    pub(super) fn remember(&mut self, account: &str, password: &str, stored_hash: String, now: Instant) {
        if self.entries.len() >= CAPACITY {
            self.entries.retain(|_, entry| now < entry.until);
        }
        if self.entries.len() < CAPACITY {
            let digest = self.digest(account, password);
            self.entries.insert(account.to_owned(), Entry { digest, stored_hash, until: now + KEPT });
        }
    }

    /// Forgets an account, however it is spelt.
    pub(super) fn forget(&mut self, account: &str) {
        self.entries.remove(&account.to_lowercase());
    }

    /// Keyed SHA-256. That lengths can be extended is no matter, since no digest ever leaves this process.
    fn digest(&self, account: &str, password: &str) -> [u8; 32] {
        let mut sha256 = Sha256::new_with_prefix(self.key);
        sha256.update(account.len().to_le_bytes());
        sha256.update(account);
        sha256.update(password);
        sha256.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_only_what_was_remembered() {
        let now = Instant::now();
        let mut verified = Verified::default();
        verified.remember("alice@home.example", "demo", "hash".to_owned(), now);
        assert!(verified.knows("alice@home.example", "demo", "hash", now));
        assert!(!verified.knows("alice@home.example", "Demo", "hash", now), "another password");
        assert!(!verified.knows("bob@home.example", "demo", "hash", now), "another account");
        assert!(!verified.knows("alice@home.example", "demo", "other", now), "changed by another process");
        assert!(!verified.knows("alice@home.example", "demo", "hash", now + KEPT), "too long ago");
        verified.forget("Alice@home.example");
        assert!(!verified.knows("alice@home.example", "demo", "hash", now), "forgotten");
    }

    #[test]
    fn is_bounded_and_makes_room_when_entries_are_old() {
        let now = Instant::now();
        let mut verified = Verified::default();
        for number in 0..=CAPACITY {
            verified.remember(&number.to_string(), "demo", String::new(), now);
        }
        assert_eq!(verified.entries.len(), CAPACITY);
        verified.remember("late", "demo", String::new(), now + KEPT);
        assert!(verified.knows("late", "demo", "", now + KEPT));
        assert_eq!(verified.entries.len(), 1);
    }
}
