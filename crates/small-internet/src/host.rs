//! What a mail host does, as plain data: every host of the world is one [`Behaviour`].

use std::{collections::BTreeSet, time::Duration};

/// The limit a host announces with SIZE, in octets, when nothing else is said.
pub const DEFAULT_SIZE_LIMIT: usize = 64 * 1024 * 1024;

/// What one mail host does at one address.
///
/// The constructors name the ordinary hosts; a test takes one and changes what matters to it:
///
/// ```
/// use small_internet::{Behaviour, Extension, Rule, Stage};
/// let greylisting = Behaviour::tls().rule(Rule::reply(Stage::Rcpt, "450 4.7.1 Come back later").times(1));
/// let seven_bit = Behaviour::tls().without(Extension::EightBitMime).without(Extension::SmtpUtf8);
/// ```
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// Whether a connection comes about at all.
    pub presence: Presence,
    /// The extensions announced by EHLO, and the only ones whose parameters are understood.
    pub extensions: BTreeSet<Extension>,
    /// Largest message taken, in octets; announced when [`Extension::Size`] is.
    pub size_limit: usize,
    /// What comes of STARTTLS.
    pub starttls: StartTls,
    /// Departures from the ordinary dialogue; the first that applies is followed.
    pub rules: Vec<Rule>,
    /// Pause before each reply.
    pub pace: Duration,
}

/// Whether a connection to the host comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Connections are accepted.
    Listening,
    /// Nothing listens: connections are refused.
    Absent,
    /// Connection requests get no answer at all, so that connecting times out.
    BlackHole,
}

/// A service extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extension {
    /// RFC 2920.
    Pipelining,
    /// RFC 1870.
    Size,
    /// RFC 6152; without it, content with octets above 127 is refused.
    EightBitMime,
    /// RFC 6531; without it, addresses and header fields beyond ASCII are refused.
    SmtpUtf8,
    /// RFC 2034.
    EnhancedStatusCodes,
    /// RFC 3461; not among the ordinary ones.
    Dsn,
    /// RFC 8689, announced and understood inside TLS only (§2); not among the ordinary ones.
    RequireTls,
}

/// What comes of STARTTLS (RFC 3207). A refusal is a [`Rule`] at [`Stage::StartTls`].
#[derive(Clone, Debug)]
pub enum StartTls {
    /// EHLO does not name it, the command is answered with 502.
    NotOffered,
    /// EHLO names it, the command is answered with 220, and then this follows.
    Offered(Handshake),
    /// As offered, until a message is kept, after whose 250 the host closes the connection; not offered from then on.
    /// Whoever has begun TLS by then gets a 421.
    UntilMail(Handshake),
    /// As offered, but behind the 220, in the same segment, comes plain text of an attacker.
    Injecting {
        /// What is sent behind the 220's CRLF; to be ignored or taken as an attack by the client.
        text: String,
        /// What follows.
        handshake: Handshake,
    },
}

/// What follows the 220 of STARTTLS.
#[derive(Clone, Debug)]
pub enum Handshake {
    /// TLS as of today (rustls).
    Modern {
        /// What the host presents.
        certificate: Certificate,
        /// What it speaks.
        versions: Versions,
    },
    /// TLS of yesterday (OpenSSL at security level 0).
    Dated(Dated),
    /// The ClientHello is answered with the fatal alert `handshake_failure`.
    Alert,
    /// The connection is closed when the ClientHello has come.
    Close,
    /// The ClientHello is never answered.
    Silence,
    /// The ClientHello is answered with something that is not TLS.
    Garbage,
}

/// The TLS versions of a modern host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Versions {
    /// TLS 1.3 and 1.2.
    Both,
    /// TLS 1.2 only.
    Tls12,
    /// TLS 1.3 only.
    Tls13,
}

/// A certificate of a modern host. All but those for another name name the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certificate {
    /// Signed by its own key.
    SelfSigned,
    /// Issued by the world's CA.
    Trusted,
    /// Issued by the world's CA, whose own certificate the host presents too: what DANE-TA needs (RFC 7672 §3.1.2).
    TrustedWithCa,
    /// Issued by the world's CA, for another name. With the host's own name: as `Trusted`, with another key.
    TrustedFor(String),
    /// Issued by the world's CA, expired in 2020.
    Expired,
    /// Issued by a CA that nobody knows.
    UnknownCa,
}

/// Ways in which a host's TLS is dated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dated {
    /// TLS 1.0 and 1.1 only.
    Tls10And11,
    /// TLS 1.2 only, and only with static RSA key exchange: no cipher in common with a modern client.
    StaticRsa,
    /// TLS 1.2 and 1.3, with a certificate of X.509 version 1.
    X509v1,
    /// TLS 1.2 and 1.3, with an RSA key of 1024 bits.
    Rsa1024,
}

/// A departure from the ordinary dialogue.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Where in the dialogue.
    pub stage: Stage,
    /// Only for this local part: of the reverse-path at [`Stage::Mail`], of the recipient at [`Stage::Rcpt`],
    /// of any accepted recipient from [`Stage::Data`] on. `None`: for all.
    pub local_part: Option<String>,
    /// Only so many times, counted over all connections to the address. `None`: always.
    pub times: Option<u32>,
    /// What the host does there.
    pub action: Action,
}

