//! What is at home here: the server's name, its domains and their mailboxes.

use std::sync::Arc;

use guarantee::Cause;
use jiff::Timestamp;
use smtp::{address::Mailbox as Address, reply::Reply};
use store::{NextHop, Store, StoreError};

use crate::{
    lmtp::{Answer, Lmtp},
    srs::Srs,
};

/// What is at home here.
#[derive(Clone, Debug)]
pub struct Local {
    /// The server's name, as it greets and reports.
    pub server_name: String,
    /// Domains whose mailboxes are here, in A-labels.
    pub domains: Vec<String>,
    /// The account that reads mail to `postmaster` of every local domain that has no such account of its own.
    pub postmaster: Option<String>,
    /// The server that has the mailboxes; they are in this server's own store when absent.
    pub lmtp: Option<Arc<Lmtp>>,
    /// Under which reverse-path forwarded mail leaves; under its own when absent.
    pub srs: Option<Srs>,
}

/// Whether an address is a reverse-path under which mail was forwarded from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forwarding {
    /// It is an address like others.
    No,
    /// Of this sender's mail.
    Of(String),
    /// It only looks like one, or was one long ago.
    Unknown,
}

/// Why a local address has no mailbox that takes mail.
#[derive(Debug, thiserror::Error)]
pub enum NoMailbox {
    /// There is none.
    #[error("there is no such mailbox here")]
    Unknown,
    /// There is one, and its server takes no mail for it, now or for good.
    #[error("{0}")]
    Closed(Reply),
    /// The mailboxes' server does not say.
    #[error("mailboxes.lmtp: {}", .0.text())]
    Away(Cause),
    /// The store can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
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

    /// Whether this is a reverse-path of mail that was forwarded from here.
    pub fn forwarding(&self, address: &Address, now: Timestamp) -> Forwarding {
        match self.srs.as_ref().filter(|srs| srs.claims(address)) {
            None => Forwarding::No,
            Some(srs) => srs.original(address, now.into()).map_or(Forwarding::Unknown, Forwarding::Of),
        }
    }

    /// Whether there is a mailbox for this local address, wherever the mailboxes are.
    ///
    /// # Errors
    /// [`NoMailbox`].
    pub async fn takes(&self, store: &dyn Store, address: &str) -> Result<(), NoMailbox> {
        let Some(lmtp) = &self.lmtp else {
            return self.account(store, address).await?.map(|_| ()).ok_or(NoMailbox::Unknown);
        };
        let answer = match (lmtp.ask(address).await, self.postmaster_for(address)) {
            (Answer::Unknown, Some(postmaster)) => lmtp.ask(postmaster).await,
            (answer, _) => answer,
        };
        match answer {
            Answer::Takes => Ok(()),
            Answer::Unknown => Err(NoMailbox::Unknown),
            Answer::Closed(reply) => Err(NoMailbox::Closed(reply)),
            Answer::Away(cause) => Err(NoMailbox::Away(cause)),
        }
    }

    /// The account whose mailbox in this store takes mail to this local address, if there is one.
    pub async fn account(&self, store: &dyn Store, address: &str) -> Result<Option<String>, StoreError> {
        if let Some(account) = store.account(address).await? {
            return Ok(Some(account.address));
        }
        match self.postmaster_for(address) {
            Some(postmaster) => Ok(store.account(postmaster).await?.map(|account| account.address)),
            None => Ok(None),
        }
    }

    /// The address under which the mailboxes' server is given mail for this one: it is asked only where there are two.
    pub async fn filed_for(&self, lmtp: &Lmtp, address: &str) -> String {
        match self.postmaster_for(address) {
            Some(postmaster) if lmtp.ask(address).await == Answer::Unknown => postmaster.to_owned(),
            Some(_) | None => address.to_owned(),
        }
    }

    /// RFC 5321 §4.5.1: postmaster is always somebody.
    fn postmaster_for(&self, address: &str) -> Option<&str> {
        let local_part = address.rsplit_once('@').map_or(address, |(local_part, _)| local_part);
        self.postmaster.as_deref().filter(|_| local_part.eq_ignore_ascii_case("postmaster"))
    }
}
