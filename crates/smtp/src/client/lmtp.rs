//! LMTP (RFC 2033): the same dialogue with the server of the mailboxes, which says of each recipient's copy what became
//! of it. The driver sees to it that nobody listens on the way; nothing is encrypted and no clearance asked for.

use super::transaction::AfterDot;
use super::{
    Action, Capabilities, Dialogue, Loss, MailParameters, Message, NotBegun, Obstacle, Transaction, prepare,
};
use crate::content::{ContentFacts, EightBit};
use crate::envelope::{BodyType, MailFrom, RcptTo, ReversePath};

/// A client's side of one connection to an LMTP server.
///
/// Its driver does what a [`Dialogue`]'s does. The first report is [`Report::InClear`](super::Report::InClear), and no
/// handshake is ever asked for.
#[derive(Debug)]
pub struct LmtpDialogue(Dialogue);

/// A message, or a question, put into commands for an LMTP server.
#[derive(Debug)]
pub struct LmtpTransaction(Transaction);

impl LmtpTransaction {
    /// Prepares a message. Its outcome has for each recipient the server's own reply to the end of the message, or to
    /// whatever came to nothing before.
    ///
    /// # Errors
    /// [`Obstacle`]: the server can't take this message as it is.
    pub fn deliver(capabilities: &Capabilities, message: &Message<'_>) -> Result<Self, Obstacle> {
        let parameters = prepare(message, capabilities)?;
        Ok(Self(Transaction::prepared(message, &parameters, capabilities, AfterDot::EachRecipient)))
    }

    /// Asks whether mail for these recipients would be taken: MAIL and RCPT, and no message. Who is accepted has the reply
    /// to RCPT as outcome.
    ///
    /// # Errors
    /// [`Obstacle`]: the server can't be asked for such an address.
    pub fn ask(capabilities: &Capabilities, recipients: &[RcptTo]) -> Result<Self, Obstacle> {
        let mail = MailFrom {
            reverse_path: ReversePath::Null,
            body: BodyType::SevenBit,
            smtputf8: false,
            requiretls: false,
            ret: None,
            envid: None,
        };
        let content = ContentFacts { size: 0, longest_line: 0, eight_bit: EightBit::Nowhere };
        let message = Message { mail: &mail, recipients, content };
        let parameters = MailParameters { size: None, ..prepare(&message, capabilities)? };
        Ok(Self(Transaction::prepared(&message, &parameters, capabilities, AfterDot::NoMessage)))
    }
}

impl LmtpDialogue {
    /// A dialogue on a fresh connection. `name` is our host name in ASCII, for LHLO.
    pub fn new(name: impl Into<String>) -> Self {
        Self(Dialogue::lmtp(name.into()))
    }

    /// What the server offers.
    pub fn capabilities(&self) -> &Capabilities {
        self.0.capabilities()
    }

    /// Takes bytes from the server.
    pub fn feed(&mut self, octets: &[u8]) {
        self.0.feed(octets);
    }

    /// The connection is of no more use: closed, timed out, or we give up.
    pub fn lost(&mut self, loss: Loss) {
        self.0.lost(loss);
    }

    /// Begins a transaction on a greeted connection.
    ///
    /// # Errors
    /// [`NotBegun`]; nothing has been sent then.
    pub fn begin(&mut self, transaction: LmtpTransaction) -> Result<(), NotBegun> {
        self.0.begin(transaction.0)
    }

    /// Gives the next piece of the message, after [`Action::Content`].
    pub fn content(&mut self, octets: &[u8]) {
        self.0.content(octets);
    }

    /// The message is complete.
    pub fn end_content(&mut self) {
        self.0.end_content();
    }

    /// Takes leave of a greeted connection.
    pub fn quit(&mut self) {
        self.0.quit();
    }

    /// What to do next.
    pub fn next_action(&mut self) -> Action {
        self.0.next_action()
    }
}
