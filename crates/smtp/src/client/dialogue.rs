//! A connection from greeting to QUIT.

use std::collections::VecDeque;

use guarantee::{Protection, Starttls};

use super::transaction::{Connection, Loss, Outcome, RecipientOutcome, Running, Transaction, Want};
use super::{Capabilities, DotWriter, Extension, ReplyReader, Stage};
use crate::reply::{Class, Reply};

/// Whether to try TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsWish {
    /// STARTTLS whenever it is offered (P1).
    IfOffered,
    /// Not on this connection: a handshake with this host has failed and nothing requires one.
    Never,
}

/// What the driver is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write these bytes within [`Stage::timeout`]; if that fails, call [`Dialogue::lost`].
    Send {
        /// The bytes.
        octets: Vec<u8>,
        /// What they are.
        stage: Stage,
    },
    /// Read within [`Stage::timeout`], then [`Dialogue::feed`], or [`Dialogue::lost`].
    Receive(Stage),
    /// Do the TLS handshake, then call [`Dialogue::tls_established`]; if it fails, drop the connection.
    Handshake,
    /// Give the next piece of the message: [`Dialogue::content`] or, after the last, [`Dialogue::end_content`].
    Content,
    /// Something is settled.
    Report(Report),
    /// Nothing: [`Dialogue::begin`] or [`Dialogue::quit`], or drop the connection if it is over.
    Idle,
}

/// What is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Greeted, without TLS. Judge, then begin a transaction or quit.
    InClear(WithoutTls),
    /// Greeted, and again after the handshake (RFC 3207 §4.2). Judge, then begin a transaction or quit.
    Secured,
    /// The transaction is over.
    Finished(Outcome),
    /// There is no getting on with this server on this connection, and no mail was sent. Where the server refused us,
    /// QUIT was said. Drop it.
    Failed(Failure),
    /// QUIT was said. Drop the connection.
    Quit,
}

/// Why there is no TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WithoutTls {
    /// EHLO did not offer it, or only HELO was understood.
    NotOffered,
    /// STARTTLS was refused.
    Refused(Reply),
    /// [`TlsWish::Never`].
    NotTried,
}

impl WithoutTls {
    /// What it is to `guarantee::judge`; nothing if TLS was not tried, since that was judged before.
    pub fn observation(&self) -> Option<Starttls> {
        match self {
            Self::NotOffered => Some(Starttls::NotOffered),
            Self::Refused(reply) => Some(Starttls::Refused {
                transient: reply.class() != Class::Permanent,
                reply: reply.to_string(),
            }),
            Self::NotTried => None,
        }
    }
}

/// Why a connection came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The server refused us, or takes its leave: [`Reply::class`] tells whether for good.
    #[error("the server refused {}: {reply}", stage.command())]
    Refused {
        /// What the reply was to.
        stage: Stage,
        /// The server's words.
        reply: Reply,
    },
    /// There was no reply.
    #[error("{loss} (after {})", stage.command())]
    Lost {
        /// What was said last.
        stage: Stage,
        /// Why there is no reply.
        loss: Loss,
    },
    /// Bytes in clear behind the `220` to STARTTLS: somebody on the way put them there (CVE-2011-0411, RFC 3207 §6).
    #[error("the server's reply to STARTTLS was followed by more in clear: possibly an attack")]
    Injected,
}

/// A transaction was not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotBegun {
    /// The connection is not greeted, busy or over.
    #[error("the connection is not ready for a transaction")]
    NotReady,
    /// The clearance is for a connection with TLS, and this one has none.
    #[error("the clearance is for an encrypted connection and this one is in clear")]
    NotSecured,
}

/// A client's side of one connection.
#[derive(Debug)]
pub struct Dialogue {
    name: String,
    protocol: Protocol,
    wish: TlsWish,
    state: State,
    secured: Secured,
    capabilities: Capabilities,
    reader: ReplyReader,
    input: Vec<u8>,
    actions: VecDeque<Action>,
    dots: DotWriter,
    needs_reset: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Smtp,
    Lmtp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Secured {
    No,
    Yes,
}

#[derive(Debug)]
enum State {
    Awaiting(Stage),
    /// QUIT was said; then this is settled.
    Leaving(Report),
    Handshake,
    Ready,
    Transaction(Running),
    Over,
}

impl Dialogue {
    /// A dialogue on a fresh connection. `name` is our host name in ASCII, for EHLO.
    pub fn new(name: impl Into<String>, wish: TlsWish) -> Self {
        Self::speaking(Protocol::Smtp, name.into(), wish)
    }

    /// A dialogue with an LMTP server, where nothing is encrypted.
    pub(super) fn lmtp(name: String) -> Self {
        Self::speaking(Protocol::Lmtp, name, TlsWish::Never)
    }

    fn speaking(protocol: Protocol, name: String, wish: TlsWish) -> Self {
        Self {
            name,
            protocol,
            wish,
            state: State::Awaiting(Stage::Greeting),
            secured: Secured::No,
            capabilities: Capabilities::none(),
            reader: ReplyReader::default(),
            input: Vec::new(),
            actions: VecDeque::new(),
            dots: DotWriter::default(),
            needs_reset: false,
        }
    }

