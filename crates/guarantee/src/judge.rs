use serde::{Deserialize, Serialize};

use crate::{
    Age, Cause, Chain, ChainFault, Dane, Handshake, HostAddress, HostFailure, Identity, Mechanism,
    PlannedHost, Proof, Protection, RequireTlsOffer, Requirement, Starttls, StsDemand, TlsFailure, TlsaMatch,
    Weight,
};

/// Fresh connections that must end in the same TLS refusal before it is certain.
const CERTAIN_CONNECTIONS: u8 = 2;

/// The proof that a connection may carry envelope and message: only [`judge()`] makes one, and the
/// SMTP client demands it before MAIL FROM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clearance {
    protection: Protection,
    authentication: Authentication,
    _private: (),
}

impl Clearance {
    /// What the connection is protected by.
    pub fn protection(&self) -> Protection {
        self.protection
    }

    /// How the host has proven who it is.
    pub fn authentication(&self) -> &Authentication {
        &self.authentication
    }
}

/// How a host has proven who it is: part of the evidence of a delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Authentication {
    /// Not at all.
    #[default]
    Nothing,
    /// A TLSA record of a host whose name is not proven itself (RFC 7672 §2.2.1).
    UnprovenHost {
        /// The record.
        record: String,
    },
    /// A trusted certificate for a proven name.
    Certificate {
        /// The name.
        name: String,
    },
    /// A trusted certificate for a name out of the domain's policy (RFC 8461 §4).
    MtaSts {
        /// The name.
        name: String,
    },
    /// DANE (RFC 7672).
    Dane {
        /// The record.
        record: String,
    },
}

