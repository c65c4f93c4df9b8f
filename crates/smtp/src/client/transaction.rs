//! One message to one next hop: MAIL, RCPT, DATA and what became of each recipient.

use std::collections::VecDeque;

use guarantee::{Clearance, Protection};

use super::{Capabilities, Extension, Flag, MailParameters, Message, Obstacle, Stage, prepare};
use crate::envelope::{BodyType, Notify, RcptTo, Ret, ReversePath};
use crate::reply::{Class, EnhancedStatus, Reply};

/// Octets of commands sent in one go: what fits into any TCP window (RFC 2920 §3.1).
const GROUP: usize = 4096;

/// Recipients that every server takes in one transaction (RFC 5321 §4.5.3.1.8): give a transaction no more.
pub const RECIPIENTS: usize = 100;

/// A message cleared for a connection and put into commands.
#[derive(Debug)]
pub struct Transaction {
    pub(super) protection: Protection,
    pub(super) commands: VecDeque<Command>,
    pub(super) recipients: usize,
    pub(super) pipelining: bool,
    pub(super) after_dot: AfterDot,
}

/// What the server says to the dot after the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterDot {
    /// One reply for all (RFC 5321 §4.1.1.4).
    One,
    /// One for each accepted recipient, in their order (RFC 2033 §4.2).
    EachRecipient,
    /// There is no message: whether the recipients are accepted is all that is asked.
    NoMessage,
}

/// A command and what it is.
#[derive(Debug)]
pub(super) struct Command {
    step: Step,
    line: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Rset,
    Mail,
    Rcpt(usize),
    Data,
    EndOfData,
    /// What became of this recipient's copy.
    Verdict(usize),
}

impl Step {
    fn stage(self) -> Stage {
        match self {
            Self::Rset => Stage::Rset,
            Self::Mail => Stage::Mail,
            Self::Rcpt(_) => Stage::Rcpt,
            Self::Data => Stage::Data,
            Self::EndOfData | Self::Verdict(_) => Stage::EndOfData,
        }
    }
}

impl Transaction {
    /// Prepares a message for a connection whose EHLO said `capabilities`. The clearance is the proof that the
    /// connection gives what the message's requirement asks.
    ///
    /// # Errors
    /// [`Obstacle`]: the server can't take this message as it is.
    pub fn new(
        clearance: &Clearance,
        capabilities: &Capabilities,
        message: &Message<'_>,
    ) -> Result<Self, Obstacle> {
        let parameters = prepare(message, capabilities)?;
        // RFC 8689 §2: said only to a host that has proven who it is.
        if parameters.requiretls == Flag::Said && clearance.protection() < Protection::Authenticated {
            return Err(Obstacle::NoRequireTls);
        }
        Ok(Self {
            protection: clearance.protection(),
            ..Self::prepared(message, &parameters, capabilities, AfterDot::One)
        })
    }

    /// A message in commands, for a connection that need not be protected.
    pub(super) fn prepared(
        message: &Message<'_>,
        parameters: &MailParameters,
        capabilities: &Capabilities,
        after_dot: AfterDot,
    ) -> Self {
        let mut commands = VecDeque::with_capacity(message.recipients.len() + 2);
        let mut line = match &message.mail.reverse_path {
            ReversePath::Null => "MAIL FROM:<>".to_owned(),
            ReversePath::Address(address) => format!("MAIL FROM:<{address}>"),
        };
        if let Some(size) = parameters.size {
            line += &format!(" SIZE={size}");
        }
        if parameters.body == BodyType::EightBitMime {
            line += " BODY=8BITMIME";
        }
        if parameters.smtputf8 == Flag::Said {
            line += " SMTPUTF8";
        }
        if parameters.requiretls == Flag::Said {
            line += " REQUIRETLS";
        }
        match parameters.ret {
            Some(Ret::Full) => line += " RET=FULL",
            Some(Ret::Hdrs) => line += " RET=HDRS",
            None => {}
        }
        if let Some(envid) = &parameters.envid {
            line += &format!(" ENVID={envid}");
        }
        commands.push_back(Command { step: Step::Mail, line });
        let dsn = capabilities.offers(Extension::Dsn);
        for (index, recipient) in message.recipients.iter().enumerate() {
            commands.push_back(Command { step: Step::Rcpt(index), line: rcpt_line(recipient, dsn) });
        }
        if after_dot != AfterDot::NoMessage {
            commands.push_back(Command { step: Step::Data, line: "DATA".to_owned() });
        }
        let pipelining = capabilities.offers(Extension::Pipelining);
        let recipients = message.recipients.len();
        Self { protection: Protection::None, commands, recipients, pipelining, after_dot }
    }

    /// Begins with RSET, after a transaction that did not end with its message.
    pub(super) fn after_reset(mut self) -> Self {
        self.commands.push_front(Command { step: Step::Rset, line: "RSET".to_owned() });
        self
    }
}

