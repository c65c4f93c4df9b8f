//! Who may log in: the own user table, its passwords, and the limits on guessing them.

mod failures;
mod passwords;
mod verified;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use smtp::address::{AddressError, Mailbox};
use store::{AccountSecret, Store, StoreError};

use failures::{Attempt, Failures};
use passwords::{Hasher, HasherError};
use verified::Verified;

/// Octets of a password: more would only cost time to hash.
const PASSWORD_OCTETS: usize = 1024;

/// The accounts of this server. Clones share limits and cache: there is one for all of the server's doors.
#[derive(Clone)]
pub struct Accounts {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    hasher: Hasher,
    verified: Mutex<Verified>,
    failures: Mutex<Failures>,
}

/// Why a log-in did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// There is no such account, or this is not its password: which of the two is nobody's business.
    #[error("the address or the password is wrong")]
    Wrong,
    /// Too many attempts failed.
    #[error("too many log-ins failed; try again in {} s", retry_after.as_secs())]
    TooMany {
        /// How long to wait, in whole seconds.
        retry_after: Duration,
    },
    /// Too many log-ins are being checked at the moment.
    #[error("too many log-ins at once; try again in a moment")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an account could not be added or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Not an address.
    #[error("{address} is not an address: {error}")]
    Address {
        /// As given.
        address: String,
        /// What is wrong.
        error: AddressError,
    },
    /// An unusable password.
    #[error("{0}")]
    Password(&'static str),
    /// The password could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Hash(&'static str),
    /// The store failed, or there is (or is not) such an account.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// The accounts in `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        let (verified, failures) = Default::default();
        Self { inner: Arc::new(Inner { store, hasher: Hasher::new(), verified, failures }) }
    }

    /// Checks a password and gives the account as it is spelt.
    ///
    /// Failures count against the account at this client, the client, the account and everybody; whoever has logged
    /// in from there before is only held to the first, so that nobody can lock a user out from elsewhere.
    ///
    /// # Errors
    /// [`LogInError`]; an unknown account takes as long as a wrong password.
    pub async fn log_in(
        &self,
        address: &str,
        password: &str,
        client: Option<IpAddr>,
    ) -> Result<String, LogInError> {
        let address = normal(address).unwrap_or_default();
        let attempt = Attempt::new(&address, client);
        self.allowed(&attempt)?;
        let secret = self.inner.store.account(&address).await?;
        let result = self.check(&address, password, secret.as_ref(), &attempt).await;
        match (result, secret) {
            (Ok(true), Some(secret)) => {
                lock(&self.inner.failures).succeeded(&attempt, Instant::now());
                Ok(secret.address)
            }
            (Ok(_), _) => {
                lock(&self.inner.failures).failed(&attempt, Instant::now());
                Err(LogInError::Wrong)
            }
            (Err(error), _) => Err(error),
        }
    }

    fn allowed(&self, attempt: &Attempt) -> Result<(), LogInError> {
        lock(&self.inner.failures)
            .allowed(attempt, Instant::now())
            .map_err(|retry_after| LogInError::TooMany { retry_after })
    }

    /// Whether the password is the account's. Without an account the same work is done for nothing.
    async fn check(
        &self,
        address: &str,
        password: &str,
        secret: Option<&AccountSecret>,
        attempt: &Attempt,
    ) -> Result<bool, LogInError> {
        if password.len() > PASSWORD_OCTETS {
            return Ok(false);
        }
        let known = |hash: &str| lock(&self.inner.verified).knows(address, password, hash, Instant::now());
        if secret.is_some_and(|secret| known(&secret.password_hash)) {
            return Ok(true);
        }
        let turn = self.inner.hasher.turn().await.map_err(log_in_error)?;
        // Others may have failed, or have shown the right password, while this attempt waited for its turn.
        self.allowed(attempt)?;
        if secret.is_some_and(|secret| known(&secret.password_hash)) {
            return Ok(true);
        }
        let hash = secret.map(|secret| secret.password_hash.clone());
        let right = turn.verify(password.to_owned(), hash.clone()).await.map_err(log_in_error)?;
        if let (true, Some(hash)) = (right, hash) {
            lock(&self.inner.verified).remember(address, password, hash, Instant::now());
        }
        Ok(right)
    }

    /// Adds an account and gives its address in the form in which it is kept.
    ///
    /// # Errors
    /// [`AccountError`] for an unusable address or password, or if it is there already.
    pub async fn add(&self, address: &str, password: &str) -> Result<String, AccountError> {
        let address = account_address(address)?;
        let hash = self.hash(password).await?;
        self.inner.store.add_account(&address, &hash, Timestamp::now()).await?;
        Ok(address)
    }

    /// Changes an account's password, which ends its sessions.
    ///
    /// # Errors
    /// [`AccountError`] for an unusable password, or if there is no such account.
    pub async fn set_password(&self, address: &str, password: &str) -> Result<String, AccountError> {
        let address = account_address(address)?;
        let hash = self.hash(password).await?;
        self.inner.store.set_password(&address, &hash).await?;
        lock(&self.inner.verified).forget(&address);
        Ok(address)
    }

    /// Removes an account with its mailboxes.
    ///
    /// # Errors
    /// [`AccountError`] if there is no such account.
    pub async fn remove(&self, address: &str) -> Result<String, AccountError> {
        let address = account_address(address)?;
        self.inner.store.remove_account(&address).await?;
        lock(&self.inner.verified).forget(&address);
        Ok(address)
    }

    async fn hash(&self, password: &str) -> Result<String, AccountError> {
        if password.is_empty() {
            return Err(AccountError::Password("the password is empty"));
        }
        if password.len() > PASSWORD_OCTETS {
            return Err(AccountError::Password("the password is longer than 1,024 octets"));
        }
        if password.chars().any(char::is_control) {
            return Err(AccountError::Password("the password contains control characters"));
        }
        let hashed = match self.inner.hasher.turn().await {
            Ok(turn) => turn.hash(password.to_owned()).await,
            Err(error) => Err(error),
        };
        hashed.map_err(|error| match error {
            HasherError::Busy => AccountError::Hash("too many log-ins at once; try again in a moment"),
            HasherError::Failed => AccountError::Hash("the hash function failed"),
        })
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Accounts")
    }
}

fn log_in_error(error: HasherError) -> LogInError {
    match error {
        HasherError::Busy => LogInError::Busy,
        HasherError::Failed => {
            LogInError::Store(StoreError::Database("the password's hash is unusable".into()))
        }
    }
}

/// The address as accounts are kept, lower-cased for comparison; nothing for what is no address.
fn normal(address: &str) -> Option<String> {
    Mailbox::parse(address).ok().map(|mailbox| mailbox.to_string().to_lowercase())
}

fn account_address(address: &str) -> Result<String, AccountError> {
    match Mailbox::parse(address) {
        Ok(mailbox) => Ok(mailbox.to_string()),
        Err(error) => Err(AccountError::Address { address: address.to_owned(), error }),
    }
}

/// What is guarded here is never left half changed, so that a panic elsewhere does no harm to it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