/// A point in the dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The greeting is due.
    Greeting,
    /// EHLO has come.
    Ehlo,
    /// HELO has come.
    Helo,
    /// STARTTLS has come.
    StartTls,
    /// A well-formed MAIL has come.
    Mail,
    /// A well-formed RCPT has come.
    Rcpt,
    /// DATA has come.
    Data,
    /// The 354 is out and the first octets of the content have come.
    Content,
    /// The content's end has come, the message is not kept yet.
    EndOfData,
    /// RSET has come.
    Rset,
    /// QUIT has come.
    Quit,
}

/// What a host does instead of the ordinary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It sends this reply (without CRLF; lines of a longer one are divided by CRLF). After a 421, and at
    /// [`Stage::Content`], it closes the connection.
    Reply(String),
    /// It closes the connection without a word.
    Close,
    /// At [`Stage::EndOfData`] it keeps the message and closes the connection without a reply; elsewhere as `Close`.
    KeepAndClose,
    /// It says nothing more, until the client goes.
    Silence,
    /// It goes on as usual after this time.
    Wait(Duration),
}

impl Behaviour {
    fn listening(starttls: StartTls) -> Self {
        use Extension::{EightBitMime, EnhancedStatusCodes, Pipelining, Size, SmtpUtf8};
        Self {
            presence: Presence::Listening,
            extensions: BTreeSet::from([Pipelining, Size, EightBitMime, SmtpUtf8, EnhancedStatusCodes]),
            size_limit: DEFAULT_SIZE_LIMIT,
            starttls,
            rules: Vec::new(),
            pace: Duration::ZERO,
        }
    }

    /// A host that offers STARTTLS and does this afterwards.
    pub fn offering(handshake: Handshake) -> Self {
        Self::listening(StartTls::Offered(handshake))
    }

    /// TLS 1.3 and 1.2 with this certificate.
    pub fn certified(certificate: Certificate) -> Self {
        Self::offering(Handshake::Modern { certificate, versions: Versions::Both })
    }

    /// TLS 1.3 and 1.2 with a self-signed certificate: the host of `tls.example`.
    pub fn tls() -> Self {
        Self::certified(Certificate::SelfSigned)
    }

    /// TLS 1.3 and 1.2 with a certificate of the world's CA for its name: the host of `verified.example`.
    pub fn verified() -> Self {
        Self::certified(Certificate::Trusted)
    }

    /// No STARTTLS: the host of `plain.example`.
    pub fn plain() -> Self {
        Self::listening(StartTls::NotOffered)
    }

    /// TLS 1.0 and 1.1 only: the host of `legacy.example`.
    pub fn legacy() -> Self {
        Self::offering(Handshake::Dated(Dated::Tls10And11))
    }

    /// STARTTLS that ends in an alert: the host of `broken.example`.
    pub fn broken() -> Self {
        Self::offering(Handshake::Alert)
    }

    /// Nothing listens: the host of `down.example`.
    pub fn down() -> Self {
        Self { presence: Presence::Absent, ..Self::plain() }
    }

    /// Connecting times out.
    pub fn black_hole() -> Self {
        Self { presence: Presence::BlackHole, ..Self::plain() }
    }

    /// STARTTLS until a message is kept, and a self-signed certificate: the host of `stripped.example`.
    pub fn stripped() -> Self {
        let handshake = Handshake::Modern { certificate: Certificate::SelfSigned, versions: Versions::Both };
        Self::listening(StartTls::UntilMail(handshake))
    }

    /// An old host: EHLO is answered with 502, HELO works.
    pub fn helo_only() -> Self {
        Self::plain().rule(Rule::reply(Stage::Ehlo, "502 Command not implemented"))
    }

    /// STARTTLS is offered and then refused with this reply, such as `454 4.7.0 TLS not available`.
    pub fn refusing_tls(reply: &str) -> Self {
        Self::tls().rule(Rule::reply(Stage::StartTls, reply))
    }

    /// The same with one more rule, which comes after those it has.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// The same with one extension more.
    #[must_use]
    pub fn with(mut self, extension: Extension) -> Self {
        self.extensions.insert(extension);
        self
    }

    /// The same without that extension.
    #[must_use]
    pub fn without(mut self, extension: Extension) -> Self {
        self.extensions.remove(&extension);
        self
    }

    /// The same with another size limit, in octets.
    #[must_use]
    pub fn size_limit(self, size_limit: usize) -> Self {
        Self { size_limit, ..self }
    }

    /// The same with a pause before each reply.
    #[must_use]
    pub fn pace(self, pace: Duration) -> Self {
        Self { pace, ..self }
    }

    pub(crate) fn offers(&self, extension: Extension) -> bool {
        self.extensions.contains(&extension)
    }
}

impl Rule {
    /// At that stage, always, for everybody.
    pub fn at(stage: Stage, action: Action) -> Self {
        Self { stage, local_part: None, times: None, action }
    }

    /// This reply at that stage, always, for everybody.
    pub fn reply(stage: Stage, reply: &str) -> Self {
        Self::at(stage, Action::Reply(reply.to_owned()))
    }

    /// The same, for this local part only.
    #[must_use]
    pub fn for_local_part(self, local_part: &str) -> Self {
        Self { local_part: Some(local_part.to_owned()), ..self }
    }

    /// The same, the first `times` times only.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }
}
