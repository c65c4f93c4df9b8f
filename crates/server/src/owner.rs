//! Whose mail it is that another mail server sends: asked when it hands mail in, and before that, when it asks which
//! mail to hand in. Both are told the same.

use std::borrow::Cow;

use guarantee::Level;
use jiff::Timestamp;
use store::{Store, StoreError};

use crate::senders::{Senders, SendersError};

/// What sets a mailbox's name and its user's own mark apart in `user+mark@domain`: what Postfix's
/// `recipient_delimiter` and Dovecot's have by custom.
const DELIMITER: char = '+';

/// The account whose mail it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The account, as it is spelt here.
    pub account: String,
    /// What its guarantee demands now; `None` if it is off.
    pub demands: Option<Level>,
}

/// The account whose mail has this reverse-path, an address: its own, one it may send as, or either with a mark of the
/// user's (`user+mark@domain`). Of several accounts the strictest, and of equal ones the first; `None` if the address is nobody's here.
///
/// # Errors
/// [`SendersError`] if it can't be said at the moment; never to be taken for nobody's.
pub async fn owner_of(
    store: &dyn Store,
    senders: &Senders,
    reverse_path: &str,
    now: Timestamp,
) -> Result<Option<Owner>, SendersError> {
    let mut accounts = senders.accounts_of(reverse_path).await?;
    if let (true, Some(unmarked)) = (accounts.is_empty(), unmarked(reverse_path)) {
        accounts = senders.accounts_of(&unmarked).await?;
    }
    let mut strictest: Option<Owner> = None;
    for account in accounts {
        let stored = match store.switch(&account).await {
            Ok(stored) => stored,
            // The query names it, and it has never been here: its guarantee can't be on.
            Err(StoreError::NotFound(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        let owner = Owner { account, demands: stored.switch.holds_at(now).then_some(stored.level) };
        if strictest.as_ref().is_none_or(|other| owner.demands > other.demands) {
            strictest = Some(owner);
        }
    }
    Ok(strictest)
}

/// The address without its user's mark, if it has one.
pub fn without_mark(address: &str) -> Cow<'_, str> {
    unmarked(address).map_or(Cow::Borrowed(address), Cow::Owned)
}

fn unmarked(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let (mailbox, _mark) = local.split_once(DELIMITER)?;
    (!mailbox.is_empty()).then(|| format!("{mailbox}@{domain}"))
}

#[cfg(test)]
mod tests;
