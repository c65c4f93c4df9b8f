use serde::{Deserialize, Serialize};

use crate::{
    Chain, ChainFault, Dane, Facts, Handshake, HostAddress, LookupFailureKind, MxAnswer, PlannedHost,
    Protection, Starttls, Sts, StsDemand, StsProblem, TlsDetails, TlsFailure, Tlsa, TlsaMatch, Verdict,
};

/// What one connection, or one look-up, showed of a domain's transport security. The memory and the reports to
/// receiving domains (RFC 8460) are made of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The recipients' domain, in A-labels.
    pub domain: String,
    /// The host, if one was spoken to or would have been.
    pub host: Option<HostAddress>,
    /// What the domain asks.
    pub policy: AppliedPolicy,
    /// What was met.
    pub outcome: Sighted,
}

/// What was met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sighted {
    /// TLS, and everything that the domain asks.
    Tls {
        /// The connection.
        tls: TlsDetails,
        /// What it protects by.
        protection: Protection,
    },
    /// TLS, but not everything that the domain asks or announces.
    Flawed {
        /// The connection.
        tls: TlsDetails,
        /// What is missing.
        result: ResultType,
        /// For the domain's administrator.
        detail: String,
    },
    /// No TLS.
    NoTls {
        /// Why.
        result: ResultType,
        /// For the domain's administrator.
        detail: String,
    },
    /// What the domain publishes could not be had.
    NoPolicy {
        /// Why.
        result: ResultType,
        /// For the domain's administrator.
        detail: String,
    },
}

/// The result types of RFC 8460 §4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the RFC's own names")]
pub enum ResultType {
    StarttlsNotSupported,
    CertificateHostMismatch,
    CertificateExpired,
    CertificateNotTrusted,
    ValidationFailure,
    TlsaInvalid,
    DnssecInvalid,
    DaneRequired,
    StsPolicyFetchError,
    StsPolicyInvalid,
    StsWebpkiInvalid,
}

/// The policy that a connection was made under (RFC 8460 §4.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub enum AppliedPolicy {
    /// `tlsa`.
    Tlsa {
        /// The TLSA base domain.
        base: String,
        /// The records in presentation format.
        records: Vec<String>,
    },
    /// `sts`.
    Sts {
        /// The policy domain.
        domain: String,
        /// The lines of the policy.
        lines: Vec<String>,
        /// Its patterns.
        mx: Vec<String>,
    },
    /// `no-policy-found`.
    None,
}

/// What a judged connection to a planned host is to be remembered and reported as; `None` if it shows nothing.
pub fn sighting(
    facts: &Facts,
    planned: &PlannedHost,
    seen: &Handshake,
    verdict: &Verdict,
) -> Option<Sighting> {
    let outcome = match &seen.starttls {
        Starttls::NotTried | Starttls::Failed { failure: TlsFailure::OwnFault, .. } => return None,
        Starttls::NotOffered => no_tls(ResultType::StarttlsNotSupported, "EHLO without STARTTLS"),
        Starttls::Refused { reply, .. } => no_tls(ResultType::StarttlsNotSupported, reply),
        Starttls::Failed { detail, .. } => no_tls(ResultType::ValidationFailure, detail),
        Starttls::Established { tls, identity, .. } => {
            let flaw = flaw_of_dane(planned, &identity.tlsa)
                .or_else(|| flaw_of_sts(facts, planned, &identity.chain));
            match (flaw, verdict) {
                (Some((result, detail)), _) => Sighted::Flawed { tls: tls.clone(), result, detail },
                (None, Verdict::Proceed(clearance)) => {
                    Sighted::Tls { tls: tls.clone(), protection: clearance.protection() }
                }
                // The domain gives all that it promises; the sender asks for more.
                (None, _) => Sighted::Tls { tls: tls.clone(), protection: Protection::Encrypted },
            }
        }
    };
    Some(Sighting {
        domain: facts.next_hop.clone(),
        host: Some(seen.host.clone()),
        policy: policy(facts, planned),
        outcome,
    })
}

