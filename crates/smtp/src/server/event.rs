//! What a session tells its driver, and what it is told back.

use std::fmt;

use crate::content::ContentFacts;
use crate::envelope::{Envelope, MailFrom, RcptTo};
use crate::reply::Reply;

/// What the driver is to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Write these bytes.
    Send(Vec<u8>),
    /// Throw away whatever was read in clear and not yet fed, do the handshake, then call
    /// [`tls_established`](super::Session::tls_established), or drop the connection.
    StartTls {
        /// Octets that came in clear behind STARTTLS and were thrown away: somebody on the way put them there
        /// (CVE-2011-0411), or the client is broken. Worth a line in the log.
        injected: usize,
    },
    /// Check this login, then call [`auth_result`](super::Session::auth_result).
    Authenticate(Login),
    /// May this sender send? Call [`mail_result`](super::Session::mail_result).
    MailFrom {
        /// What MAIL said.
        mail: MailFrom,
        /// `SIZE=`, already within the limit.
        declared_size: Option<u64>,
    },
    /// May this recipient have mail from here? Call [`rcpt_result`](super::Session::rcpt_result).
    RcptTo(RcptTo),
    /// A message for this envelope comes. If it can't be kept, call
    /// [`refuse_message`](super::Session::refuse_message) now or at any chunk.
    MessageStart(Envelope),
    /// The next octets of the message, without dot-stuffing. Never empty.
    DataChunk(Vec<u8>),
    /// The message is whole. Keep it for good, then call
    /// [`message_result`](super::Session::message_result): its positive reply makes the message ours.
    MessageEnd(ContentFacts),
    /// Forget the message that had started: it is refused, or its end never comes. Nothing is to be answered.
    MessageDropped(Dropped),
    /// Close the connection; no more events.
    Close,
}

/// Why a message that had started came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// It was refused with this reply.
    Refused(Reply),
    /// The client gave it up: RSET, EHLO, QUIT, or the connection ended.
    Abandoned,
}

/// A login to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// How it came.
    pub mechanism: Mechanism,
    /// Who the client says it is. Not empty.
    pub identity: String,
    /// Its proof.
    pub password: Secret,
}

/// A SASL mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Never standardised, still asked for by Outlook and others.
    Login,
}

/// A password: it never appears in debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a password.
    pub fn new(password: String) -> Self {
        Self(password)
    }

    /// The password, to check it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The driver's answer to [`Event::Authenticate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthResult {
    /// The login is right: `235 2.7.0`. From here on the session is this user's.
    Accepted {
        /// The account's address, for [`user`](super::Session::user).
        user: String,
    },
    /// Unknown user or wrong password, which is not told apart: `535 5.7.8`.
    Rejected,
    /// It can't be checked now: `454 4.7.0`.
    Unavailable,
}

/// What protects the connection to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsInfo {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: String,
    /// The cipher suite's IANA name.
    pub cipher: String,
}

/// What the session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// More bytes: [`feed`](super::Session::feed).
    Input,
    /// [`tls_established`](super::Session::tls_established).
    Handshake,
    /// [`auth_result`](super::Session::auth_result).
    AuthResult,
    /// [`mail_result`](super::Session::mail_result).
    MailResult,
    /// [`rcpt_result`](super::Session::rcpt_result).
    RcptResult,
    /// [`message_result`](super::Session::message_result).
    MessageResult,
    /// Nothing: it is over.
    Closed,
}
