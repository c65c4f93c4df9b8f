//! The server side of SMTP: submission, incoming mail, and the trusted entries of mail store and mail server.
//!
//! A driver owns the socket and asks the session what to do:
//!
//! ```text
//! session.greeting();
//! loop {
//!     while let Some(event) = session.next_event() { /* do it, answer it */ }
//!     if session.waiting() == Waiting::Closed { break }
//!     session.feed(&bytes_from_the_client);
//! }
//! ```
//!
//! The session works on only when it is asked for the next event, so an answer always comes before what the
//! client sent next, and a driver that reads only when there are no more events holds the client back.

mod auth;
mod body;
mod dispatch;
mod dots;
mod event;
mod line;

use std::collections::VecDeque;
use std::sync::Arc;

pub use event::{AuthResult, Dropped, Event, Login, Mechanism, Proof, Secret, TlsInfo, Waiting};

use crate::content::ContentScan;
use crate::envelope::{Envelope, MailFrom, RcptTo};
use crate::limits::Limits;
use crate::reply::Reply;
use dots::DotReader;
use line::LineReader;

/// Replies that may wait to be sent together (RFC 2920 §3.2) until they reach this size.
const OUTPUT_BATCH: usize = 4096;

/// Whom a session serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Users' programs (RFC 6409): TLS, then a login, before any mail.
    Submission,
    /// Other mail servers with mail for local domains; the driver refuses to relay.
    Mx,
    /// The mail store, whose identity the driver has checked: no login, no STARTTLS needed.
    Store,
    /// Another mail server that hands in what it would send out, its identity checked by the driver: no login, no
    /// STARTTLS needed.
    Relay,
}

/// Whether STARTTLS is offered while a connection is in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartTls {
    /// In EHLO.
    Offered,
    /// There is no certificate for it.
    NotOffered,
}

/// What all sessions of one listener share.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whom it serves.
    pub role: Role,
    /// Our name in greeting and EHLO: a host name in ASCII.
    pub hostname: String,
    /// The domain of a bare `RCPT TO:<Postmaster>` (RFC 5321 §4.5.1).
    pub postmaster_domain: String,
    /// Whether STARTTLS is offered.
    pub starttls: StartTls,
    /// How users may log in, in the order in which EHLO says it; only [`Role::Submission`] asks for a login.
    pub mechanisms: Vec<Mechanism>,
    /// What one client may ask.
    pub limits: Limits,
}

/// One client's dialogue.
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    tls: Option<TlsInfo>,
    client: Option<Client>,
    user: Option<String>,
    mode: Mode,
    transaction: Transaction,
    line: LineReader,
    input: Input,
    output: Vec<u8>,
    flush: bool,
    events: VecDeque<Event>,
    counts: Counts,
    smtputf8: bool,
}

/// How the client presented itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Client {
    name: String,
    hello: Hello,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hello {
    Helo,
    Ehlo,
}

/// What the next octets are, or whose turn it is.
#[derive(Debug)]
enum Mode {
    Command,
    Auth(auth::Exchange),
    Data(DotReader),
    Chunk(body::Chunk),
    /// The message has ended; its last octets are with the driver.
    MessageComplete,
    Handshake,
    AuthResult,
    MailResult(MailFrom),
    RcptResult(RcptTo),
    MessageResult,
    Closed,
}

/// How far the transaction is.
#[derive(Debug)]
enum Transaction {
    None,
    /// MAIL was accepted.
    Open(Envelope),
    /// The message has started.
    Body(ContentScan),
}

#[derive(Debug, Default)]
struct Counts {
    errors: usize,
    refused_recipients: usize,
    idle_commands: usize,
    unauthenticated_commands: usize,
    failed_logins: usize,
}

/// What was fed and not yet read.
#[derive(Debug, Default)]
struct Input {
    octets: Vec<u8>,
    start: usize,
}

impl Input {
    fn rest(&self) -> &[u8] {
        &self.octets[self.start..]
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start == self.octets.len() {
            self.octets.clear();
            self.start = 0;
        }
    }

    fn append(&mut self, octets: &[u8]) {
        self.octets.drain(..self.start);
        self.start = 0;
        self.octets.extend_from_slice(octets);
    }

    /// Throws everything away and says how much it was.
    fn discard(&mut self) -> usize {
        let count = self.rest().len();
        *self = Self::default();
        count
    }
}

