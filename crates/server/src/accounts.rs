//! Who may log in: the own user table, its passwords, and the limits on guessing them.

mod failures;
mod own;
mod passwords;
mod verified;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use smtp::address::{AddressError, Mailbox};
use store::{Store, StoreError};

use failures::{Attempt, Failures};
use own::OwnTable;

/// Octets of a password: more would only cost time to hash.
const PASSWORD_OCTETS: usize = 1024;

/// The accounts of this server. Clones share limits and cache: there is one for all of the server's doors.
#[derive(Clone)]
pub struct Accounts {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    own: OwnTable,
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
    /// The accounts in `store`, with passwords of their own.
    pub fn new(store: Arc<dyn Store>) -> Self {
        let own = OwnTable::new(Arc::clone(&store));
        Self { inner: Arc::new(Inner { store, own, failures: Mutex::default() }) }
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
        let result = self.inner.own.log_in(&address, password, || self.allowed(&attempt)).await;
        self.count(&attempt, result)
    }

    fn allowed(&self, attempt: &Attempt) -> Result<(), LogInError> {
        lock(&self.inner.failures)
            .allowed(attempt, Instant::now())
            .map_err(|retry_after| LogInError::TooMany { retry_after })
    }

    fn count(&self, attempt: &Attempt, result: Result<String, LogInError>) -> Result<String, LogInError> {
        match &result {
            Ok(_) => lock(&self.inner.failures).succeeded(attempt, Instant::now()),
            Err(LogInError::Wrong) => lock(&self.inner.failures).failed(attempt, Instant::now()),
            Err(LogInError::TooMany { .. } | LogInError::Busy | LogInError::Store(_)) => {}
        }
        result
    }

    /// Adds an account and gives its address in the form in which it is kept.
    ///
    /// # Errors
    /// [`AccountError`] for an unusable address or password, or if it is there already.
    pub async fn add(&self, address: &str, password: &str) -> Result<String, AccountError> {
        let address = account_address(address)?;
        self.inner.own.add(&address, password).await?;
        Ok(address)
    }

    /// Changes an account's password, which ends its sessions.
    ///
    /// # Errors
    /// [`AccountError`] for an unusable password, or if there is no such account.
    pub async fn set_password(&self, address: &str, password: &str) -> Result<String, AccountError> {
        let address = account_address(address)?;
        self.inner.own.set_password(&address, password).await?;
        Ok(address)
    }

    /// Removes an account with its mailboxes.
    ///
    /// # Errors
    /// [`AccountError`] if there is no such account.
    pub async fn remove(&self, address: &str) -> Result<String, AccountError> {
        let address = account_address(address)?;
        self.inner.store.remove_account(&address).await?;
        self.inner.own.forget(&address);
        Ok(address)
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Accounts")
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