fn rcpt_line(recipient: &RcptTo, dsn: bool) -> String {
    let mut line = format!("RCPT TO:<{}>", recipient.address);
    if !dsn {
        return line;
    }
    match recipient.notify {
        Notify::Unspecified => {}
        Notify::Never => line += " NOTIFY=NEVER",
        Notify::On(on) => {
            let events = [(on.success, "SUCCESS"), (on.failure, "FAILURE"), (on.delay, "DELAY")];
            let names: Vec<&str> = events.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
            if !names.is_empty() {
                line += &format!(" NOTIFY={}", names.join(","));
            }
        }
    }
    if let Some(orcpt) = &recipient.orcpt {
        line += &format!(" ORCPT={orcpt}");
    }
    line
}

/// What became of one recipient's copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientOutcome {
    /// The server has it: its reply to the end of DATA.
    Accepted(Reply),
    /// The server said no, for good or for now: [`Reply::class`] tells; anything but permanent is tried again.
    Refused {
        /// What the reply was to.
        stage: Stage,
        /// The server's words.
        reply: Reply,
    },
    /// There was no reply. At [`Stage::EndOfData`] the server may have the message all the same.
    Lost {
        /// What was said last.
        stage: Stage,
        /// Why there is no reply.
        loss: Loss,
    },
}

/// What an outcome means for the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The copy is the server's now.
    Delivered,
    /// The server will never take it: bounce.
    Failed,
    /// Try again later.
    Deferred,
}

impl RecipientOutcome {
    /// What it means for the queue. Only a 5yz reply to the mail itself is final; whatever is odd is tried again.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Accepted(_) => Disposition::Delivered,
            Self::Refused {
                stage: Stage::Mail | Stage::Rcpt | Stage::Data | Stage::Block | Stage::EndOfData,
                reply,
            } if reply.class() == Class::Permanent && !self.is_too_many_recipients() => Disposition::Failed,
            Self::Refused { .. } | Self::Lost { .. } => Disposition::Deferred,
        }
    }

    /// RFC 5321 §4.5.3.1.10: 552 to RCPT is how RFC 821 said what is 452 now. A 552 that says itself that it means
    /// something else, as a full mailbox, is final.
    fn is_too_many_recipients(&self) -> bool {
        let Self::Refused { stage: Stage::Rcpt, reply } = self else { return false };
        let too_many = EnhancedStatus::new(5, 5, 3);
        reply.code == 552 && reply.enhanced.is_none_or(|status| status == too_many)
    }
}

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// The connection ended.
    #[error("the server closed the connection")]
    Closed,
    /// Nothing came within [`Stage::timeout`].
    #[error("the server did not answer in time")]
    TimedOut,
    /// What came is no SMTP, or came unasked.
    #[error("{0}")]
    Nonsense(String),
    /// We gave up, since the message could not be read or the server stops.
    #[error("the delivery was given up here: {0}")]
    OwnFault(String),
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Per recipient, in the order they were given.
    pub recipients: Vec<RecipientOutcome>,
    /// Whether the connection can carry another.
    pub connection: Connection,
}

/// The state of a connection after a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Good for another transaction, or QUIT.
    Usable,
    /// Gone, or to be dropped without a word.
    Dead,
}

/// A transaction under way.
#[derive(Debug)]
pub(super) struct Running {
    commands: VecDeque<Command>,
    pending: VecDeque<Step>,
    results: Vec<Option<RecipientOutcome>>,
    /// RCPT was accepted and nothing final is known.
    accepted: Vec<bool>,
    pipelining: bool,
    after_dot: AfterDot,
    at: At,
    clean: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Envelope,
    /// The message is being sent.
    Content,
    /// The lone dot was sent, since DATA was accepted for nobody (RFC 2920 §3.1).
    LoneDot,
    End,
}

/// What a running transaction wants next.
#[derive(Debug)]
pub(super) enum Want {
    Send(Vec<u8>, Stage),
    Receive(Stage),
    Content,
    Nothing,
}

impl Running {
    pub(super) fn new(transaction: Transaction) -> Self {
        Self {
            commands: transaction.commands,
            pending: VecDeque::new(),
            results: vec![None; transaction.recipients],
            accepted: vec![false; transaction.recipients],
            pipelining: transaction.pipelining,
            after_dot: transaction.after_dot,
            at: At::Envelope,
            clean: false,
        }
    }

    /// What comes next; [`Want::Nothing`] at the end.
    pub(super) fn want(&mut self) -> Want {
        if let Some(step) = self.pending.front() {
            return Want::Receive(step.stage());
        }
        match self.at {
            At::Envelope => self.next_group(),
            At::Content => Want::Content,
            At::LoneDot | At::End => Want::Nothing,
        }
    }

