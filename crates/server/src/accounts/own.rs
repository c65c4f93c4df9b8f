//! The own user table: accounts with a password here.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use jiff::Timestamp;
use store::{AccountSecret, Store, StoreError};

use super::passwords::{Hasher, HasherError};
use super::verified::Verified;
use super::{AccountError, LogInError, PASSWORD_OCTETS, lock};

/// The accounts with a password of their own.
pub(super) struct OwnTable {
    store: Arc<dyn Store>,
    hasher: Hasher,
    verified: Mutex<Verified>,
}

impl OwnTable {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, hasher: Hasher::new(), verified: Mutex::default() }
    }

    /// The account as it is spelt, if the password is its own. Without an account, or without a password of its own,
    /// the same work is done for nothing. `allowed` is asked again once this attempt has its turn.
    pub(super) async fn log_in(
        &self,
        address: &str,
        password: &str,
        allowed: impl Fn() -> Result<(), LogInError>,
    ) -> Result<String, LogInError> {
        let secret = self.store.account(address).await?;
        let hash = secret.as_ref().and_then(|secret| secret.password_hash.as_deref());
        match (self.check(address, password, hash, allowed).await?, secret) {
            (true, Some(AccountSecret { address, .. })) => Ok(address),
            (false, _) | (true, None) => Err(LogInError::Wrong),
        }
    }

    async fn check(
        &self,
        address: &str,
        password: &str,
        hash: Option<&str>,
        allowed: impl Fn() -> Result<(), LogInError>,
    ) -> Result<bool, LogInError> {
        if password.len() > PASSWORD_OCTETS {
            return Ok(false);
        }
        let known = |hash: &str| lock(&self.verified).knows(address, password, hash, Instant::now());
        if hash.is_some_and(known) {
            return Ok(true);
        }
        let turn = self.hasher.turn().await.map_err(log_in_error)?;
        // Others may have failed, or have shown the right password, while this attempt waited for its turn.
        allowed()?;
        if hash.is_some_and(known) {
            return Ok(true);
        }
        let right = turn.verify(password.to_owned(), hash.map(str::to_owned)).await.map_err(log_in_error)?;
        if let (true, Some(hash)) = (right, hash) {
            lock(&self.verified).remember(address, password, hash.to_owned(), Instant::now());
        }
        Ok(right)
    }

    pub(super) async fn add(&self, address: &str, password: &str) -> Result<(), AccountError> {
        let hash = self.hash(password).await?;
        Ok(self.store.add_account(address, &hash, Timestamp::now()).await?)
    }

    pub(super) async fn set_password(&self, address: &str, password: &str) -> Result<(), AccountError> {
        let hash = self.hash(password).await?;
        self.store.set_password(address, &hash).await?;
        lock(&self.verified).forget(address);
        Ok(())
    }

    pub(super) fn forget(&self, address: &str) {
        lock(&self.verified).forget(address);
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
        let hashed = match self.hasher.turn().await {
            Ok(turn) => turn.hash(password.to_owned()).await,
            Err(error) => Err(error),
        };
        hashed.map_err(|error| match error {
            HasherError::Busy => AccountError::Hash("too many log-ins at once; try again in a moment"),
            HasherError::Failed => AccountError::Hash("the hash function failed"),
        })
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
