//! MTA-STS (RFC 8461): which policy a domain has.

mod discover;
mod failures;
mod fetch;
mod refresh;

use std::{collections::HashMap, fmt, sync::Mutex};

use async_trait::async_trait;
use guarantee::{Age, Sts, StsPolicy};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub(crate) use discover::{Policies, Sources};
pub(crate) use fetch::TIMEOUT;

/// A policy as it is kept: it outlives a restart and a blocked fetch (RFC 8461 §10.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPolicy {
    /// The policy.
    pub policy: StsPolicy,
    /// When it was fetched; it holds for its `max_age` from then on.
    pub fetched_at: Timestamp,
}

impl KeptPolicy {
    /// The last moment at which it is in force (RFC 8461 §3.2).
    pub(crate) fn end(&self) -> Timestamp {
        let max_age = SignedDuration::from_secs(i64::from(self.policy.max_age));
        self.fetched_at.checked_add(max_age).unwrap_or(Timestamp::MAX)
    }

    pub(crate) fn in_force(&self, now: Timestamp) -> bool {
        now <= self.end()
    }

    fn aged(self, age: Age) -> Sts {
        Sts::Policy(StsPolicy { age, ..self.policy })
    }

    /// RFC 8461 §3.3: MUST apply the cached policy; and §6: SHOULD report why there is no newer one.
    fn despite(self, failure: fetch::Failure, age: Age) -> Sts {
        let fetch::Failure { problem, detail } = failure;
        Sts::Kept { policy: StsPolicy { age, ..self.policy }, problem, detail }
    }
}

/// Keeps policies by policy domain.
#[async_trait]
pub trait PolicyStore: fmt::Debug + Send + Sync + 'static {
    /// The domain's policy, in force or over.
    async fn load(&self, domain: &str) -> Result<Option<KeptPolicy>, String>;
    /// Keeps a domain's policy in the place of the one before.
    async fn keep(&self, kept: &KeptPolicy) -> Result<(), String>;
    /// Domains whose policy was fetched before that time, the oldest first: to be refreshed ahead of their end.
    async fn fetched_before(&self, time: Timestamp, limit: usize) -> Result<Vec<String>, String>;
    /// Forgets a domain's policy.
    async fn forget(&self, domain: &str) -> Result<(), String>;
}

/// Keeps policies in memory only: for tests, and for checks from the command line.
#[derive(Debug, Default)]
pub struct MemoryPolicies(Mutex<HashMap<String, KeptPolicy>>);

#[async_trait]
impl PolicyStore for MemoryPolicies {
    async fn load(&self, domain: &str) -> Result<Option<KeptPolicy>, String> {
        Ok(self.all().get(domain).cloned())
    }

    async fn keep(&self, kept: &KeptPolicy) -> Result<(), String> {
        self.all().insert(kept.policy.domain.clone(), kept.clone());
        Ok(())
    }

    async fn fetched_before(&self, time: Timestamp, limit: usize) -> Result<Vec<String>, String> {
        let all = self.all();
        let mut old: Vec<&KeptPolicy> = all.values().filter(|kept| kept.fetched_at < time).collect();
        old.sort_by_key(|kept| kept.fetched_at);
        Ok(old.into_iter().take(limit).map(|kept| kept.policy.domain.clone()).collect())
    }

    async fn forget(&self, domain: &str) -> Result<(), String> {
        self.all().remove(domain);
        Ok(())
    }
}

impl MemoryPolicies {
    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<String, KeptPolicy>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
