//! From a message at the end of DATA (or of a POST) to a durable queue entry.

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use bytes::Bytes;
use guarantee::{Origin, Wish};
use jiff::Timestamp;
use rand::Rng;
use smtp::{
    address::Mailbox as Address,
    envelope::{MailFrom, RcptTo, ReversePath},
};
use store::{MailboxMessage, MessageFacts, NewMessage, NewRecipient, NextHop, Store, StoreError};
use tlsrpt::Signer;
use tokio::sync::Notify;

use crate::{
    end_to_end::is_encrypted,
    events::Events,
    headers::Headers,
    listing::{listing, rfc2822},
    local::{Forwarding, Local},
    owner::{Owner, owner_of, without_mark},
    senders::{MaySend, Senders, SendersError},
};

/// `Received` fields above which a message goes round in a circle (RFC 5321 §6.3).
pub const MAX_HOPS: usize = 100;

/// Octets of a message's header; honest ones have a few thousand, and every one of them is read with care.
const MAX_HEADER: usize = 512 << 10;

/// Fields that are for the submitting side only and never leave (RFC 5322 §3.6.3, RFC 5321 §4.4).
const NEVER_SENT: [&str; 3] = ["Bcc", "Resent-Bcc", "Return-Path"];

/// The one way into the queue, for SMTP and HTTP alike.
#[derive(Clone)]
pub struct Acceptance {
    store: Arc<dyn Store>,
    events: Events,
    /// Tells the queue runner that there is work.
    wake: Arc<Notify>,
    local: Arc<Local>,
    /// As whom users may send.
    senders: Senders,
    /// Signs users' mail.
    signer: Option<Arc<Signer>>,
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
    /// The protocol, for the `Received` field: `ESMTPSA` (RFC 3848) or `HTTP`.
    pub with: &'static str,
}

/// A message that another mail server hands in to be sent: its users' mail, and what is nobody's.
pub struct Relayed {
    /// The envelope's sender, whose own the mail is: that server has looked.
    pub mail_from: MailFrom,
    /// The recipients.
    pub recipients: Vec<RcptTo>,
    /// The message as it came.
    pub content: Bytes,
    /// The protocol, for the `Received` field.
    pub with: &'static str,
}

/// Whether we vouch for a message's author.
#[derive(Clone, Copy)]
enum Signing {
    /// With the key of the author's domain, if it is here.
    ByAuthor,
    No,
}

/// A message that comes by another door than submission.
pub struct Arrival {
    /// [`Origin::MailStore`] or [`Origin::Incoming`].
    pub origin: Origin,
    /// The envelope's sender.
    pub mail_from: MailFrom,
    /// The recipients.
    pub recipients: Vec<RcptTo>,
    /// The message as it came.
    pub content: Bytes,
    /// The `from` and `with` clauses of our `Received` field.
    pub trace: Trace,
}