impl Session {
    /// A session on a fresh connection; `tls` if that began with a handshake (RFC 8314 §3).
    pub fn new(config: Arc<Config>, tls: Option<TlsInfo>) -> Self {
        Self {
            config,
            tls,
            client: None,
            user: None,
            mode: Mode::Command,
            transaction: Transaction::None,
            line: LineReader::default(),
            input: Input::default(),
            output: Vec::new(),
            flush: false,
            events: VecDeque::new(),
            counts: Counts::default(),
            smtputf8: false,
        }
    }

    /// Greets the client. Call it once, first.
    pub fn greeting(&mut self) {
        let greeting = format!("{} ESMTP ready", self.config.hostname);
        self.reply(&Reply::bare(220, vec![greeting]));
        self.flush = true;
    }

    /// Instead of [`greeting`](Self::greeting): `421 4.7.0`, and the end.
    pub fn refuse_connection(&mut self) {
        self.hang_up(&Reply::new(421, (4, 7, 0), "Too many connections; try again later"));
    }

    /// Takes bytes from the client, as decrypted. Best when [`waiting`](Self::waiting) says [`Waiting::Input`]:
    /// what is fed earlier is kept without bound.
    pub fn feed(&mut self, octets: &[u8]) {
        match self.mode {
            // RFC 3207 §4.2: nothing said in clear survives the switch. The driver reads the handshake itself.
            Mode::Handshake | Mode::Closed => {}
            _ => self.input.append(octets),
        }
    }

