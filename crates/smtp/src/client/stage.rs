//! The stages of a dialogue, and how long each may take.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// For a TCP connection; RFC 5321 leaves it to TCP, which would take minutes per address.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// For a TLS handshake; no RFC says.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(60);

/// What the client has said last, and so what a reply, or its absence, is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Nothing yet: the server greets.
    Greeting,
    /// EHLO.
    Ehlo,
    /// HELO, after EHLO was not understood.
    Helo,
    /// LHLO, which LMTP has instead of both (RFC 2033 §4.1).
    Lhlo,
    /// STARTTLS.
    StartTls,
    /// RSET.
    Rset,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA.
    Data,
    /// A part of the message.
    Block,
    /// The dot. Without a reply the server may have the message or not (RFC 5321 §4.5.3.2.6).
    EndOfData,
    /// QUIT.
    Quit,
}

impl Stage {
    /// How long to wait for the reply, or for a write to be taken (RFC 5321 §4.5.3.2).
    pub fn timeout(self) -> Duration {
        const MINUTE: u64 = 60;
        Duration::from_secs(match self {
            Self::Greeting | Self::Ehlo | Self::Helo | Self::Lhlo | Self::Mail | Self::Rcpt => 5 * MINUTE,
            Self::StartTls | Self::Data => 2 * MINUTE,
            Self::Block => 3 * MINUTE,
            Self::EndOfData => 10 * MINUTE,
            // Nothing depends on them any more.
            Self::Rset => MINUTE,
            Self::Quit => 5,
        })
    }

    /// The command as reports name it: "in reply to …".
    pub fn command(self) -> &'static str {
        match self {
            Self::Greeting => "connection",
            Self::Ehlo => "EHLO",
            Self::Helo => "HELO",
            Self::Lhlo => "LHLO",
            Self::StartTls => "STARTTLS",
            Self::Rset => "RSET",
            Self::Mail => "MAIL FROM",
            Self::Rcpt => "RCPT TO",
            Self::Data => "DATA",
            Self::Block => "message",
            Self::EndOfData => "end of DATA",
            Self::Quit => "QUIT",
        }
    }
}
