//! Checks on behalf of accounts: each by its own level and memory, as its own mail would fare with the guarantee on.

use std::{collections::HashMap, sync::Arc, time::Duration};

use api::{Check, Exception, Outcome, ProtectionWord};
use async_trait::async_trait;
use delivery::{Courier, Extent};
use guarantee::{Conclusion, Level, Protection, Requirement};
use jiff::Timestamp;
use smtp::address::Mailbox;
use store::{NextHop, Store, covers};
use tokio::time::timeout;

use super::{
    Looks, domain_of, invalid,
    kept::{Kept, Key},
    local, outcome,
};
use crate::{
    clock::Clock,
    forwardings::Ways,
    http::Checker,
    local::Local,
    queue::{Ruling, Watch},
};

/// When a look ends for good.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);

/// Checks recipients for accounts. Clones are one.
#[derive(Clone)]
pub struct Checks {
    inner: Arc<Inner>,
}

struct Inner {
    looks: Looks,
    store: Arc<dyn Store>,
    watch: Watch,
    kept: Kept,
}

/// What a look has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// For mail under the guarantee.
    pub(super) guarded: Check,
    /// For mail that the guarantee is lifted from.
    pub(super) unguarded: Check,
}

impl Found {
    fn of(self, recipient: String, excepted: bool) -> Check {
        let Self { guarded, unguarded } = self;
        let known = !matches!(unguarded.protection, ProtectionWord::Unknown | ProtectionWord::Invalid);
        Check {
            recipient,
            exception: excepted,
            outcome: if excepted { unguarded.outcome } else { guarded.outcome },
            unguarded: Some(unguarded.protection).filter(|word| known && *word != guarded.protection),
            ..guarded
        }
    }
}

/// A recipient that has to be looked at, or not.
enum Asked {
    /// There is nothing to look at.
    Known(Check),
    /// By this key.
    Look(Key),
}

impl Checks {
    /// Checks by this courier, for the accounts of this store.
    pub fn new(courier: Courier, local: Arc<Local>, store: Arc<dyn Store>, watch: Watch) -> Self {
        let looks = Looks { courier, local };
        Self { inner: Arc::new(Inner { looks, store, watch, kept: Kept::new(Clock::system()) }) }
    }

    /// The account's own mail has met something there: what was told before holds no longer.
    pub fn outdated(&self, account: &str, domain: &str) {
        self.inner.kept.void(account, domain);
    }
}

impl Inner {
    /// What the guarantee of this account would require.
    async fn requirement(&self, account: &str) -> Requirement {
        match self.store.switch(account).await.map(|stored| stored.level) {
            Ok(Level::Authenticated) => Requirement::Authenticated,
            Ok(Level::Encrypted) | Err(_) => Requirement::Encrypted,
        }
    }

    fn asked(&self, recipient: &str, requirement: Requirement) -> Asked {
        match domain_of(recipient).map(|domain| self.looks.local.next_hop(&domain)) {
            Err(reason) => Asked::Known(invalid(recipient, reason)),
            Ok(NextHop::Local) => Asked::Known(local(recipient)),
            Ok(NextHop::Domain(domain)) => Asked::Look(Key { domain, requirement }),
        }
    }

    async fn answer(&self, account: &str, key: &Key) -> Found {
        self.kept.answer(account, key, || self.look_in_time(account, key)).await
    }

    async fn look_in_time(&self, account: &str, key: &Key) -> Found {
        timeout(GIVE_UP_AFTER, self.look(account, key)).await.unwrap_or_else(|_elapsed| {
            let reason = "The receiving server does not answer in time.";
            let unknown = Check::new("", ProtectionWord::Unknown, Outcome::Unknown, reason);
            Found { guarded: unknown.clone(), unguarded: unknown }
        })
    }

