//! Clearances, obtained the only way there is: from a judgement.

use std::net::{IpAddr, Ipv4Addr};

use guarantee::{
    Clearance, Handshake, HostAddress, PlannedHost, Requirement, Starttls, TlsDetails, TlsVersion, Verdict,
    judge,
};

fn judged(requirement: Requirement, starttls: Starttls) -> Clearance {
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let planned = PlannedHost { name: "mx.tls.example".to_owned(), addresses: vec![address], requirement };
    let host = HostAddress { name: planned.name.clone(), address };
    match judge(&planned, &Handshake { host, starttls, seen: 1 }) {
        Verdict::Proceed(clearance) => clearance,
        other => panic!("no clearance: {other:?}"),
    }
}

/// To send in clear.
pub fn in_clear() -> Clearance {
    judged(Requirement::Opportunistic, Starttls::NotOffered)
}

/// To send encrypted.
pub fn encrypted() -> Clearance {
    let details = TlsDetails {
        version: TlsVersion::Tls13,
        cipher: "TLS13_AES_256_GCM_SHA384".to_owned(),
        certificate_sha256: "00".repeat(32),
    };
    judged(Requirement::Encrypted, Starttls::Established(details))
}