    /// What the server offers, as of the last EHLO.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Whether TLS is in use.
    pub fn is_secured(&self) -> bool {
        self.secured == Secured::Yes
    }

    /// Takes bytes from the server, as decrypted.
    pub fn feed(&mut self, octets: &[u8]) {
        if !matches!(self.state, State::Over | State::Handshake) {
            self.input.extend_from_slice(octets);
        }
    }

    /// The connection is of no more use: closed, timed out, or we give up.
    pub fn lost(&mut self, loss: Loss) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Transaction(mut running) => {
                // What the server said before it closed tells more than that it closed.
                match self.reader.read(&std::mem::take(&mut self.input)) {
                    Ok((_, Some(reply))) if running.is_sending() && !reply.is_positive() => {
                        running.settle(&RecipientOutcome::Refused { stage: Stage::Block, reply });
                    }
                    _ => running.lost(loss),
                }
                self.finish(running, Connection::Dead);
            }
            State::Leaving(report) => self.report(report),
            State::Awaiting(stage) => self.report(Report::Failed(Failure::Lost { stage, loss })),
            State::Handshake | State::Ready | State::Over => {}
        }
    }

    /// The handshake succeeded: everything learnt in clear is forgotten, and EHLO said again (RFC 3207 §4.2).
    pub fn tls_established(&mut self) {
        if matches!(self.state, State::Handshake) {
            self.secured = Secured::Yes;
            self.capabilities = Capabilities::none();
            self.reader = ReplyReader::default();
            self.input.clear();
            self.say_hello("EHLO", Stage::Ehlo);
        }
    }

    /// Begins a transaction on a greeted connection.
    ///
    /// # Errors
    /// [`NotBegun`]; nothing has been sent then.
    pub fn begin(&mut self, transaction: Transaction) -> Result<(), NotBegun> {
        if !matches!(self.state, State::Ready) {
            return Err(NotBegun::NotReady);
        }
        if transaction.protection > Protection::None && self.secured == Secured::No {
            return Err(NotBegun::NotSecured);
        }
        let transaction = if self.needs_reset { transaction.after_reset() } else { transaction };
        let mut running = Running::new(transaction);
        self.dots = DotWriter::default();
        if let Some(failure) = self.unasked(Stage::Mail) {
            running.settle(&match failure {
                Failure::Refused { stage, reply } => RecipientOutcome::Refused { stage, reply },
                Failure::Lost { stage, loss } => RecipientOutcome::Lost { stage, loss },
                Failure::Injected => RecipientOutcome::Lost { stage: Stage::Mail, loss: Loss::Closed },
            });
            self.finish(running, Connection::Dead);
        } else {
            self.state = State::Transaction(running);
        }
        Ok(())
    }

    /// Gives the next piece of the message, after [`Action::Content`].
    pub fn content(&mut self, octets: &[u8]) {
        if matches!(&self.state, State::Transaction(running) if running.is_sending()) {
            let mut out = Vec::with_capacity(octets.len() + octets.len() / 64 + 8);
            self.dots.write(octets, &mut out);
            if !out.is_empty() {
                self.actions.push_back(Action::Send { octets: out, stage: Stage::Block });
            }
        }
    }

    /// The message is complete.
    pub fn end_content(&mut self) {
        if let State::Transaction(running) = &mut self.state
            && running.is_sending()
        {
            running.ended();
            let mut out = Vec::new();
            self.dots.finish(&mut out);
            self.actions.push_back(Action::Send { octets: out, stage: Stage::EndOfData });
        }
    }

    /// Takes leave of a greeted connection (RFC 5321 §4.1.1.10).
    pub fn quit(&mut self) {
        if matches!(self.state, State::Ready) {
            self.leave(Report::Quit);
        }
    }

    /// What to do next.
    pub fn next_action(&mut self) -> Action {
        loop {
            if let Some(action) = self.actions.pop_front() {
                return action;
            }
            let wait = match &mut self.state {
                State::Awaiting(stage) => *stage,
                State::Leaving(_) => Stage::Quit,
                State::Handshake => return Action::Handshake,
                State::Ready | State::Over => return Action::Idle,
                State::Transaction(running) => match running.want() {
                    Want::Send(octets, stage) => return Action::Send { octets, stage },
                    Want::Content => return Action::Content,
                    Want::Receive(stage) => stage,
                    Want::Nothing => {
                        self.transaction_ended();
                        continue;
                    }
                },
            };
            match self.read_reply() {
                Ok(Some(reply)) => self.on_reply(reply),
                Ok(None) => return Action::Receive(wait),
                Err(bad) => self.lost(Loss::Nonsense(bad.to_string())),
            }
        }
    }

    fn read_reply(&mut self) -> Result<Option<Reply>, super::BadReply> {
        let (used, reply) = self.reader.read(&self.input)?;
        self.input.drain(..used);
        Ok(reply)
    }

    fn on_reply(&mut self, reply: Reply) {
        let stage = match &mut self.state {
            State::Transaction(running) => {
                let over = reply.code == 421;
                running.reply(reply);
                if over {
                    self.transaction_over();
                }
                return;
            }
            State::Awaiting(stage) => *stage,
            // Whatever it is, it is the last.
            State::Leaving(_) => return self.lost(Loss::Closed),
            State::Handshake | State::Ready | State::Over => return,
        };
        let refused = |reply| Report::Failed(Failure::Refused { stage, reply });
        match stage {
            _ if reply.code == 421 => self.over(refused(reply)),
            Stage::Greeting if reply.is_positive() => match self.protocol {
                Protocol::Smtp => self.say_hello("EHLO", Stage::Ehlo),
                Protocol::Lmtp => self.say_hello("LHLO", Stage::Lhlo),
            },
            Stage::Ehlo | Stage::Lhlo if reply.is_positive() => self.greeted(Capabilities::from_ehlo(&reply)),
            // RFC 5321 §4.1.4, and 504: EHLO is not known here.
            Stage::Ehlo if matches!(reply.code, 500 | 501 | 502 | 504 | 550) => {
                self.say_hello("HELO", Stage::Helo);
            }
            Stage::Helo if reply.is_positive() => self.greeted(Capabilities::none()),
            Stage::StartTls if reply.is_positive() => {
                if self.input.is_empty() {
                    self.state = State::Handshake;
                } else {
                    self.over(Report::Failed(Failure::Injected));
                }
            }
            Stage::StartTls => {
                self.state = State::Ready;
                self.report(Report::InClear(WithoutTls::Refused(reply)));
            }
            // RFC 5321 §3.1, §4.1.4: also where nothing else is possible, QUIT comes last.
            _ => self.leave(refused(reply)),
        }
    }

    fn greeted(&mut self, capabilities: Capabilities) {
        self.capabilities = match self.secured {
            Secured::Yes => capabilities,
            Secured::No => capabilities.in_clear(),
        };
        let offered = self.capabilities.offers(Extension::StartTls);
        self.state = State::Ready;
        match (self.secured, offered, self.wish) {
            (Secured::Yes, _, _) => self.report(Report::Secured),
            (Secured::No, true, TlsWish::IfOffered) => self.command("STARTTLS", Stage::StartTls),
            (Secured::No, false, TlsWish::IfOffered) => {
                self.report(Report::InClear(WithoutTls::NotOffered));
            }
            (Secured::No, _, TlsWish::Never) => self.report(Report::InClear(WithoutTls::NotTried)),
        }
    }

    fn say_hello(&mut self, verb: &str, stage: Stage) {
        self.command(&format!("{verb} {}", self.name), stage);
    }

    /// Says QUIT, whatever the server may have said meanwhile, and then reports.
    fn leave(&mut self, report: Report) {
        self.input.clear();
        self.reader = ReplyReader::default();
        self.actions.push_back(Action::Send { octets: b"QUIT\r\n".to_vec(), stage: Stage::Quit });
        self.state = State::Leaving(report);
    }

    /// Sends a command that nothing else may be on the way with.
    fn command(&mut self, line: &str, stage: Stage) {
        if let Some(failure) = self.unasked(stage) {
            return self.over(Report::Failed(failure));
        }
        let octets = format!("{line}\r\n").into_bytes();
        self.actions.push_back(Action::Send { octets, stage });
        self.state = State::Awaiting(stage);
    }

    /// What the server said without being asked: it would be taken for the reply to the next command.
    fn unasked(&mut self, stage: Stage) -> Option<Failure> {
        if self.input.is_empty() && !self.reader.is_within_reply() {
            return None;
        }
        Some(match self.read_reply() {
            Ok(Some(reply)) if reply.code == 421 => Failure::Refused { stage, reply },
            _ => {
                let what = "the server sent more replies than it was asked for".to_owned();
                Failure::Lost { stage, loss: Loss::Nonsense(what) }
            }
        })
    }

    /// The running transaction wants nothing more, except perhaps the lone dot.
    fn transaction_ended(&mut self) {
        if let State::Transaction(running) = &mut self.state
            && running.take_lone_dot()
        {
            let octets = b".\r\n".to_vec();
            self.actions.push_back(Action::Send { octets, stage: Stage::EndOfData });
            return;
        }
        if let State::Transaction(running) = std::mem::replace(&mut self.state, State::Ready) {
            self.needs_reset = !running.is_clean();
            self.finish(running, Connection::Usable);
        }
    }

    fn transaction_over(&mut self) {
        if let State::Transaction(running) = std::mem::replace(&mut self.state, State::Over) {
            self.finish(running, Connection::Dead);
        }
    }

    fn finish(&mut self, running: Running, connection: Connection) {
        if connection == Connection::Dead {
            self.state = State::Over;
            self.actions.clear();
        }
        self.report(Report::Finished(Outcome { recipients: running.into_results(), connection }));
    }

    fn over(&mut self, report: Report) {
        self.state = State::Over;
        self.actions.clear();
        self.report(report);
    }

    fn report(&mut self, report: Report) {
        self.actions.push_back(Action::Report(report));
    }
}
