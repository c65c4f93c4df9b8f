//! What a report counts.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use guarantee::{AppliedPolicy, ResultType};

use crate::clean;

/// Characters of one line of a policy, or one TLSA record.
const MAX_POLICY_LINE: usize = 1_000;
/// Characters of a failure's reason; it "is intended to be a short text field" (RFC 8460 §4.3.3).
const MAX_REASON: usize = 400;
/// Octets of a host's own name for itself, as of any name.
const MAX_NAME: usize = 253;
/// Octets of a URI.
const MAX_URI: usize = 2_000;

/// Sessions under the same policy and with the same outcome. Rows may repeat; they are added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultRow {
    /// The policy that they were made under.
    pub policy: AppliedPolicy,
    /// How they went.
    pub outcome: Outcome,
    /// How many.
    pub count: u64,
}

/// How a session went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// TLS, and all that the policy asks (RFC 8460 §4.2.1).
    Success,
    /// Not so (§4.2.2).
    Failure(Failure),
}

/// A way to fail: an entry of `failure-details` (RFC 8460 §4.4). All text may be foreign and hostile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// What failed.
    pub result: ResultType,
    /// Our address.
    pub sending_mta_ip: Option<IpAddr>,
    /// The MX host.
    pub receiving_mx_hostname: Option<String>,
    /// What it calls itself.
    pub receiving_mx_helo: Option<String>,
    /// Its address.
    pub receiving_ip: Option<IpAddr>,
    /// A URI; what is none is left out.
    pub additional_information: Option<String>,
    /// Code or text. For `certificate-not-trusted` and `validation-failure` there should be one (§4.3.1).
    pub failure_reason_code: Option<String>,
}

impl Failure {
    /// One without particulars.
    pub fn of(result: ResultType) -> Self {
        Self {
            result,
            sending_mta_ip: None,
            receiving_mx_hostname: None,
            receiving_mx_helo: None,
            receiving_ip: None,
            additional_information: None,
            failure_reason_code: None,
        }
    }

    fn cleaned(&self) -> Self {
        let line = |text: &Option<String>, max| {
            text.as_ref().map(|text| clean::line(text, max)).filter(|text| !text.is_empty())
        };
        Self {
            result: self.result,
            // An IPv4 address is written as one (§4.4).
            sending_mta_ip: self.sending_mta_ip.map(|ip| ip.to_canonical()),
            receiving_mx_hostname: self.receiving_mx_hostname.as_deref().map(clean::pattern),
            receiving_mx_helo: line(&self.receiving_mx_helo, MAX_NAME),
            receiving_ip: self.receiving_ip.map(|ip| ip.to_canonical()),
            additional_information: self
                .additional_information
                .as_deref()
                .and_then(|text| clean::uri(text, MAX_URI)),
            failure_reason_code: line(&self.failure_reason_code, MAX_REASON),
        }
    }
}

/// The sessions under one policy.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) successes: u64,
    pub(crate) failures: BTreeMap<Failure, u64>,
}

impl Tally {
    pub(crate) fn failed(&self) -> u64 {
        self.failures.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// The sessions of each policy, cleaned and in an order that does not depend on that of the rows.
pub(crate) fn tallies(rows: &[ResultRow]) -> BTreeMap<AppliedPolicy, Tally> {
    let mut tallies = BTreeMap::<AppliedPolicy, Tally>::new();
    for row in rows {
        let tally = tallies.entry(cleaned(&row.policy)).or_default();
        let count = match &row.outcome {
            Outcome::Success => &mut tally.successes,
            Outcome::Failure(failure) => tally.failures.entry(failure.cleaned()).or_default(),
        };
        *count = count.saturating_add(row.count);
    }
    tallies
}

fn cleaned(policy: &AppliedPolicy) -> AppliedPolicy {
    let line = |text: &String| clean::line(text, MAX_POLICY_LINE);
    match policy {
        AppliedPolicy::Tlsa { base, records } => {
            // The DNS gives the records of a set in any order.
            let records = records.iter().map(line).collect::<BTreeSet<_>>().into_iter().collect();
            AppliedPolicy::Tlsa { base: clean::pattern(base), records }
        }
        AppliedPolicy::Sts { domain, lines, mx } => AppliedPolicy::Sts {
            domain: clean::pattern(domain),
            lines: lines.iter().map(line).collect(),
            mx: mx.iter().map(|pattern| clean::pattern(pattern)).collect(),
        },
        AppliedPolicy::None => AppliedPolicy::None,
    }
}