/// How a message came, for its `Received` field (RFC 5321 §4.4).
#[derive(Clone, Debug)]
pub struct Trace {
    /// `HELO-NAME ([ADDRESS])`; none for submissions, whose client and login are nobody's business.
    pub from: Option<String>,
    /// `ESMTP`, `ESMTPS`, `ESMTPSA`, `HTTP` (RFC 3848).
    pub with: &'static str,
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
    Store(#[from] StoreError),
    /// Ours likewise: as whom the user may send can't be looked up.
    #[error("whether you may send under this address can't be checked now; try again in a few minutes")]
    Unchecked(#[source] SendersError),
}

fn bad(code: u16, status: &'static str, field: &'static str, text: String) -> Refused {
    Refused::Bad { code, status, field: Some(field), text }
}

/// Whether two addresses are one account's: without case, as accounts compare.
pub fn same_address(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

impl Acceptance {
    /// An acceptance that wakes the queue runner through `wake`.
    pub fn new(store: Arc<dyn Store>, events: Events, wake: Arc<Notify>, local: Arc<Local>) -> Self {
        let senders = Senders::own(Arc::clone(&store));
        Self { store, events, wake, local, senders, signer: None }
    }

    /// The same, with users who may send under further addresses.
    #[must_use]
    pub fn letting(self, senders: Senders) -> Self {
        Self { senders, ..self }
    }

    /// The same, which signs users' mail (RFC 6376).
    #[must_use]
    pub fn signing(self, signer: Option<Arc<Signer>>) -> Self {
        Self { signer, ..self }
    }

    /// What is at home here.
    pub fn local(&self) -> &Local {
        &self.local
    }

    /// As whom users may send.
    pub fn senders(&self) -> &Senders {
        &self.senders
    }

    /// Accepts a submitted message for good: when this returns `Ok`, it is on disk. Gives the queue id and Message-ID.
    pub async fn submit(&self, submission: Submission) -> Result<api::Submitted, Refused> {
        self.own_sender(&submission.account, &submission.mail_from, &read_headers(&submission.content)?)
            .await?;
        self.send(submission, Signing::ByAuthor).await
    }

    /// Accepts a message of another mail server, likewise: that of an account as if the account had submitted it, except
    /// that the other server has looked whose the sender is; any other as from the mail store. Gives the queue id.
    pub async fn relay(&self, relayed: Relayed) -> Result<String, Refused> {
        let Relayed { mail_from, recipients, content, with } = relayed;
        let owner = match &mail_from.reverse_path {
            ReversePath::Null => None,
            ReversePath::Address(address) => owner_of(&*self.store, &self.senders, address, Timestamp::now())
                .await
                .map_err(Refused::Unchecked)?,
        };
        let Some(Owner { account, .. }) = owner else {
            let trace = Trace { from: None, with };
            let origin = Origin::MailStore;
            return self.arrive(Arrival { origin, mail_from, recipients, content, trace }).await;
        };
        let signing = self.may_vouch(&account, &read_headers(&content)?).await;
        let (file_sent_copy, replaces) = (false, None);
        let submission =
            Submission { account, mail_from, recipients, content, file_sent_copy, replaces, with };
        Ok(self.send(submission, signing).await?.id)
    }

    /// The other server has looked at the envelope only: what From says is vouched for if the account may say so.
    async fn may_vouch(&self, account: &str, headers: &Headers<'_>) -> Signing {
        let authors = headers.addresses("From").unwrap_or_default();
        let own: Vec<_> = authors.iter().map(|author| without_mark(author)).collect();
        match self.senders.may_send(account, own.iter().map(Cow::as_ref)).await {
            Ok(MaySend::Yes) => Signing::ByAuthor,
            Ok(MaySend::NotAs(_) | MaySend::TooMany(_)) => Signing::No,
            Err(error) => {
                tracing::warn!(%error, "a mail is not signed: whether its author is its sender can't be looked up");
                Signing::No
            }
        }
    }

    /// Takes an account's message on, whose sender has been looked at.
    async fn send(&self, submission: Submission, signing: Signing) -> Result<api::Submitted, Refused> {
        let now = Timestamp::now();
        let queue_id = new_queue_id();
        let Submission { account, mail_from, recipients, content, file_sent_copy, replaces, with } =
            submission;
        let headers = read_headers(&content)?;
        let Identified { message_id, added, dropped } = self.missing_fields(&headers, now)?;
        let received = self.received(&queue_id, &Trace { from: None, with }, now);
        let outgoing =
            headers.rewritten(&[received, added.clone()].concat(), &[&NEVER_SENT, dropped].concat());
        let outgoing = match signing {
            Signing::ByAuthor => self.signed(outgoing, &headers, now),
            Signing::No => outgoing,
        };
        let wish = wish(&mail_from, &headers);
        let recipients = self.recipients(recipients, &mail_from.reverse_path, now)?;
        let sent_copy = file_sent_copy.then(|| {
            let raw = headers.rewritten(&added, dropped);
            MailboxMessage { listing: listing(&raw), raw: raw.into() }
        });
        let filed = sent_copy.is_some();
        let message = NewMessage {
            facts: MessageFacts {
                queue_id: queue_id.clone(),
                origin: Origin::Submission,
                account: Some(account.clone()),
                reverse_path: mail_from.reverse_path,
                ret: mail_from.ret,
                envid: mail_from.envid,
                smtputf8: mail_from.smtputf8,
                eight_bit: !outgoing.is_ascii(),
                wish,
                accepted_at: now,
            },
            message_id: Some(message_id.clone()),
            subject: listing(&outgoing).subject,
            recipients,
            content: outgoing.into(),
            end_to_end: is_encrypted(&content),
            sent_copy,
            replaces,
        };
        self.store.accept(message).await?;
        self.wake.notify_one();
        if filed {
            self.events.publish(&account, api::Event::Mailbox { name: "Sent".to_owned() });
        }
        Ok(api::Submitted { id: queue_id, message_id })
    }

    /// With a signature of the domain in From, if there is a key for it: readers judge by that domain (RFC 7489 §3.1.1),
    /// which with an alias is not always the account's. A message that can't be signed leaves as it is.
    fn signed(&self, message: Vec<u8>, headers: &Headers<'_>, now: Timestamp) -> Vec<u8> {
        let authors = headers.addresses("From").unwrap_or_default();
        let of_an_author = |signer: &&Arc<Signer>| {
            let mut domains = authors.iter().filter_map(|address| address.rsplit('@').next());
            domains.any(|domain| signer.domain().eq_ignore_ascii_case(domain))
        };
        let Some(signer) = self.signer.as_ref().filter(of_an_author) else { return message };
        match signer.sign(&message, now) {
            Ok(field) => [field, message].concat(),
            Err(error) => {
                tracing::warn!(%error, "a mail is not signed");
                message
            }
        }
    }

    /// No sending under an address that is not the user's: MAIL FROM, From and Sender (RFC 6409 §6.1). The null
    /// reverse-path is allowed.
    async fn own_sender(
        &self,
        account: &str,
        mail_from: &MailFrom,
        headers: &Headers<'_>,
    ) -> Result<(), Refused> {
        let reverse_path = Some(mail_from.reverse_path.as_str()).filter(|path| !path.is_empty());
        let mut fields = vec![("MAIL FROM", reverse_path.map(str::to_owned).into_iter().collect())];
        for name in ["From", "Sender"] {
            fields.push((name, authors(headers, name)?));
        }
        for (field, addresses) in fields {
            let addresses = addresses.iter().map(String::as_str);
            let text = match self.senders.may_send(account, addresses).await.map_err(Refused::Unchecked)? {
                MaySend::Yes => continue,
                MaySend::NotAs(foreign) => {
                    format!("you are logged in as {account} and cannot send as {foreign} ({field})")
                }
                MaySend::TooMany(most) => format!("{field} has more than {most} addresses"),
            };
            return Err(bad(550, "5.7.1", field, text));
        }
        Ok(())
    }

    /// Accepts a message from the mail store or from outside, likewise; gives the queue id.
    pub async fn arrive(&self, arrival: Arrival) -> Result<String, Refused> {
        let now = Timestamp::now();
        let queue_id = new_queue_id();
        let Arrival { origin, mail_from, recipients, content, trace } = arrival;
        let headers = read_headers(&content)?;
        let received = self.received(&queue_id, &trace, now);
        let content = headers.rewritten(&received, &["Return-Path"]);
        let listing = listing(&content);
        let recipients = self.recipients(recipients, &mail_from.reverse_path, now)?;
        let reverse_path = match origin {
            Origin::MailStore => self.forwarding_path(mail_from.reverse_path, &recipients, now),
            Origin::Submission | Origin::Incoming | Origin::Report => mail_from.reverse_path,
        };
        let message = NewMessage {
            facts: MessageFacts {
                queue_id: queue_id.clone(),
                origin,
                account: None,
                reverse_path,
                ret: mail_from.ret,
                envid: mail_from.envid,
                smtputf8: mail_from.smtputf8,
                eight_bit: !content.is_ascii(),
                wish: if mail_from.requiretls { Wish::RequireTls } else { Wish::None },
                accepted_at: now,
            },
            message_id: listing.message_id,
            subject: listing.subject,
            recipients,
            content: content.into(),
            end_to_end: false,
            sent_copy: None,
            replaces: None,
        };
        self.store.accept(message).await?;
        self.wake.notify_one();
        Ok(queue_id)
    }

    /// The reverse-path under which forwarded mail leaves: the next server judges it by its domain.
    fn forwarding_path(
        &self,
        reverse_path: ReversePath,
        recipients: &[NewRecipient],
        now: Timestamp,
    ) -> ReversePath {
        let (Some(srs), ReversePath::Address(address)) = (&self.local.srs, &reverse_path) else {
            return reverse_path;
        };
        let leaves = recipients.iter().any(|recipient| recipient.next_hop != NextHop::Local);
        let Ok(sender) = Address::parse(address) else { return reverse_path };
        if !leaves || self.local.next_hop(sender.domain().as_str()) == NextHop::Local {
            return reverse_path;
        }
        srs.rewrite(&sender, now.into()).map_or(reverse_path, ReversePath::Address)
    }

    /// Each recipient once: whoever is named twice gets one copy.
    fn recipients(
        &self,
        recipients: Vec<RcptTo>,
        reverse_path: &ReversePath,
        now: Timestamp,
    ) -> Result<Vec<NewRecipient>, Refused> {
        let mut seen = HashSet::new();
        let each: Result<Vec<NewRecipient>, Refused> = recipients
            .into_iter()
            .map(|rcpt| {
                // `postmaster` without a domain is this server's (RFC 5321 §4.5.1).
                let address = match (rcpt.address.contains('@'), self.local.domains.first()) {
                    (false, Some(domain)) => format!("{}@{domain}", rcpt.address),
                    (true, _) | (false, None) => rcpt.address,
                };
                let parse = |address: &str| {
                    Address::parse(address)
                        .map_err(|error| bad(553, "5.1.3", "recipient", format!("{address}: {error}")))
                };
                let mut parsed = parse(&address)?;
                let mut address = address;
                // What is told about forwarded mail goes on to whoever sent it; anything else finds no mailbox.
                if let (ReversePath::Null, Forwarding::Of(sender)) =
                    (reverse_path, self.local.forwarding(&parsed, now))
                {
                    parsed = parse(&sender)?;
                    address = sender;
                }
                let next_hop = self.local.next_hop(parsed.domain().as_str());
                Ok(NewRecipient { address, next_hop, notify: rcpt.notify, orcpt: rcpt.orcpt })
            })
            .collect();
        let mut each = each?;
        each.retain(|one| seen.insert(mailbox_of(one)));
        Ok(each)
    }

    /// RFC 6409 §8: a submission server may add what is missing.
    fn missing_fields(&self, headers: &Headers<'_>, now: Timestamp) -> Result<Identified, Refused> {
        let mut added = String::new();
        if headers.count("Date") == 0 {
            added.push_str(&format!("Date: {}\r\n", rfc2822(now)));
        }
        let given = headers.text("Message-ID").filter(|field| !field.is_empty());
        let message_id = given.as_deref().map(|field| {
            let wrong = || format!("the Message-ID field is not of the form <left@right>: {field:?}");
            message_id_in(field).ok_or_else(|| bad(550, "5.6.0", "Message-ID", wrong()))
        });
        match message_id.transpose()? {
            Some(message_id) => Ok(Identified { message_id, added: added.into_bytes(), dropped: &[] }),
            None => {
                let message_id = new_message_id(&self.local.server_name);
                added.push_str(&format!("Message-ID: <{message_id}>\r\n"));
                Ok(Identified { message_id, added: added.into_bytes(), dropped: &["Message-ID"] })
            }
        }
    }

    fn received(&self, queue_id: &str, trace: &Trace, now: Timestamp) -> Vec<u8> {
        let from = trace.from.as_ref().map(|from| format!("from {from}\r\n\t")).unwrap_or_default();
        let Local { server_name, .. } = &*self.local;
        let with = trace.with;
        format!("Received: {from}by {server_name} with {with} id {queue_id};\r\n\t{}\r\n", rfc2822(now))
            .into_bytes()
    }
}

/// What two addresses of one mailbox have in common: elsewhere, `Bob` and `bob` may be two people (RFC 5321 §2.4).
fn mailbox_of(recipient: &NewRecipient) -> String {
    match (&recipient.next_hop, recipient.address.rsplit_once('@')) {
        (NextHop::Domain(_), Some((local, domain))) => format!("{local}@{}", domain.to_ascii_lowercase()),
        (NextHop::Domain(_) | NextHop::Local, _) => recipient.address.to_ascii_lowercase(),
    }
}

/// A message's Message-ID in force, and what makes its header complete.
struct Identified {
    message_id: String,
    /// Fields to go before the others.
    added: Vec<u8>,
    /// An empty field that one of the added ones takes the place of.
    dropped: &'static [&'static str],
}

fn read_headers(content: &[u8]) -> Result<Headers<'_>, Refused> {
    let headers = Headers::read(content).map_err(|malformed| {
        bad(
            550,
            "5.6.0",
            "header",
            format!("{malformed}: the header ends with an empty line, and each field is \"Name: value\""),
        )
    })?;
    if headers.size() > MAX_HEADER {
        let text = format!("the header has {} octets and {MAX_HEADER} are allowed", headers.size());
        return Err(bad(552, "5.3.4", "header", text));
    }
    let hops = headers.count("Received");
    if hops > MAX_HOPS {
        let text = format!("{hops} Received fields: this message is going round in a loop");
        return Err(bad(554, "5.4.6", "Received", text));
    }
    Ok(headers)
}

/// The addresses in From, which must be there, or in Sender.
fn authors(headers: &Headers<'_>, name: &'static str) -> Result<Vec<String>, Refused> {
    let addresses = headers.addresses(name).unwrap_or_default();
    let text = match headers.count(name) {
        0 if name == "From" => "the message has no From field: add one with your address".to_owned(),
        0 => return Ok(addresses),
        1 if addresses.is_empty() => format!("the {name} field has no address"),
        1 => return Ok(addresses),
        _ => format!("the message has more than one {name} field: keep one"),
    };
    Err(bad(550, "5.6.0", name, text))
}

/// RFC 8689 §4.1: REQUIRETLS goes before the header.
fn wish(mail_from: &MailFrom, headers: &Headers<'_>) -> Wish {
    match (mail_from.requiretls, tls_required_no(headers)) {
        (true, _) => Wish::RequireTls,
        (false, true) => Wish::TlsOptional,
        (false, false) => Wish::None,
    }
}

/// RFC 8689 §3: exactly one instance with the value `No`; ours besides: not on a message that is resent.
fn tls_required_no(headers: &Headers<'_>) -> bool {
    headers.count("TLS-Required") == 1
        && headers.text("TLS-Required").is_some_and(|value| value.eq_ignore_ascii_case("No"))
        && !headers.any_starts_with("Resent-")
}

/// The id without its brackets; a bare one is understood, as readers of mail do.
fn message_id_in(field: &str) -> Option<String> {
    let id = match field.strip_prefix('<') {
        Some(rest) => rest.split('>').next()?,
        None => field,
    };
    let sane =
        !id.is_empty() && id.len() <= 998 && id.bytes().all(|byte| byte.is_ascii_graphic() || byte >= 0x80);
    sane.then(|| id.to_owned())
}

/// A new queue id: 60 random bits in letters and digits that can't be confused.
pub fn new_queue_id() -> String {
    random_word(12)
}

/// A new Message-ID without `<>`.
pub fn new_message_id(server_name: &str) -> String {
    format!("{}@{server_name}", random_word(26))
}

fn random_word(length: usize) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut rng = rand::rng();
    (0..length).map(|_| char::from(ALPHABET[usize::from(rng.random::<u8>() & 31)])).collect()
}