    /// The next thing to do; nothing when the session waits.
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            if self.flush || self.output.len() > OUTPUT_BATCH {
                self.flush = false;
                if let Some(send) = self.take_output() {
                    return Some(send);
                }
            }
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if !self.step() {
                // RFC 2920 §3.2 (7): nothing is held back once the input is used up.
                return self.take_output();
            }
        }
    }

    /// What the session waits for once there are no more events.
    pub fn waiting(&self) -> Waiting {
        match self.mode {
            Mode::Handshake => Waiting::Handshake,
            Mode::AuthResult => Waiting::AuthResult,
            Mode::MailResult(_) => Waiting::MailResult,
            Mode::RcptResult(_) => Waiting::RcptResult,
            Mode::MessageResult => Waiting::MessageResult,
            Mode::Closed => Waiting::Closed,
            Mode::Command | Mode::Auth(_) | Mode::Data(_) | Mode::Chunk(_) | Mode::MessageComplete => {
                Waiting::Input
            }
        }
    }

    /// The handshake after [`Event::StartTls`] succeeded: everything learnt in clear is forgotten (RFC 3207 §4.2).
    pub fn tls_established(&mut self, tls: TlsInfo) {
        if matches!(self.mode, Mode::Handshake) {
            self.tls = Some(tls);
            self.client = None;
            self.mode = Mode::Command;
        }
    }

    /// Answers [`Event::MailFrom`]: accepted, or refused with this reply.
    ///
    /// # Errors
    /// None; the `Err` is the driver's refusal.
    pub fn mail_result(&mut self, result: Result<(), Reply>) {
        match std::mem::replace(&mut self.mode, Mode::Command) {
            Mode::MailResult(mail) => match result {
                Ok(()) => {
                    self.transaction = Transaction::Open(Envelope { mail, recipients: Vec::new() });
                    self.reply(&Reply::new(250, (2, 1, 0), "Sender ok"));
                }
                Err(reply) => self.reply(&reply),
            },
            other => self.mode = other,
        }
    }

    /// Answers [`Event::RcptTo`]: accepted, or refused with this reply.
    pub fn rcpt_result(&mut self, result: Result<(), Reply>) {
        match std::mem::replace(&mut self.mode, Mode::Command) {
            Mode::RcptResult(recipient) => match (result, &mut self.transaction) {
                (Ok(()), Transaction::Open(envelope)) => {
                    envelope.recipients.push(recipient);
                    self.reply(&Reply::new(250, (2, 1, 5), "Recipient ok"));
                }
                (Ok(()), _) => {}
                (Err(reply), _) => self.recipient_refused(&reply),
            },
            other => self.mode = other,
        }
    }

    /// The message that comes can't be kept: the rest is passed over and this is the reply at its end.
    pub fn refuse_message(&mut self, reply: Reply) {
        if let Transaction::Body(content) = &mut self.transaction {
            content.refuse(reply);
        }
    }

    /// Answers [`Event::MessageEnd`]. A positive reply means that the message is kept for good.
    pub fn message_result(&mut self, reply: &Reply) {
        if matches!(self.mode, Mode::MessageResult) {
            if reply.is_positive() {
                self.counts.idle_commands = 0;
            }
            self.transaction = Transaction::None;
            self.mode = Mode::Command;
            self.reply(reply);
            self.flush = true;
        }
    }

    /// The client was silent for too long (RFC 5321 §4.5.3.2.7: five minutes or more): `421 4.4.2`, and the end.
    pub fn idle_timeout(&mut self) {
        // Whoever types LF only would otherwise never learn why nothing happens.
        let hint = if self.line.is_within_line() { "; a command ends with CRLF" } else { "" };
        self.hang_up(&Reply::new(421, (4, 4, 2), format!("Nothing came for too long{hint}")));
    }

    /// The server stops: `421 4.3.2`, and the end.
    pub fn shutdown(&mut self) {
        self.hang_up(&Reply::new(421, (4, 3, 2), "The server is stopping; try again soon"));
    }

    /// The client has closed the connection.
    pub fn peer_closed(&mut self) {
        if !matches!(self.mode, Mode::Closed) {
            self.drop_transaction();
            self.output.clear();
            self.mode = Mode::Closed;
            self.events.push_back(Event::Close);
        }
    }

    /// The name that EHLO or HELO gave; harmless in a header, and unproven.
    pub fn client_name(&self) -> Option<&str> {
        self.client.as_ref().map(|client| client.name.as_str())
    }

    /// Who has logged in.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// What protects the connection.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_ref()
    }

    /// The `with` keyword of a Received field for the current message (RFC 3848, RFC 6531 §4.3).
    pub fn with_protocol(&self) -> &'static str {
        let esmtp = self.client.as_ref().is_some_and(|client| client.hello == Hello::Ehlo);
        match (esmtp, self.smtputf8, self.tls.is_some(), self.user.is_some()) {
            (false, _, _, _) => "SMTP",
            (true, false, false, false) => "ESMTP",
            (true, false, false, true) => "ESMTPA",
            (true, false, true, false) => "ESMTPS",
            (true, false, true, true) => "ESMTPSA",
            (true, true, false, false) => "UTF8SMTP",
            (true, true, false, true) => "UTF8SMTPA",
            (true, true, true, false) => "UTF8SMTPS",
            (true, true, true, true) => "UTF8SMTPSA",
        }
    }

    /// Does the next bit of work; false when there is none.
    fn step(&mut self) -> bool {
        match &self.mode {
            Mode::Command | Mode::Auth(_) => self.read_line(),
            Mode::Data(_) => self.read_data(),
            Mode::Chunk(_) => self.read_chunk(),
            Mode::MessageComplete => self.finish_message(),
            Mode::Handshake
            | Mode::AuthResult
            | Mode::MailResult(_)
            | Mode::RcptResult(_)
            | Mode::MessageResult
            | Mode::Closed => false,
        }
    }

    fn take_output(&mut self) -> Option<Event> {
        (!self.output.is_empty()).then(|| Event::Send(std::mem::take(&mut self.output)))
    }

    fn reply(&mut self, reply: &Reply) {
        self.output.extend(reply.to_wire());
    }

    /// Refuses a command; who goes on making mistakes is sent away.
    fn refuse(&mut self, reply: &Reply) {
        self.counts.errors += 1;
        if self.counts.errors > self.config.limits.errors {
            self.hang_up(&Reply::new(421, (4, 7, 0), "Too many errors"));
        } else {
            self.reply(reply);
        }
    }

    fn recipient_refused(&mut self, reply: &Reply) {
        self.counts.refused_recipients += 1;
        if self.counts.refused_recipients > self.config.limits.refused_recipients {
            self.hang_up(&Reply::new(421, (4, 7, 0), "Too many refused recipients"));
        } else {
            self.reply(reply);
        }
    }

    /// The last reply, and the end. What was begun is dropped.
    fn hang_up(&mut self, reply: &Reply) {
        if !matches!(self.mode, Mode::Closed) {
            self.drop_transaction();
            self.reply(reply);
            self.close();
        }
    }

    fn close(&mut self) {
        self.flush = true;
        self.mode = Mode::Closed;
        self.input.discard();
        self.events.push_back(Event::Close);
    }

    /// Ends the transaction, and tells the driver if a message had started.
    fn drop_transaction(&mut self) {
        if let Transaction::Body(content) = std::mem::replace(&mut self.transaction, Transaction::None) {
            let dropped = content.refusal().cloned().map_or(Dropped::Abandoned, Dropped::Refused);
            self.events.push_back(Event::MessageDropped(dropped));
        }
    }
}
