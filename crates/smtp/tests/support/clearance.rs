//! Clearances, obtained the only way there is: from a judgement.

use std::net::{IpAddr, Ipv4Addr};

use guarantee::{
    Chain, ChainFault, Clearance, Dane, Handshake, HostAddress, Identity, PlannedHost, Proof,
    RequireTlsOffer, Requirement, Starttls, StsDemand, TlsDetails, TlsVersion, TlsaMatch, Verdict, judge,
};

fn judged(requirement: Requirement, proof: Proof, starttls: Starttls) -> Clearance {
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let planned = PlannedHost {
        name: "mx.tls.example".to_owned(),
        sni: "mx.tls.example".to_owned(),
        addresses: vec![address],
        requirement,
        dane: Dane::None,
        sts: StsDemand::None,
        next_hop: "tls.example".to_owned(),
        proof,
    };
    let host = HostAddress { name: planned.name.clone(), address };
    match judge(&planned, &Handshake { host, starttls, seen: 1 }) {
        Verdict::Proceed(clearance) => clearance,
        other => panic!("no clearance: {other:?}"),
    }
}

/// To send in clear.
pub fn in_clear() -> Clearance {
    judged(Requirement::Opportunistic, Proof::Insecure, Starttls::NotOffered)
}

fn established(chain: Chain, requiretls: RequireTlsOffer) -> Starttls {
    let tls = TlsDetails {
        version: TlsVersion::Tls13,
        cipher: "TLS13_AES_256_GCM_SHA384".to_owned(),
        key_exchange: "X25519MLKEM768".to_owned(),
        certificate_sha256: "00".repeat(32),
    };
    Starttls::Established { tls, identity: Identity { chain, tlsa: TlsaMatch::NotAsked }, requiretls }
}

/// To send encrypted.
pub fn encrypted() -> Clearance {
    let chain = Chain::Untrusted { fault: ChainFault::NotTrusted, detail: "self-signed".to_owned() };
    let shown = established(chain, RequireTlsOffer::NotOffered);
    judged(Requirement::Encrypted, Proof::Insecure, shown)
}

/// To send with REQUIRETLS: the host has proven who it is, and offers it.
pub fn proven() -> Clearance {
    let chain = Chain::Trusted { names: vec!["mx.tls.example".to_owned()] };
    let shown = established(chain, RequireTlsOffer::Offered);
    judged(Requirement::RequireTls, Proof::Secure, shown)
}
