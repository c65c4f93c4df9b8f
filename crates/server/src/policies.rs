//! MTA-STS policies in the store.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use delivery::{KeptPolicy, PolicyStore};
use jiff::Timestamp;
use store::{Store, StoreError, StoredPolicy};

/// Keeps the delivery's policies in the store, where they outlive a restart and a blocked fetch (RFC 8461 §10.2).
pub struct Policies(Arc<dyn Store>);

impl Policies {
    /// Policies kept in this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Policies")
    }
}

#[async_trait]
impl PolicyStore for Policies {
    async fn load(&self, domain: &str) -> Result<Option<KeptPolicy>, String> {
        let stored = self.0.sts_policy(domain).await.map_err(told)?;
        Ok(stored.map(|StoredPolicy { policy, fetched_at }| KeptPolicy { policy, fetched_at }))
    }

    async fn keep(&self, kept: &KeptPolicy) -> Result<(), String> {
        let KeptPolicy { policy, fetched_at } = kept.clone();
        self.0.keep_sts_policy(&StoredPolicy { policy, fetched_at }).await.map_err(told)
    }

    async fn fetched_before(&self, time: Timestamp, limit: usize) -> Result<Vec<String>, String> {
        self.0.sts_policies_fetched_before(time, limit).await.map_err(told)
    }

    async fn forget(&self, domain: &str) -> Result<(), String> {
        self.0.forget_sts_policy(domain).await.map_err(told)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn told(error: StoreError) -> String {
    error.to_string()
}
