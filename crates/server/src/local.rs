//! What is at home here: the server's name, its domains and their mailboxes.

use store::{NextHop, Store, StoreError};

/// What is at home here.
#[derive(Clone, Debug)]
pub struct Local {
    /// The server's name, as it greets and reports.
    pub server_name: String,
    /// Domains whose mailboxes are here, in A-labels.
    pub domains: Vec<String>,
    /// The account that reads mail to `postmaster` of every local domain that has no such account of its own.
    pub postmaster: Option<String>,
}

impl Local {
    /// Where mail for this domain (in A-labels) goes.
    pub fn next_hop(&self, domain: &str) -> NextHop {
        if self.domains.iter().any(|local| local.eq_ignore_ascii_case(domain)) {
            NextHop::Local
        } else {
            NextHop::Domain(domain.to_owned())
        }
    }

    /// The account whose mailbox takes mail to this local address, if there is one.
    pub async fn mailbox(&self, store: &dyn Store, address: &str) -> Result<Option<String>, StoreError> {
        if let Some(account) = store.account(address).await? {
            return Ok(Some(account.address));
        }
        // RFC 5321 §4.5.1: postmaster is always somebody.
        let to_postmaster =
            address.split('@').next().is_some_and(|local| local.eq_ignore_ascii_case("postmaster"));
        match &self.postmaster {
            Some(postmaster) if to_postmaster => {
                Ok(store.account(postmaster).await?.map(|account| account.address))
            }
            Some(_) | None => Ok(None),
        }
    }
}
