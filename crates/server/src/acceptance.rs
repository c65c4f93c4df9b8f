//! From a message at the end of DATA (or of a POST) to a durable queue entry.

use std::sync::Arc;

use bytes::Bytes;
use smtp::envelope::{MailFrom, RcptTo};
use store::Store;

use crate::events::Events;

/// The one way into the queue, for SMTP and HTTP alike.
#[derive(Clone)]
pub struct Acceptance {
    #[expect(dead_code, reason = "in the making")]
    store: Arc<dyn Store>,
    #[expect(dead_code, reason = "in the making")]
    events: Events,
}

/// A message of a logged-in account.
pub struct Submission {
    /// The account.
    pub account: String,
    /// The envelope's sender.
    pub mail_from: MailFrom,
    /// The recipients.
    pub recipients: Vec<RcptTo>,
    /// The message as the client sent it.
    pub content: Bytes,
    /// File a copy in the Sent mailbox: the webmail's way.
    pub file_sent_copy: bool,
    /// The stop this message is sent in the stead of.
    pub replaces: Option<String>,
}

/// Why a message was not accepted; nothing of it was kept.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The client's fault: `field` says where, `code` the SMTP reply code, `status` the enhanced one.
    #[error("{text}")]
    Bad {
        /// SMTP reply code.
        code: u16,
        /// Enhanced status code.
        status: &'static str,
        /// The header field or parameter that is wrong.
        field: Option<&'static str>,
        /// What is wrong and the remedy.
        text: String,
    },
    /// Ours: try again later.
    #[error("the message could not be stored")]
    Store(#[from] store::StoreError),
}

impl Acceptance {
    /// Accepts a message for good: when this returns `Ok`, it is on disk. Gives the queue id and Message-ID.
    pub async fn submit(&self, _submission: Submission) -> Result<api::Submitted, Refused> {
        unimplemented!("in the making by the lead")
    }
}