/// What the look-ups of a next hop themselves have to report.
pub fn policy_sightings(facts: &Facts) -> Vec<Sighting> {
    let one = |policy, result, detail: &str| Sighting {
        domain: facts.next_hop.clone(),
        host: None,
        policy,
        outcome: Sighted::NoPolicy { result, detail: detail.to_owned() },
    };
    let mut all = Vec::new();
    if let Some((problem, detail)) = facts.sts.problem() {
        let result = match problem {
            StsProblem::FetchError => ResultType::StsPolicyFetchError,
            StsProblem::Invalid => ResultType::StsPolicyInvalid,
            StsProblem::WebPki => ResultType::StsWebpkiInvalid,
        };
        let nothing =
            AppliedPolicy::Sts { domain: facts.next_hop.clone(), lines: Vec::new(), mx: Vec::new() };
        all.push(one(applied(&facts.sts).unwrap_or(nothing), result, detail));
    }
    if let MxAnswer::Hosts { hosts, .. } = &facts.mx {
        for host in hosts {
            if let Tlsa::Failed(failure) = &host.tlsa
                && failure.kind == LookupFailureKind::Bogus
            {
                let policy = AppliedPolicy::Tlsa { base: host.name.clone(), records: Vec::new() };
                all.push(one(policy, ResultType::DnssecInvalid, &failure.detail));
            }
        }
    }
    all
}

fn no_tls(result: ResultType, detail: &str) -> Sighted {
    Sighted::NoTls { result, detail: detail.to_owned() }
}

fn flaw_of_dane(planned: &PlannedHost, tlsa: &TlsaMatch) -> Option<(ResultType, String)> {
    match (&planned.dane, tlsa) {
        (Dane::Encrypt, _) => Some((ResultType::TlsaInvalid, "no TLSA record is usable".to_owned())),
        (Dane::Authenticate { .. }, TlsaMatch::Mismatch { detail }) => {
            Some((ResultType::ValidationFailure, detail.clone()))
        }
        (Dane::None | Dane::Authenticate { .. }, _) => None,
    }
}

/// Also of a policy that is in `testing` (RFC 8461 §5).
fn flaw_of_sts(facts: &Facts, planned: &PlannedHost, chain: &Chain) -> Option<(ResultType, String)> {
    let sts = facts.sts.policy()?;
    // DANE goes first.
    if matches!(planned.dane, Dane::Authenticate { .. }) && planned.sts == StsDemand::None {
        return None;
    }
    if sts.mode == crate::StsMode::None {
        return None;
    }
    if !sts.names(&planned.name) {
        let detail = format!("the policy does not name {}", planned.name);
        return Some((ResultType::ValidationFailure, detail));
    }
    match chain {
        Chain::Trusted { names } if names.contains(&planned.name) => None,
        Chain::Trusted { .. } => Some((
            ResultType::CertificateHostMismatch,
            format!("the certificate does not name {}", planned.name),
        )),
        Chain::Untrusted { fault: ChainFault::Expired, detail } => {
            Some((ResultType::CertificateExpired, detail.clone()))
        }
        Chain::Untrusted { fault: ChainFault::NotTrusted, detail } => {
            Some((ResultType::CertificateNotTrusted, detail.clone()))
        }
    }
}

fn policy(facts: &Facts, planned: &PlannedHost) -> AppliedPolicy {
    let published = match &facts.mx {
        MxAnswer::Hosts { hosts, .. } => hosts.iter().find(|host| host.name == planned.name),
        MxAnswer::NullMx | MxAnswer::NoSuchDomain | MxAnswer::Failed(_) => None,
    };
    if let Some(Tlsa::Published { base, records, .. }) = published.map(|host| &host.tlsa) {
        let records = records.iter().map(ToString::to_string).collect();
        return AppliedPolicy::Tlsa { base: base.clone(), records };
    }
    applied(&facts.sts).unwrap_or(AppliedPolicy::None)
}

fn applied(sts: &Sts) -> Option<AppliedPolicy> {
    let sts = sts.policy().filter(|sts| sts.mode != crate::StsMode::None)?;
    Some(AppliedPolicy::Sts { domain: sts.domain.clone(), lines: sts.lines(), mx: sts.mx.clone() })
}
