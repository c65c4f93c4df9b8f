use crate::{
    Cause, Handshake, HostFailure, PlannedHost, Protection, Requirement, Starttls, TlsFailure, Weight,
};

/// Fresh connections that must end in the same TLS refusal before it is certain.
const CERTAIN_CONNECTIONS: u8 = 2;

/// The proof that a connection may carry envelope and message: only [`judge()`] makes one, and the
/// SMTP client demands it before MAIL FROM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clearance {
    protection: Protection,
    _private: (),
}

impl Clearance {
    /// What the connection is protected by.
    pub fn protection(&self) -> Protection {
        self.protection
    }
}

/// What follows from one host's handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send on this connection.
    Proceed(Clearance),
    /// Connect to the same host again and try TLS once more, to be certain.
    Again,
    /// TLS was tried and failed and nothing requires it: connect again and send in clear (P1).
    RetryInClear,
    /// Not on this host; [`crate::conclude()`] weighs it with the others.
    NextHost(HostFailure),
}

/// Whether a host that was spoken to may have the mail.
pub fn judge(planned: &PlannedHost, seen: &Handshake) -> Verdict {
    match planned.requirement {
        Requirement::Encrypted => judge_encrypted(seen),
        Requirement::Opportunistic => judge_opportunistic(seen),
    }
}

fn judge_encrypted(seen: &Handshake) -> Verdict {
    let host = seen.host.clone();
    match &seen.starttls {
        Starttls::Established(_) => proceed(Protection::Encrypted),
        Starttls::NotOffered => next_host(Cause::NoStarttls { host }, Weight::Insecure),
        Starttls::NotTried => Verdict::Again,
        Starttls::Refused { transient, reply } => {
            let weight = if *transient { Weight::Away } else { Weight::Insecure };
            next_host(Cause::StarttlsRefused { host, reply: reply.clone() }, weight)
        }
        Starttls::Failed { failure, detail } => {
            let cause = Cause::HandshakeFailed { host, detail: detail.clone() };
            match failure {
                TlsFailure::Refused if seen.seen < CERTAIN_CONNECTIONS => Verdict::Again,
                TlsFailure::Refused => next_host(cause, Weight::Insecure),
                TlsFailure::Interrupted => next_host(cause, Weight::Shaky),
                TlsFailure::OwnFault => next_host(Cause::OwnFault { detail: detail.clone() }, Weight::Away),
            }
        }
    }
}

fn judge_opportunistic(seen: &Handshake) -> Verdict {
    match &seen.starttls {
        Starttls::Established(_) => proceed(Protection::Encrypted),
        // The connection is still good for SMTP in clear.
        Starttls::NotOffered | Starttls::NotTried | Starttls::Refused { .. } => proceed(Protection::None),
        // RFC 3207 leaves the connection unusable: a new one.
        Starttls::Failed { .. } => Verdict::RetryInClear,
    }
}

fn proceed(protection: Protection) -> Verdict {
    Verdict::Proceed(Clearance { protection, _private: () })
}

fn next_host(cause: Cause, weight: Weight) -> Verdict {
    Verdict::NextHost(HostFailure { cause, weight })
}