    fn next_group(&mut self) -> Want {
        let mut octets = Vec::new();
        let mut stage = Stage::Data;
        while let Some(command) = self.commands.pop_front_if(|command| {
            // RFC 2033 §4.2 has no reply to the dot after a message for nobody: DATA waits until somebody is accepted.
            let waits = self.after_dot == AfterDot::EachRecipient && command.step == Step::Data;
            !waits || self.pending.is_empty()
        }) {
            let useless = match command.step {
                Step::Rset | Step::Mail | Step::EndOfData | Step::Verdict(_) => false,
                // The results are all known once MAIL was refused.
                Step::Rcpt(index) => self.results[index].is_some(),
                Step::Data => self.is_hopeless(),
            };
            if useless {
                continue;
            }
            if octets.is_empty() {
                stage = command.step.stage();
            }
            octets.extend_from_slice(command.line.as_bytes());
            octets.extend_from_slice(b"\r\n");
            self.pending.push_back(command.step);
            if !self.pipelining || octets.len() >= GROUP {
                break;
            }
        }
        if octets.is_empty() {
            self.at = At::End;
            return Want::Nothing;
        }
        Want::Send(octets, stage)
    }

    /// Whether every reply so far leaves nobody to send the message to.
    fn is_hopeless(&self) -> bool {
        self.pending.is_empty() && !self.accepted.contains(&true)
    }

    /// Takes the next reply. Each belongs to the oldest command without one (RFC 2920 §3.1).
    pub(super) fn reply(&mut self, reply: Reply) {
        let Some(step) = self.pending.pop_front() else { return };
        let (positive, stage) = (reply.is_positive(), step.stage());
        // RFC 5321 §3.8: 421 ends the connection, whatever it answers.
        if reply.code == 421 {
            return self.settle(&RecipientOutcome::Refused { stage, reply });
        }
        match step {
            Step::Rset | Step::Mail if !positive => {
                self.resolve(&RecipientOutcome::Refused { stage, reply });
            }
            Step::Rset | Step::Mail => {}
            Step::Rcpt(index) if self.results[index].is_none() => {
                self.accepted[index] = positive;
                if !positive {
                    self.results[index] = Some(RecipientOutcome::Refused { stage, reply });
                } else if self.after_dot == AfterDot::NoMessage {
                    self.results[index] = Some(RecipientOutcome::Accepted(reply));
                }
            }
            Step::Rcpt(_) => {}
            Step::Data => self.data_reply(reply),
            Step::EndOfData if self.at == At::LoneDot => self.clean = true,
            Step::Verdict(index) => {
                self.clean = self.pending.is_empty();
                self.at = At::End;
                self.accepted[index] = false;
                self.results[index] = Some(if positive {
                    RecipientOutcome::Accepted(reply)
                } else {
                    RecipientOutcome::Refused { stage, reply }
                });
            }
            Step::EndOfData => {
                self.clean = true;
                self.at = At::End;
                self.resolve(&if positive {
                    RecipientOutcome::Accepted(reply)
                } else {
                    RecipientOutcome::Refused { stage, reply }
                });
            }
        }
    }

    fn data_reply(&mut self, reply: Reply) {
        if reply.class() == Class::Intermediate {
            self.at = if self.accepted.contains(&true) { At::Content } else { At::LoneDot };
            return;
        }
        self.at = At::End;
        self.resolve(&RecipientOutcome::Refused { stage: Stage::Data, reply });
    }

    /// Whether the lone dot is due; asked once.
    pub(super) fn take_lone_dot(&mut self) -> bool {
        let due = self.at == At::LoneDot && self.pending.is_empty() && !self.clean;
        if due {
            self.pending.push_back(Step::EndOfData);
        }
        due
    }

    /// Whether the message may be sent now.
    pub(super) fn is_sending(&self) -> bool {
        self.at == At::Content && self.pending.is_empty()
    }

    /// The dot after the message is on its way.
    pub(super) fn ended(&mut self) {
        let accepted = self.accepted.iter().enumerate().filter(|(_, accepted)| **accepted);
        match self.after_dot {
            AfterDot::One => self.pending.push_back(Step::EndOfData),
            AfterDot::EachRecipient => self.pending.extend(accepted.map(|(index, _)| Step::Verdict(index))),
            AfterDot::NoMessage => {}
        }
    }

    /// Gives everybody without a result this one.
    fn resolve(&mut self, outcome: &RecipientOutcome) {
        for (result, accepted) in self.results.iter_mut().zip(&mut self.accepted) {
            *accepted = false;
            result.get_or_insert_with(|| outcome.clone());
        }
    }

    /// The connection is over: everybody without a result gets this one.
    pub(super) fn settle(&mut self, outcome: &RecipientOutcome) {
        self.resolve(outcome);
        self.pending.clear();
        self.commands.clear();
        self.at = At::End;
    }

    /// There will be no more replies.
    pub(super) fn lost(&mut self, loss: Loss) {
        let stage = match (self.pending.front(), self.at) {
            (Some(step), _) => step.stage(),
            (None, At::Content) => Stage::Block,
            (None, _) => Stage::Mail,
        };
        self.settle(&RecipientOutcome::Lost { stage, loss });
    }

    /// Whether the server is back where it was before MAIL, without RSET.
    pub(super) fn is_clean(&self) -> bool {
        self.clean
    }

    /// The results, when all are known.
    pub(super) fn into_results(self) -> Vec<RecipientOutcome> {
        let unknown = RecipientOutcome::Lost { stage: Stage::Rcpt, loss: Loss::Closed };
        self.results.into_iter().map(|result| result.unwrap_or_else(|| unknown.clone())).collect()
    }
}
