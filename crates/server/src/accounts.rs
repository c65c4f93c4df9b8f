//! Who may log in: by the own user table or by Dovecot's, and the limits on guessing passwords.

mod dovecot;
mod failures;
mod own;
mod passwords;
mod verified;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use smtp::address::{AddressError, Mailbox};
use smtp::server::Mechanism;
use store::{Store, StoreError};

use crate::config::Place;
use dovecot::Dovecot;
use failures::{Attempt, Failures};
use own::OwnTable;

/// Octets of a password: more would only cost time to hash.
const PASSWORD_OCTETS: usize = 1024;

/// Octets of a user name: an address has no more (RFC 5321 §4.5.3.1).
const NAME_OCTETS: usize = 320;

/// The accounts of this server. Clones share limits and cache: there is one for all of the server's doors.
#[derive(Clone)]
pub struct Accounts {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    own: OwnTable,
    /// Who is asked instead of the own table.
    dovecot: Option<Dovecot>,
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
    /// The token is not good.
    #[error("the token is not good")]
    TokenRefused {
        /// What whoever verified it tells the client's program (RFC 7628 §3.2.2).
        text: String,
    },
    /// Whoever knows the passwords can't be asked.
    #[error("log-ins can't be checked at the moment; try again in a minute")]
    Unavailable,
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
        Self::of(store, None)
    }

    /// Dovecot's accounts; each is made in `store` at its first log-in. Dovecot need not be there yet. Must be called
    /// in a runtime.
    pub fn with_dovecot(store: Arc<dyn Store>, place: Place) -> Self {
        Self::of(store, Some(Dovecot::new(place)))
    }

    fn of(store: Arc<dyn Store>, dovecot: Option<Dovecot>) -> Self {
        let own = OwnTable::new(Arc::clone(&store));
        Self { inner: Arc::new(Inner { store, own, dovecot, failures: Mutex::default() }) }
    }

    /// How users may log in at the moment: with a password always, with a token as Dovecot offers it.
    pub fn mechanisms(&self) -> Vec<Mechanism> {
        let with_token = self.inner.dovecot.as_ref().map(Dovecot::token_mechanisms).unwrap_or_default();
        Mechanism::PASSWORDS.into_iter().chain(with_token).collect()
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
        let Some(dovecot) = &self.inner.dovecot else {
            let address = normal(address).unwrap_or_default();
            let attempt = Attempt::new(&address, client);
            self.allowed(&attempt)?;
            let result = self.inner.own.log_in(&address, password, || self.allowed(&attempt)).await;
            return self.count(&attempt, result);
        };
        let attempt = Attempt::new(&name(address), client);
        self.allowed(&attempt)?;
        let result = dovecot.password(address, password, client).await;
        self.admit(&attempt, result).await
    }

    /// Checks a token, likewise; `response` is the client's, decoded.
    ///
    /// # Errors
    /// [`LogInError`]; [`LogInError::TokenRefused`] is to be told to the client's program.
    pub async fn log_in_with_token(
        &self,
        mechanism: Mechanism,
        response: &str,
        client: Option<IpAddr>,
    ) -> Result<String, LogInError> {
        let Some(dovecot) = &self.inner.dovecot else { return Err(LogInError::Wrong) };
        let attempt = Attempt::new(&name(claimed(response)), client);
        self.allowed(&attempt)?;
        let result = dovecot.token(mechanism, response, client).await;
        self.admit(&attempt, result).await
    }

    /// Makes the account of a log-in that Dovecot has found right, unless it is there.
    async fn admit(
        &self,
        attempt: &Attempt,
        result: Result<String, LogInError>,
    ) -> Result<String, LogInError> {
        let address = self.count(attempt, result)?;
        Ok(self.inner.store.ensure_account(&address, Timestamp::now()).await?)
    }

    fn allowed(&self, attempt: &Attempt) -> Result<(), LogInError> {
        lock(&self.inner.failures)
            .allowed(attempt, Instant::now())
            .map_err(|retry_after| LogInError::TooMany { retry_after })
    }

    fn count(&self, attempt: &Attempt, result: Result<String, LogInError>) -> Result<String, LogInError> {
        match &result {
            Ok(_) => lock(&self.inner.failures).succeeded(attempt, Instant::now()),
            Err(LogInError::Wrong | LogInError::TokenRefused { .. }) => {
                lock(&self.inner.failures).failed(attempt, Instant::now());
            }
            Err(
                LogInError::TooMany { .. }
                | LogInError::Busy
                | LogInError::Unavailable
                | LogInError::Store(_),
            ) => {}
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

/// A user name of Dovecot's, under which failures are counted; one that is too long is nobody's.
fn name(name: &str) -> String {
    if name.len() > NAME_OCTETS { String::new() } else { name.to_lowercase() }
}

/// Who the client says it is in a response with a token: `user=NAME^A` (XOAUTH2) or `n,a=NAME,^A` (RFC 7628 §3.1).
/// Only to count failures by; Dovecot says who it really is.
fn claimed(response: &str) -> &str {
    let head = response.split('\x01').next().unwrap_or_default();
    let in_gs2 = || head.split(',').find_map(|part| part.strip_prefix("a="));
    head.strip_prefix("user=").or_else(in_gs2).unwrap_or_default()
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
