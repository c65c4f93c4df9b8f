//! The names of a certificate, for DANE-TA(2): DNS-IDs, or the CN where there is none (RFC 7672 §3.2.3).

use x509_parser::{certificate::X509Certificate, extensions::GeneralName};

/// The names that a certificate goes by.
pub(super) fn of(certificate: &X509Certificate<'_>) -> Vec<String> {
    let mut names = Vec::new();
    if let Ok(Some(alternatives)) = certificate.subject_alternative_name() {
        names.extend(alternatives.value.general_names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        }));
    }
    // Not a fallback for a DNS-ID that does not match: only where there is none at all.
    if names.is_empty() {
        let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
        names.extend(common.map(str::to_owned));
    }
    names
}

/// Whether a name of a certificate, perhaps a wildcard for the whole left-most label, is this host's.
pub(super) fn is(presented: &str, host: &str) -> bool {
    match presented.strip_prefix("*.") {
        Some(parent) => {
            host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && same(parent, rest))
        }
        None => same(presented, host),
    }
}

fn same(one: &str, other: &str) -> bool {
    let bare = |name: &str| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    !one.is_empty() && bare(one) == bare(other)
}