impl Authentication {
    fn protection(&self) -> Protection {
        match self {
            Self::Nothing | Self::UnprovenHost { .. } => Protection::Encrypted,
            Self::Certificate { .. } | Self::MtaSts { .. } => Protection::Authenticated,
            Self::Dane { .. } => Protection::Dane,
        }
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
    match &seen.starttls {
        Starttls::Established { identity, requiretls, .. } => {
            match judge_established(planned, &seen.host, identity, *requiretls) {
                Ok(authentication) => proceed(authentication.protection(), authentication),
                Err(failure) => Verdict::NextHost(failure),
            }
        }
        without if planned.forbids_clear() => judge_without(planned, seen, without),
        // The connection is still good for SMTP in clear.
        Starttls::NotOffered | Starttls::NotTried | Starttls::Refused { .. } => {
            proceed(Protection::None, Authentication::Nothing)
        }
        // RFC 3207 leaves the connection unusable: a new one.
        Starttls::Failed { .. } => Verdict::RetryInClear,
    }
}

/// TLS is required and there is none.
fn judge_without(planned: &PlannedHost, seen: &Handshake, starttls: &Starttls) -> Verdict {
    let host = seen.host.clone();
    let (cause, weight) = match starttls {
        Starttls::NotTried | Starttls::Established { .. } => return Verdict::Again,
        Starttls::NotOffered => (Cause::NoStarttls { host }, Weight::Insecure),
        Starttls::Refused { transient, reply } => {
            let weight = if *transient { Weight::Away } else { Weight::Insecure };
            (Cause::StarttlsRefused { host, reply: reply.clone() }, weight)
        }
        Starttls::Failed { failure, detail } => {
            let cause = Cause::HandshakeFailed { host, detail: detail.clone() };
            match failure {
                TlsFailure::Refused if seen.seen < CERTAIN_CONNECTIONS => return Verdict::Again,
                TlsFailure::Refused => (cause, Weight::Insecure),
                TlsFailure::Interrupted => (cause, Weight::Shaky),
                TlsFailure::OwnFault => (Cause::OwnFault { detail: detail.clone() }, Weight::Away),
            }
        }
    };
    next_host(planned, cause, weight)
}

/// TLS is there: how the host has proven who it is, if that is enough.
fn judge_established(
    planned: &PlannedHost,
    host: &HostAddress,
    identity: &Identity,
    offer: RequireTlsOffer,
) -> Result<Authentication, HostFailure> {
    let authentication = authenticate(planned, identity);
    if planned.requirement == Requirement::Regardless {
        return Ok(authentication);
    }
    bound_by_dane(planned, host, identity)?;
    bound_by_sts(planned, host, identity)?;
    // With the domain's policy it might prove it: that there is none is not certain.
    let weight = if lacks_policy(planned, identity) { Weight::Away } else { Weight::Insecure };
    let fail = |cause, weight| Err(HostFailure { cause, weight });
    let not_proven = || {
        let detail = not_proven(planned, identity);
        Cause::NotAuthenticated { host: host.clone(), detail }
    };
    match planned.requirement {
        Requirement::RequireTls if offer == RequireTlsOffer::NotOffered => {
            fail(Cause::RequireTlsNotOffered { host: host.clone() }, Weight::Insecure)
        }
        Requirement::RequireTls if !authentication.is_of_the_host(planned) => {
            fail(Cause::RequireTlsFailed { why: Box::new(not_proven()) }, weight)
        }
        Requirement::Authenticated if authentication.protection() < Protection::Authenticated => {
            fail(not_proven(), weight)
        }
        _ => Ok(authentication),
    }
}

/// Whether a policy that names the host is all that is missing, and it is not known whether there is one.
fn lacks_policy(planned: &PlannedHost, identity: &Identity) -> bool {
    planned.sts == StsDemand::Unknown
        && matches!(&identity.chain, Chain::Trusted { names } if names.contains(&planned.name))
}

/// RFC 7672 §2.2: with usable records MUST authenticate.
fn bound_by_dane(planned: &PlannedHost, host: &HostAddress, identity: &Identity) -> Result<(), HostFailure> {
    let Dane::Authenticate { age, .. } = &planned.dane else { return Ok(()) };
    match &identity.tlsa {
        TlsaMatch::Matched { .. } => Ok(()),
        TlsaMatch::Mismatch { detail } => Err(mismatch(planned, host, Mechanism::Dane, detail, *age)),
        TlsaMatch::NotAsked => {
            let detail = format!("the certificate of {host} was not compared with its TLSA records");
            Err(HostFailure { cause: Cause::OwnFault { detail }, weight: Weight::Away })
        }
    }
}

/// RFC 8461 §5: MUST NOT deliver to hosts that fail certificate validation.
fn bound_by_sts(planned: &PlannedHost, host: &HostAddress, identity: &Identity) -> Result<(), HostFailure> {
    let StsDemand::Enforce { age } = planned.sts else { return Ok(()) };
    match &identity.chain {
        Chain::Trusted { names } if names.contains(&planned.name) => Ok(()),
        _ => Err(mismatch(planned, host, Mechanism::MtaSts, &not_proven(planned, identity), age)),
    }
}

fn authenticate(planned: &PlannedHost, identity: &Identity) -> Authentication {
    if let (Dane::Authenticate { .. }, TlsaMatch::Matched { record }) = (&planned.dane, &identity.tlsa)
        && planned.proof == Proof::Secure
    {
        return Authentication::Dane { record: record.clone() };
    }
    if let Chain::Trusted { names } = &identity.chain {
        let named = |name: &String| names.contains(name).then(|| name.clone());
        if let Some(name) = named(&planned.name) {
            // RFC 8461 §4.1: the policy proves the name.
            if matches!(planned.sts, StsDemand::Enforce { .. }) {
                return Authentication::MtaSts { name };
            }
            if planned.proof == Proof::Secure || planned.name == planned.next_hop {
                return Authentication::Certificate { name };
            }
        }
        if let Some(name) = named(&planned.next_hop) {
            return Authentication::Certificate { name };
        }
    }
    match &identity.tlsa {
        TlsaMatch::Matched { record } => Authentication::UnprovenHost { record: record.clone() },
        TlsaMatch::NotAsked | TlsaMatch::Mismatch { .. } => Authentication::Nothing,
    }
}

impl Authentication {
    /// RFC 8689 §4.2.1: the host's own name must be proven, and the certificate must have it. A certificate that
    /// names the recipient domain only is not enough.
    fn is_of_the_host(&self, planned: &PlannedHost) -> bool {
        match self {
            Self::Dane { .. } | Self::MtaSts { .. } => true,
            Self::Certificate { name } => *name == planned.name,
            Self::Nothing | Self::UnprovenHost { .. } => false,
        }
    }
}

fn not_proven(planned: &PlannedHost, identity: &Identity) -> String {
    match &identity.chain {
        Chain::Untrusted { fault: ChainFault::Expired, detail } => {
            format!("the certificate has expired or is not valid yet ({detail})")
        }
        Chain::Untrusted { fault: ChainFault::NotTrusted, detail } => {
            format!("the certificate is not trusted ({detail})")
        }
        Chain::Trusted { names } if names.contains(&planned.name) => {
            format!("the DNS does not prove that {} takes mail for {}", planned.name, planned.next_hop)
        }
        Chain::Trusted { .. } => format!("the certificate is for another name than {}", planned.name),
    }
}

fn mismatch(
    planned: &PlannedHost,
    host: &HostAddress,
    mechanism: Mechanism,
    detail: &str,
    age: Age,
) -> HostFailure {
    let cause = Cause::Mismatch { host: host.clone(), mechanism, detail: detail.to_owned() };
    let weight = Weight::of_mismatch(age);
    let cause = match planned.requirement {
        Requirement::RequireTls => Cause::RequireTlsFailed { why: Box::new(cause) },
        _ => cause,
    };
    HostFailure { cause, weight }
}

fn proceed(protection: Protection, authentication: Authentication) -> Verdict {
    Verdict::Proceed(Clearance { protection, authentication, _private: () })
}

fn next_host(planned: &PlannedHost, cause: Cause, weight: Weight) -> Verdict {
    // RFC 8689 §4.2.1: with REQUIRETLS the same has its own code.
    let cause = match (planned.requirement, cause) {
        (_, fault @ Cause::OwnFault { .. }) => fault,
        (Requirement::RequireTls, why) => Cause::RequireTlsFailed { why: Box::new(why) },
        (_, cause) => cause,
    };
    Verdict::NextHost(HostFailure { cause, weight })
}