    async fn look(&self, account: &str, key: &Key) -> Found {
        let Key { domain, requirement } = key;
        let mut probe = self.looks.courier.probe(domain, *requirement, Extent::FirstToServe).await;
        if let Err(Conclusion::Stop(cause)) = &probe.conclusion {
            // What the delivery makes of a stop, by what this account's mail has met there and by the state of our line.
            let ruling = self.watch.rule(Some(account), domain, cause.clone(), Timestamp::now()).await;
            probe.conclusion = Err(match ruling {
                Ruling::Stop(cause) => Conclusion::Stop(cause),
                Ruling::Hold(cause) => Conclusion::Defer(cause),
            });
        }
        let guarded = outcome("", &probe);
        // Where no host was asked, or the first will do, the guarantee changes nothing.
        let alike = *requirement == Requirement::Opportunistic
            || probe.hosts.first().is_none_or(|host| host.found.is_ok());
        let unguarded = if alike { guarded.clone() } else { self.without_guarantee(domain).await };
        Found { guarded, unguarded }
    }

    /// What mail would come to that the guarantee is lifted from.
    async fn without_guarantee(&self, domain: &str) -> Check {
        let requirement = Requirement::Opportunistic;
        outcome("", &self.looks.courier.probe(domain, requirement, Extent::FirstToServe).await)
    }

    /// Whom the account has excepted from the guarantee: nobody, if it can't be said.
    async fn exceptions(&self, account: &str) -> Vec<Exception> {
        self.store.exceptions(account).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the exceptions can't be read");
            Vec::new()
        })
    }
}

#[async_trait]
impl Checker for Checks {
    async fn admit(&self, account: &str, recipients: &[String]) -> Result<(), Duration> {
        let requirement = self.inner.requirement(account).await;
        let mut keys: Vec<Key> = Vec::new();
        for recipient in recipients {
            match self.inner.asked(recipient, requirement) {
                Asked::Look(key) if !keys.contains(&key) => keys.push(key),
                Asked::Look(_) | Asked::Known(_) => {}
            }
        }
        self.inner.kept.admit(account, &keys)
    }

    async fn check(&self, account: &str, recipients: Vec<String>) -> Vec<Check> {
        let requirement = self.inner.requirement(account).await;
        let exceptions = self.inner.exceptions(account).await;
        let mut answers: HashMap<Key, Found> = HashMap::new();
        let mut checks = Vec::with_capacity(recipients.len());
        for recipient in recipients {
            let check = match self.inner.asked(&recipient, requirement) {
                Asked::Known(check) => check,
                Asked::Look(key) => {
                    let found = match answers.get(&key) {
                        Some(found) => found.clone(),
                        None => self.inner.answer(account, &key).await,
                    };
                    answers.insert(key, found.clone());
                    let excepted =
                        Mailbox::parse(&recipient).is_ok_and(|address| covers(&exceptions, &address));
                    found.of(recipient, excepted)
                }
            };
            checks.push(check);
        }
        checks
    }

    async fn way(&self, account: &str, address: &str) -> Option<Protection> {
        match self.inner.asked(address, Requirement::Opportunistic) {
            Asked::Known(check) => known(check.protection),
            Asked::Look(key) => known(self.inner.answer(account, &key).await.guarded.protection),
        }
    }
}

/// By a look of now, on nobody's behalf.
#[async_trait]
impl Ways for Checks {
    async fn way(&self, address: &str) -> Option<Protection> {
        match self.inner.asked(address, Requirement::Opportunistic) {
            Asked::Known(check) => known(check.protection),
            Asked::Look(key) => {
                let look = self.inner.without_guarantee(&key.domain);
                timeout(GIVE_UP_AFTER, look).await.ok().and_then(|check| known(check.protection))
            }
        }
    }
}

fn known(word: ProtectionWord) -> Option<Protection> {
    match word {
        ProtectionWord::None => Some(Protection::None),
        ProtectionWord::Encrypted => Some(Protection::Encrypted),
        ProtectionWord::Authenticated => Some(Protection::Authenticated),
        ProtectionWord::Dane => Some(Protection::Dane),
        ProtectionWord::Unknown | ProtectionWord::Invalid => None,
    }
}
