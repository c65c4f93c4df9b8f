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
    /// What came.
    pub proof: Proof,
}

/// What a client shows to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// [`Mechanism::Plain`] and [`Mechanism::Login`].
    Password {
        /// Who the client says it is. Neither empty nor with NUL.
        identity: String,
        /// Its password, likewise.
        password: Secret,
    },
    /// [`Mechanism::OauthBearer`] and [`Mechanism::Xoauth2`]: the client's response, decoded and otherwise as it came,
    /// for whoever verifies tokens. Neither empty nor with NUL.
    Token(Secret),
}

/// A SASL mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Never standardised, still asked for by Outlook and others.
    Login,
    /// RFC 7628.
    OauthBearer,
    /// Google's forerunner of OAUTHBEARER.
    Xoauth2,
}

impl Mechanism {
    /// Those with a password.
    pub const PASSWORDS: [Self; 2] = [Self::Plain, Self::Login];

    /// All there are.
    const ALL: [Self; 4] = [Self::Plain, Self::Login, Self::OauthBearer, Self::Xoauth2];

    /// The name in EHLO and AUTH.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::OauthBearer => "OAUTHBEARER",
            Self::Xoauth2 => "XOAUTH2",
        }
    }

    /// The mechanism of this name, in any case (RFC 4954 §4), if it is one of these.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }
}

/// A password or token: it never appears in debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a password or token.
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    /// What is wrapped, to check it.
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
    /// The token is not taken: `334` with this text in base64, and after the client's line `535 5.7.8` (RFC 7628
    /// §3.2.3). A text that makes the line longer than RFC 4954 §4 allows is left out.
    Challenge {
        /// What whoever verifies the token says, for the client's program (RFC 7628 §3.2.2: JSON).
        text: String,
    },
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
