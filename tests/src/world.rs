//! What the two worlds have in common: the demo, and a provider's machine with Roundcube, Dovecot and Postfix.

use std::net::SocketAddr;

use serde::Deserialize;

use crate::{Http, PASSWORD, Smtp, User, wait_for};

/// What a host of the small internet received, as `GET /demo/deliveries` tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct Delivery {
    /// The recipient's domain.
    pub domain: String,
    /// The host that took it.
    pub host: String,
    /// The reverse-path, empty for `<>`.
    pub mail_from: String,
    /// The recipients of the transaction.
    pub rcpt_to: Vec<String>,
    /// The Message-ID.
    pub message_id: Option<String>,
    /// `TLSv1.2`, `TLSv1.3`, or none.
    pub tls: Option<String>,
    /// RFC 3339.
    pub received_at: String,
}

/// Who lets users in, and who has their mail.
pub(crate) enum Mailboxes {
    /// The server itself: a log-in by password at its API, mail through it.
    Own,
    /// Dovecot, at this IMAP address; the webmail's plugin signs tokens with this key.
    Dovecot { imap: SocketAddr, key: crate::token::Key },
}

/// Where a running world is reached. [`Demo`](crate::Demo) is one.
pub struct World {
    pub(crate) web: String,
    pub(crate) domain: &'static str,
    pub(crate) name: &'static str,
    pub(crate) http: SocketAddr,
    pub(crate) mx: SocketAddr,
    pub(crate) submission: SocketAddr,
    pub(crate) submissions: SocketAddr,
    pub(crate) mailboxes: Mailboxes,
}

impl World {
    /// The webmail's address for a browser, with a `/` at its end.
    pub fn web(&self) -> &str {
        &self.web
    }

    /// The users' domain.
    pub fn domain(&self) -> &str {
        self.domain
    }

    /// The server's own name, as it stands in its reports.
    pub fn name(&self) -> &str {
        self.name
    }

    /// Where mail for the users comes in from outside.
    pub fn mx(&self) -> SocketAddr {
        self.mx
    }

    /// The server's HTTP.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Submission with STARTTLS.
    pub fn submission(&self) -> SocketAddr {
        self.submission
    }

    /// Submission with implicit TLS.
    pub fn submissions(&self) -> SocketAddr {
        self.submissions
    }

    /// HTTP without a log-in.
    pub fn anonymous(&self) -> Http {
        Http::new(self.http)
    }

    /// A user of this world, logged in at the API and at their mailboxes.
    pub fn user(&self, address: &str) -> User {
        match &self.mailboxes {
            Mailboxes::Own => User::log_in(&self.anonymous(), address, PASSWORD),
            Mailboxes::Dovecot { imap, key } => {
                User::of_webmail(self.anonymous().with_token(&key.token(address)), address, *imap)
            }
        }
    }

    /// `alice@` the users' domain.
    pub fn alice(&self) -> User {
        self.user(&format!("alice@{}", self.domain))
    }

    /// `bob@` the users' domain.
    pub fn bob(&self) -> User {
        self.user(&format!("bob@{}", self.domain))
    }

    /// A submission session with STARTTLS, logged in.
    pub fn submit_as(&self, address: &str) -> Smtp {
        Smtp::connect(self.submission).logged_in(address)
    }

    /// All that the small internet received, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.anonymous().get("/demo/deliveries").ok().parse()
    }

    /// What the hosts of `domain` received of this message so far.
    pub fn deliveries_of(&self, message_id: &str, domain: &str) -> Vec<Delivery> {
        let mut deliveries = self.deliveries();
        deliveries
            .retain(|d| d.domain == domain && d.message_id.as_deref().map(bare) == Some(bare(message_id)));
        deliveries
    }

    /// Waits until a host of `domain` received this message.
    pub fn wait_for_delivery(&self, message_id: &str, domain: &str) -> Delivery {
        wait_for(&format!("the delivery of {message_id} to {domain}"), || {
            self.deliveries_of(message_id, domain).into_iter().next()
        })
    }
}

/// A Message-ID without `<>`.
fn bare(message_id: &str) -> &str {
    message_id.trim_matches(['<', '>'])
}
