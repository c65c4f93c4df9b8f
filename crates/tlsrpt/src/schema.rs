//! The report in JSON (RFC 8460 §4.4).

use std::net::IpAddr;

use guarantee::{AppliedPolicy, ResultType};
use jiff::Timestamp;
use serde::Serialize;

use crate::rows::{Failure, Tally};

/// The largest whole number that any reader of I-JSON takes (RFC 7493 §2.2).
const MAX_COUNT: u64 = (1 << 53) - 1;

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Report<'x> {
    pub(crate) organization_name: &'x str,
    pub(crate) date_range: DateRange,
    pub(crate) contact_info: String,
    pub(crate) report_id: &'x str,
    pub(crate) policies: Vec<PolicyResult<'x>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct DateRange {
    pub(crate) start_datetime: Timestamp,
    pub(crate) end_datetime: Timestamp,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct PolicyResult<'x> {
    policy: Policy<'x>,
    summary: Summary,
    failure_details: Vec<FailureDetails<'x>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Policy<'x> {
    policy_type: &'static str,
    policy_string: &'x [String],
    policy_domain: &'x str,
    /// Only of a policy of MTA-STS.
    #[serde(skip_serializing_if = "Option::is_none")]
    mx_host: Option<&'x [String]>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Summary {
    total_successful_session_count: u64,
    total_failure_session_count: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct FailureDetails<'x> {
    result_type: ResultType,
    #[serde(skip_serializing_if = "Option::is_none")]
    sending_mta_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiving_mx_hostname: Option<&'x str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiving_mx_helo: Option<&'x str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiving_ip: Option<IpAddr>,
    failed_session_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_information: Option<&'x str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason_code: Option<&'x str>,
}

impl<'x> PolicyResult<'x> {
    /// `domain` is the one that the report is for.
    pub(crate) fn new(domain: &'x str, policy: &'x AppliedPolicy, tally: &'x Tally) -> Self {
        Self {
            policy: Policy::new(domain, policy),
            summary: Summary {
                total_successful_session_count: tally.successes.min(MAX_COUNT),
                total_failure_session_count: tally.failed().min(MAX_COUNT),
            },
            failure_details: tally
                .failures
                .iter()
                .map(|(failure, count)| FailureDetails::new(failure, *count))
                .collect(),
        }
    }
}

impl<'x> Policy<'x> {
    fn new(domain: &'x str, policy: &'x AppliedPolicy) -> Self {
        match policy {
            AppliedPolicy::Tlsa { base, records } => Self {
                policy_type: "tlsa",
                policy_string: records,
                // §1.1: for DANE the policy domain is the TLSA base domain.
                policy_domain: base,
                mx_host: None,
            },
            AppliedPolicy::Sts { domain, lines, mx } => {
                Self { policy_type: "sts", policy_string: lines, policy_domain: domain, mx_host: Some(mx) }
            }
            AppliedPolicy::None => Self {
                policy_type: "no-policy-found",
                policy_string: &[],
                policy_domain: domain,
                mx_host: None,
            },
        }
    }
}

impl<'x> FailureDetails<'x> {
    fn new(failure: &'x Failure, count: u64) -> Self {
        Self {
            result_type: failure.result,
            sending_mta_ip: failure.sending_mta_ip,
            receiving_mx_hostname: failure.receiving_mx_hostname.as_deref(),
            receiving_mx_helo: failure.receiving_mx_helo.as_deref(),
            receiving_ip: failure.receiving_ip,
            failed_session_count: count.min(MAX_COUNT),
            additional_information: failure.additional_information.as_deref(),
            failure_reason_code: failure.failure_reason_code.as_deref(),
        }
    }
}
