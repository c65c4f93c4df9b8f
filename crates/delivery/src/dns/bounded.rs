//! A cache of bounded size, whose entries end by themselves.

use std::{
    hash::Hash,
    time::{Duration, Instant},
};

use moka::{Expiry, sync::Cache};

/// Keeps values until their time is over, or there is no more room.
#[derive(Clone)]
pub(super) struct Bounded<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> {
    cache: Cache<K, Entry<V>>,
}

#[derive(Clone)]
struct Entry<V> {
    value: V,
    lives: Duration,
    weight: u32,
}

struct Lives;

impl<K, V> Expiry<K, Entry<V>> for Lives {
    fn expire_after_create(&self, _key: &K, entry: &Entry<V>, _now: Instant) -> Option<Duration> {
        Some(entry.lives)
    }

    fn expire_after_update(
        &self,
        _key: &K,
        entry: &Entry<V>,
        _now: Instant,
        _left: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.lives)
    }
}

impl<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> Bounded<K, V> {
    pub(super) fn new(weight: u64) -> Self {
        let weigh = |_key: &K, entry: &Entry<V>| entry.weight;
        Self { cache: Cache::builder().max_capacity(weight).weigher(weigh).expire_after(Lives).build() }
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.cache.get(key).map(|entry| entry.value)
    }

    pub(super) fn insert(&self, key: K, value: V, lives: Duration, weight: u32) {
        self.cache.insert(key, Entry { value, lives, weight });
    }

    /// Lets go now of what there is no room for.
    #[cfg(test)]
    pub(super) fn settle(&self) {
        self.cache.run_pending_tasks();
    }
}
