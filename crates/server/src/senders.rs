//! As whom accounts may send: as themselves, and as the addresses that a query gives them.

mod aliases;

use std::{collections::BTreeSet, fmt, sync::Arc};

use smtp::address::Mailbox;
use store::{Store, StoreError};

use crate::{acceptance::same_address, config::SendersOptions};
use aliases::Aliases;

/// The most different addresses in one message's From and Sender fields that are looked up.
const MAX_ADDRESSES: usize = 20;

/// Which account may send as which address. Clones share the database.
#[derive(Clone)]
pub struct Senders {
    store: Arc<dyn Store>,
    aliases: Option<Arc<Aliases>>,
}

/// Whether an account may send as some addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MaySend {
    /// As all of them.
    Yes,
    /// Not as this one.
    NotAs(String),
    /// They are more than are looked up: how many are.
    TooMany(usize),
}

/// Why it can't be said. Never to be taken for a yes.
#[derive(Debug, thiserror::Error)]
pub enum SendersError {
    /// The database of addresses failed.
    #[error("senders.database: {0}")]
    Database(String),
    /// The own store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Senders {
    /// Everybody as themselves only.
    pub fn own(store: Arc<dyn Store>) -> Self {
        Self { store, aliases: None }
    }

    /// Everybody as themselves, and as `options` says. Opens nothing yet.
    pub fn new(store: Arc<dyn Store>, options: Option<&SendersOptions>) -> Self {
        let aliases = options.map(|options| Arc::new(Aliases::new(options.clone())));
        Self { store, aliases }
    }

    /// Whether this account may send as all these addresses, which are compared without case.
    ///
    /// # Errors
    /// [`SendersError`] if it can't be said at the moment.
    pub async fn may_send<'a>(
        &self,
        account: &str,
        addresses: impl IntoIterator<Item = &'a str>,
    ) -> Result<MaySend, SendersError> {
        let others = addresses.into_iter().filter(|address| !same_address(address, account));
        let others: BTreeSet<String> = others.map(str::to_lowercase).collect();
        let Some(aliases) = &self.aliases else {
            return Ok(others.into_iter().next().map_or(MaySend::Yes, MaySend::NotAs));
        };
        if others.len() > MAX_ADDRESSES {
            return Ok(MaySend::TooMany(MAX_ADDRESSES));
        }
        for address in others {
            let logins = aliases.logins(&address).await?;
            if !logins.iter().any(|login| same_address(login, account)) {
                return Ok(MaySend::NotAs(address));
            }
        }
        Ok(MaySend::Yes)
    }

    /// The accounts that may send as this address, each once: first the one whose own address it is, if there is such
    /// an account, then those that the query names, as they are spelt here. One that the query names and that has never
    /// been here is among them too, without a row in the store: its guarantee can't be on.
    ///
    /// # Errors
    /// [`SendersError`] if it can't be said at the moment.
    pub async fn accounts_of(&self, address: &str) -> Result<Vec<String>, SendersError> {
        let mut accounts: Vec<String> = Vec::new();
        accounts.extend(self.store.account(address).await?.map(|account| account.address));
        let Some(aliases) = &self.aliases else { return Ok(accounts) };
        for login in aliases.logins(&address.to_lowercase()).await? {
            let Ok(login) = Mailbox::parse(&login).map(|login| login.to_string()) else {
                tracing::warn!(
                    login,
                    "senders.query gives a log-in that is no address like alice@example.org"
                );
                continue;
            };
            let known = self.store.account(&login).await?.map(|account| account.address);
            let account = known.unwrap_or(login);
            if !accounts.iter().any(|one| same_address(one, &account)) {
                accounts.push(account);
            }
        }
        Ok(accounts)
    }
}

impl fmt::Debug for Senders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Senders").field("aliases", &self.aliases.is_some()).finish()
    }
}

/// Whether the database can be opened and the query be asked.
///
/// # Errors
/// [`SendersError::Database`] with what to change.
pub fn check(options: &SendersOptions) -> Result<(), SendersError> {
    aliases::check(options)
}

#[cfg(test)]
mod tests;
