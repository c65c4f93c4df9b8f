//! Whom a certificate names, as DANE asks it (RFC 7672 §3.2.3).

use x509_parser::{certificate::X509Certificate, extensions::GeneralName};

/// Names in a certificate that are looked at.
const MOST_NAMES: usize = 1000;

/// The DNS-IDs of a certificate, or its CN-IDs if it has no DNS-ID.
pub(super) fn identifiers<'a>(certificate: &'a X509Certificate<'_>) -> Vec<&'a str> {
    let alternative = match certificate.subject_alternative_name() {
        Ok(alternative) => alternative,
        // There is one and it can't be read: it may hold a DNS-ID, which would rule out the CN.
        Err(_) => return Vec::new(),
    };
    let general = alternative.iter().flat_map(|extension| &extension.value.general_names);
    let dns = general.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(*name),
        _ => None,
    });
    let dns: Vec<&str> = dns.take(MOST_NAMES).collect();
    if !dns.is_empty() {
        return dns;
    }
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    common.take(MOST_NAMES).collect()
}

/// Whether a name out of a certificate is this host's. A wildcard is the whole first label and stands for one.
pub(super) fn names(presented: &str, reference: &str) -> bool {
    match presented.strip_prefix("*.") {
        Some(rest) => {
            reference.split_once('.').is_some_and(|(first, others)| !first.is_empty() && same(rest, others))
        }
        None => same(presented, reference),
    }
}

fn same(presented: &str, reference: &str) -> bool {
    !presented.is_empty() && presented.eq_ignore_ascii_case(reference)
}
