//! A logged-in user of the HTTP API, in the contract's words.

use std::net::SocketAddr;
use std::time::Instant;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Answer, Events, Http, Imap, Mail, PATIENCE, Report, wait_for};

/// `GET /messages/{id}`.
#[derive(Clone, Debug, Deserialize)]
pub struct MessageStatus {
    /// The queue id.
    pub id: String,
    /// The Message-ID.
    pub message_id: String,
    /// One for each recipient.
    pub recipients: Vec<Recipient>,
}

/// One recipient of a [`MessageStatus`].
#[derive(Clone, Debug, Deserialize)]
pub struct Recipient {
    /// The address.
    pub address: String,
    /// `queued`, `delivered`, `deferred`, `stopped` or `bounced`.
    pub state: String,
    /// `none`, `encrypted`, `authenticated` or `dane`, once known.
    pub protection: Option<String>,
    /// The cause, or the host's reply.
    pub reason: Option<String>,
    /// The cause in a word.
    pub cause: Option<String>,
    /// Enhanced status code.
    pub status: Option<String>,
    /// What had to hold.
    pub requirement: String,
    /// `TLSv1.2` or `TLSv1.3`.
    pub tls: Option<String>,
    /// The cipher suite.
    pub cipher: Option<String>,
    /// The key exchange.
    pub key_exchange: Option<String>,
    /// SHA-256 of the host's certificate.
    pub certificate_sha256: Option<String>,
    /// `dane`, `mta-sts` or `certificate`.
    pub authenticated_by: Option<String>,
    /// The TLSA record, or the name.
    pub authentication: Option<String>,
}

/// One line of `GET /stops`.
#[derive(Clone, Debug, Deserialize)]
pub struct Stop {
    /// The record's id.
    pub id: String,
    /// The message's queue id.
    pub queue_id: String,
    /// The Message-ID.
    pub message_id: String,
    /// Those it was not sent to.
    pub recipients: Vec<StoppedRecipient>,
    /// The message sent in its stead.
    pub replaced_by: Option<String>,
    /// Whether it was stopped for what the user demanded of this one message.
    #[serde(default)]
    pub demanded: bool,
}

/// One recipient of a [`Stop`].
#[derive(Clone, Debug, Deserialize)]
pub struct StoppedRecipient {
    /// The address.
    pub address: String,
    /// The host's name.
    pub host: String,
    /// The cause.
    pub reason: String,
    /// The cause in a word.
    pub cause: String,
    /// The enhanced status code.
    pub status: String,
    /// RFC 3339.
    pub stopped_at: String,
    /// The message sent to this one in its stead.
    pub replaced_by: Option<String>,
}

/// One line of `GET /mailboxes/{name}/messages`.
#[derive(Clone, Debug, Deserialize)]
pub struct ListedMessage {
    /// A number or a word.
    pub id: Value,
    /// The Message-ID.
    pub message_id: Option<String>,
    /// The sender.
    pub from: String,
    /// The recipients.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// RFC 3339.
    pub date: String,
}

impl ListedMessage {
    /// The id as it stands in a path.
    pub fn id(&self) -> String {
        self.id.as_str().map_or_else(|| self.id.to_string(), str::to_owned)
    }
}

/// A user with a session.
pub struct User {
    /// Calls with the user's token.
    pub http: Http,
    /// The user's address.
    pub address: String,
    /// Where the user's mail is, unless the server has it.
    imap: Option<Imap>,
}

