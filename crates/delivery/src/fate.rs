use guarantee::{Authentication, Cause, History, HostAddress, Proof, Protection, Sighting, TlsDetails};

/// What one attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// For each recipient, in the order given.
    pub fates: Vec<Fate>,
    /// What the domain's hosts showed, for the memory and the reports to the domain.
    pub sightings: Vec<Sighting>,
    /// How far it is proven that the domain's mail goes to these hosts.
    pub mx: Proof,
}

/// What one attempt came to for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The next hop has taken it over.
    Delivered {
        /// What protected the transport.
        protection: Protection,
        /// How the host has proven who it is.
        authentication: Authentication,
        /// The MX host.
        host: HostAddress,
        /// The TLS connection, if any.
        tls: Option<TlsDetails>,
        /// The host's final reply, as one line.
        reply: String,
        /// Whether it was told what to report.
        dsn: DsnOffer,
    },
    /// Not sent, because no MX host gives what the sender requires.
    Stopped {
        /// Why.
        cause: Cause,
        /// To keep, if the stop is held back.
        history: History,
    },
    /// Undeliverable for another reason.
    Bounced(Cause),
    /// Not certain: try again.
    Deferred {
        /// Why.
        cause: Cause,
        /// To keep for the next attempt.
        history: History,
    },
}

/// Whether a host offers DSN (RFC 3461 §5.2): if so, it was given NOTIFY, ORCPT, RET and ENVID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DsnOffer {
    /// It reports from here on.
    Offered,
    /// It reports no success.
    NotOffered,
}
