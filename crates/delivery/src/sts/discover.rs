//! Which policy a domain has now: the one that is kept, or a newer one (RFC 8461 §3, §5.1).

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, WeakShared},
};
use guarantee::{Age, Sts, StsMode, StsPolicy, sts_id};
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;

use super::{
    KeptPolicy, PolicyStore,
    failures::Failures,
    fetch::{Failure, Fetcher},
};
use crate::{
    dns::{Answer, Dns},
    gather::Ownership,
};

/// A fetch that everybody waits for who wants the same.
type Fetching = BoxFuture<'static, Result<KeptPolicy, Failure>>;

/// Finds policies: clones share what is known and what is under way.
#[derive(Clone)]
pub(crate) struct Policies {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) store: Arc<dyn PolicyStore>,
    dns: Dns,
    fetcher: Fetcher,
    failures: Failures,
    /// By policy domain and `id`.
    under_way: Mutex<HashMap<(String, String), WeakShared<Fetching>>>,
}

/// Where policies are found, and kept.
pub(crate) struct Sources<'a> {
    pub(crate) store: Arc<dyn PolicyStore>,
    pub(crate) dns: Dns,
    pub(crate) own: &'a Ownership,
    /// Of policy hosts.
    pub(crate) port: u16,
    /// Trusted besides the well-known authorities.
    pub(crate) roots: &'a [CertificateDer<'static>],
    /// For one fetch.
    pub(crate) timeout: Duration,
}

/// What the TXT record says.
pub(super) enum Announced {
    /// A policy with this `id`.
    Id(String),
    /// There is none, or no valid one.
    Nothing,
    /// The look-up failed.
    Unknown,
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policies in {:?}", self.inner.store)
    }
}

impl Policies {
    /// The error names what is no certificate of an authority.
    pub(crate) fn new(sources: Sources<'_>) -> Result<Self, String> {
        let Sources { store, dns, own, port, roots, timeout } = sources;
        let fetcher = Fetcher::new(dns.clone(), own.clone(), port, roots, timeout)?;
        let inner = Inner { store, dns, fetcher, failures: Failures::default(), under_way: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The policy in force for mail to this domain, never to a parent of it (RFC 8461 §3.4). With [`Age::Fresh`] it is
    /// fetched anew, even under the same `id`; it comes back as [`Age::Cached`] if it is known that a newer one may be
    /// there. An error means that it can't be known which policy is kept.
    pub(crate) async fn discover(&self, domain: &str, age: Age, now: Timestamp) -> Result<Sts, String> {
        let Some(domain) = policy_domain(domain) else { return Ok(Sts::None) };
        let kept = self.inner.store.load(&domain).await?.filter(|kept| kept.in_force(now));
        let (id, kept) = match (self.announced(&domain, age).await, kept) {
            (Announced::Id(id), Some(kept)) if age == Age::Cached && id == kept.policy.id => {
                return Ok(kept.aged(age));
            }
            (Announced::Id(id), kept) => (id, kept),
            // §3.1: that nothing is announced ends no policy.
            (Announced::Nothing, Some(kept)) => return Ok(kept.aged(age)),
            // §5: before a mail is stopped, it has to be seen whether there is an update.
            (Announced::Unknown, Some(kept)) => return Ok(kept.aged(Age::Cached)),
            (Announced::Nothing, None) => return Ok(Sts::None),
            (Announced::Unknown, None) => return Ok(Sts::Unknown),
        };
        Ok(match (self.fetch(&domain, &id, age, kept.clone(), now).await, kept) {
            (Ok(fetched), _) => fetched.aged(age),
            // §3.3: MUST apply that cached policy.
            (Err(failure), Some(kept)) if kept.policy.id == id => kept.despite(failure, age),
            (Err(failure), Some(kept)) => kept.despite(failure, Age::Cached),
            (Err(Failure { problem, detail }), None) => Sts::Unavailable { problem, detail },
        })
    }

    pub(super) async fn announced(&self, domain: &str, age: Age) -> Announced {
        match self.inner.dns.txt(&format!("_mta-sts.{domain}"), age).await {
            Answer::Found(found) => match sts_id(&found.records) {
                Some(id) => Announced::Id(id.to_owned()),
                None => Announced::Nothing,
            },
            Answer::NoData(_) | Answer::NxDomain(_) => Announced::Nothing,
            Answer::Failed(_) => Announced::Unknown,
        }
    }

    /// A policy from its host, kept; together with whoever else fetches it. Not within five minutes of a failure.
    pub(super) async fn fetch(
        &self,
        domain: &str,
        id: &str,
        age: Age,
        kept: Option<KeptPolicy>,
        now: Timestamp,
    ) -> Result<KeptPolicy, Failure> {
        let key = (domain.to_owned(), id.to_owned());
        if let Some(failure) = self.inner.failures.get(&key, now) {
            return Err(failure);
        }
        let fetching = {
            let mut under_way = self.under_way();
            let running = under_way.get(&key).and_then(WeakShared::upgrade);
            match running.filter(|running| running.peek().is_none()) {
                Some(running) => running,
                None => {
                    under_way.retain(|_, other| other.upgrade().is_some());
                    let begun = self.clone().fetch_alone(key.clone(), age, kept, now).boxed().shared();
                    under_way.extend(begun.downgrade().map(|begun| (key, begun)));
                    begun
                }
            }
        };
        fetching.await
    }

    async fn fetch_alone(
        self,
        key: (String, String),
        age: Age,
        kept: Option<KeptPolicy>,
        now: Timestamp,
    ) -> Result<KeptPolicy, Failure> {
        let Inner { store, fetcher, failures, .. } = &*self.inner;
        match fetcher.fetch(&key.0, age).await {
            Ok(file) => {
                let (domain, id) = key;
                let policy =
                    StsPolicy { domain, id, mode: file.mode, mx: file.mx, max_age: file.max_age, age };
                let fetched = KeptPolicy { policy, fetched_at: now };
                if let Err(error) = store.keep(&fetched).await {
                    tracing::error!(
                        domain = fetched.policy.domain,
                        error,
                        "an MTA-STS policy could not be kept"
                    );
                }
                Ok(fetched)
            }
            Err(failure) => {
                // §3.3, §10.2: somebody may be keeping the update from us; but `none` may go away silently.
                if let Some(kept) = kept.filter(|kept| kept.policy.mode != StsMode::None) {
                    tracing::warn!(
                        domain = key.0,
                        problem = failure.detail,
                        in_force_until = %kept.end(),
                        "an MTA-STS policy could not be refreshed; the one before stays in force"
                    );
                }
                failures.add(key, failure.clone(), now);
                Err(failure)
            }
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<(String, String), WeakShared<Fetching>>> {
        self.inner.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name in lower case; `None` for what has no policy: an address literal (RFC 8461 §3.4), or no host name.
fn policy_domain(next_hop: &str) -> Option<String> {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
    };
    let is_name = next_hop.split('.').all(is_label) && next_hop.parse::<IpAddr>().is_err();
    is_name.then(|| next_hop.to_ascii_lowercase())
}