impl User {
    /// Logs in.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn log_in(http: &Http, address: &str, password: &str) -> Self {
        let session: Value =
            http.post("/api/v1/session", &json!({"address": address, "password": password})).ok().parse();
        let token = session["token"].as_str().expect("a token");
        assert!(session["expires_at"].as_str().is_some_and(|time| time.ends_with('Z')), "{session}");
        Self { http: http.with_token(token), address: address.to_owned(), imap: None }
    }

    /// A user whose webmail calls with a token of its own, and whose mail is in Dovecot.
    pub(crate) fn of_webmail(http: Http, address: &str, imap: SocketAddr) -> Self {
        Self { http, address: address.to_owned(), imap: Some(Imap::new(imap, address)) }
    }

    /// The user's mailboxes over IMAP.
    ///
    /// # Panics
    /// In the demo, which has none.
    pub fn imap(&self) -> &Imap {
        self.imap.as_ref().expect("a world with IMAP")
    }

    /// Switches the guarantee: `on` or `off`.
    pub fn switch(&self, state: &str) {
        let answer: Value = self.http.put("/api/v1/guarantee", &json!({"state": state})).ok().parse();
        assert_eq!(answer["state"], state);
    }

    /// Pauses the guarantee until this time (RFC 3339).
    pub fn pause(&self, until: &str) -> Answer {
        self.http.put("/api/v1/guarantee", &json!({"state": "paused", "until": until}))
    }

    /// `on`, `off` or `paused`.
    pub fn guarantee(&self) -> Value {
        self.http.get("/api/v1/guarantee").ok().parse()
    }

    /// Submits a whole message and gives its queue id.
    pub fn post(&self, mail: &Mail) -> String {
        self.post_raw(mail.to_string().into_bytes())
    }

    /// Submits these bytes as a message and gives the queue id.
    pub fn post_raw(&self, message: Vec<u8>) -> String {
        let answer: Value =
            self.http.call("POST", "/api/v1/messages", "message/rfc822", message).ok().parse();
        answer["id"].as_str().expect("a queue id").to_owned()
    }

    /// What became of a message so far.
    pub fn message(&self, queue_id: &str) -> MessageStatus {
        self.http.get(&format!("/api/v1/messages/{queue_id}")).ok().parse()
    }

    /// Waits until each recipient has had a first verdict, and gives the verdicts.
    pub fn settled(&self, queue_id: &str) -> MessageStatus {
        self.wait_until(&format!("a verdict for each recipient of {queue_id}"), || {
            let status = self.message(queue_id);
            status.recipients.iter().all(|recipient| recipient.state != "queued").then_some(status)
        })
    }

    /// The recorded stops, newest first.
    pub fn stops(&self) -> Vec<Stop> {
        self.http.get("/api/v1/stops").ok().parse()
    }

    /// The recorded stop of this message, if there is one.
    pub fn stop_of(&self, queue_id: &str) -> Option<Stop> {
        self.stops().into_iter().find(|stop| stop.queue_id == queue_id)
    }

    /// The messages in a mailbox, newest first.
    pub fn list(&self, mailbox: &str) -> Vec<ListedMessage> {
        match &self.imap {
            Some(imap) => imap.list(mailbox),
            None => self.http.get(&format!("/api/v1/mailboxes/{mailbox}/messages")).ok().parse(),
        }
    }

    /// A message of a mailbox, byte for byte.
    pub fn raw(&self, mailbox: &str, id: &str) -> Vec<u8> {
        match &self.imap {
            Some(imap) => imap.raw(mailbox, id),
            None => self.http.get(&format!("/api/v1/mailboxes/{mailbox}/messages/{id}/raw")).ok().body,
        }
    }

    /// The message with this Message-ID in a mailbox, byte for byte, waited for.
    pub fn wait_for_message(&self, mailbox: &str, message_id: &str) -> Vec<u8> {
        let id = self.wait_for_mail(&format!("{message_id} in {mailbox}"), || {
            let mut list = self.list(mailbox).into_iter();
            list.find(|listed| listed.message_id.as_deref() == Some(message_id)).map(|listed| listed.id())
        });
        self.raw(mailbox, &id)
    }

    /// All bounces in the INBOX, newest first.
    pub fn bounces(&self) -> Vec<Report> {
        let list = self.list("INBOX").into_iter();
        list.filter(|listed| listed.subject == Report::SUBJECT)
            .map(|listed| Report::read(&self.raw("INBOX", &listed.id())))
            .collect()
    }

    /// Waits for the bounce of the message with this Message-ID.
    pub fn wait_for_bounce(&self, message_id: &str) -> Report {
        self.wait_for_mail(&format!("the bounce of {message_id}"), || {
            self.bounces().into_iter().find(|bounce| bounce.original_message_id() == message_id)
        })
    }

    /// Looks until `look` finds something in a mailbox. Dovecot's changes are no events of the server's.
    fn wait_for_mail<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        match self.imap {
            Some(_) => wait_for(what, look),
            None => self.wait_until(what, look),
        }
    }

    /// The events from now on.
    pub fn events(&self) -> Events {
        Events::open(&self.http)
    }

    /// Looks, and looks again at each event, until `look` finds something.
    ///
    /// # Panics
    /// When it has not happened within [`PATIENCE`].
    pub fn wait_until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let events = self.events();
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(events.next_before(deadline).is_some(), "{what}: not within {} s", PATIENCE.as_secs());
        }
    }
}
