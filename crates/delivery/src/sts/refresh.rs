//! Keeps policies from ending while their domains still have them (RFC 8461 §3.3, §10.2).

use futures_util::StreamExt;
use guarantee::Age;
use jiff::{SignedDuration, Timestamp};

use super::{
    KeptPolicy,
    discover::{Announced, Policies},
};

/// A policy is refreshed when it is as old as this, or has lasted half of its time.
const OLD: SignedDuration = SignedDuration::from_hours(24);

/// Policies looked at in one round, the oldest first.
const MOST: usize = 10_000;

/// Policies refreshed at the same time.
const AT_ONCE: usize = 8;

impl Policies {
    /// Fetches the policies anew that are old at `now`, and forgets those that are over. A failure is told in the log and
    /// leaves what there is.
    pub(crate) async fn refresh(&self, now: Timestamp) {
        let domains = match self.inner.store.fetched_before(now, MOST).await {
            Ok(domains) => domains,
            Err(error) => {
                tracing::error!(error, "the kept MTA-STS policies can't be read");
                return;
            }
        };
        let refreshed = domains.into_iter().map(|domain| async move {
            if let Err(error) = self.refresh_one(&domain, now).await {
                tracing::error!(domain, error, "a kept MTA-STS policy can't be refreshed");
            }
        });
        futures_util::stream::iter(refreshed).buffer_unordered(AT_ONCE).collect::<()>().await;
    }

    async fn refresh_one(&self, domain: &str, now: Timestamp) -> Result<(), String> {
        let Some(kept) = self.inner.store.load(domain).await? else { return Ok(()) };
        if !kept.in_force(now) {
            return self.inner.store.forget(domain).await;
        }
        if is_old(&kept, now) {
            // §10.2: regardless of the record, which may be suppressed.
            let id = match self.announced(domain, Age::Fresh).await {
                Announced::Id(id) => id,
                Announced::Nothing | Announced::Unknown => kept.policy.id.clone(),
            };
            // A failure is in the log already.
            let _fetched = self.fetch(domain, &id, Age::Fresh, Some(kept), now).await;
        }
        Ok(())
    }
}

fn is_old(kept: &KeptPolicy, now: Timestamp) -> bool {
    let half = SignedDuration::from_secs(i64::from(kept.policy.max_age) / 2);
    now.duration_since(kept.fetched_at) >= OLD.min(half)
}
