//! A hostile network between a client and a host: it sees everything, and alters, holds back, invents and cuts what it likes.
//!
//! An [`Attack`] is plain data. A [`Scene`] carries it out on any pair of streams, and a [`Witness`] writes down what the
//! client gave away.

mod network;
mod octets;
mod proxy;
mod receiver;
mod reply;
mod scene;

pub use octets::Octets;
pub use proxy::Proxy;
pub use receiver::{Seen, Witness};
pub use scene::Scene;

/// What is done to one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attack {
    /// What is done to the host's replies in clear.
    pub replies: Vec<Tampering>,
    /// What becomes of the TLS handshake, and of what follows it.
    pub tls: OnTls,
    /// Where the connection ends, if it is ended.
    pub cut: Option<Cut>,
}

/// What is done to one reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tampering {
    /// Which: 0 is the greeting, 1 the reply to EHLO, 2 that to STARTTLS, if things go their ordinary way.
    pub reply: usize,
    /// What.
    pub what: Tamper,
}

/// What can be done to a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tamper {
    /// The client never gets it.
    Drop,
    /// The client gets it twice.
    Repeat,
    /// The client gets it behind the next one.
    HoldBack,
    /// Its lines come in the reverse order.
    Reverse,
    /// The client gets this instead.
    Instead(Octets),
    /// The client gets this first, in the same segment.
    Before(Octets),
    /// The client gets this behind it, in the same segment.
    Behind(Octets),
    /// STARTTLS disappears from it, or nearly.
    Strip(Strip),
    /// It comes in segments of so many octets, at least one.
    Segments(usize),
    /// The client gets these octets again and again, until it has had enough.
    Endless(Octets),
}

/// How STARTTLS disappears from a reply to EHLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strip {
    /// Its line is taken out.
    Line,
    /// The keyword is overwritten with as many `X`.
    Overwrite,
    /// The keyword gets another case, which means the same (RFC 5321 §2.4).
    Case,
    /// The keyword is split over two lines.
    Split,
    /// The keyword gets a tail.
    Tail,
    /// All extensions are taken out.
    All,
}

/// What becomes of the TLS handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OnTls {
    /// It is passed on.
    #[default]
    Pass,
    /// The attacker answers the ClientHello with these octets.
    Answer {
        /// The octets.
        octets: Octets,
        /// What then becomes of the connection.
        then: End,
    },
    /// The attacker answers the ClientHello with what the host sent in an earlier handshake.
    Replay,
    /// The attacker takes the host's part, in TLS and in SMTP.
    Impersonate(Impostor),
    /// The octets of the TLS connection are passed on, but for these.
    Mangle {
        /// Whose octets.
        direction: Direction,
        /// Which, counted from the first of the handshake.
        at: usize,
        /// What becomes of them.
        how: Mangle,
    },
}

/// Whom the attacker's certificate makes it out to be. None has the host's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Impostor {
    /// The host, by its own word.
    SelfSigned,
    /// Another host, by a trusted CA.
    AnotherName,
    /// The host, by a trusted CA, until 2020.
    Expired,
    /// The host, by a CA that nobody knows.
    UnknownCa,
    /// The host, by a trusted CA that was deceived.
    AnotherKey,
    /// The host, by the host's own certificate.
    StolenCertificate,
}

/// What becomes of octets in the TLS connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mangle {
    /// The bits of this mask are flipped in one octet.
    Flip(u8),
    /// These octets come before it.
    Insert(Octets),
    /// So many octets are taken out, as far as they come together.
    Remove(usize),
    /// So many octets come twice, as far as they come together.
    Repeat(usize),
}

/// From whom to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the host.
    ToHost,
    /// From the host, or whoever answers in its place, to the client.
    ToClient,
}

/// Where a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Whose octets are counted.
    pub direction: Direction,
    /// After so many octets.
    pub after: usize,
    /// How.
    pub end: End,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is closed.
    Close,
    /// Nothing more is passed on, until the client goes.
    Stall,
}
