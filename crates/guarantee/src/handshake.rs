use std::fmt;

use serde::{Deserialize, Serialize};

/// What one MX host showed on a connection, before any envelope: the observation that [`crate::judge()`] judges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// How the host was reached.
    pub host: crate::HostAddress,
    /// What came of STARTTLS.
    pub starttls: Starttls,
    /// How many fresh connections in a row ended like this one, this one included.
    pub seen: u8,
}

/// What came of STARTTLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Starttls {
    /// EHLO answered without STARTTLS, or only HELO was understood.
    NotOffered,
    /// Not said on this connection, because a handshake with this host has just failed and [`crate::judge()`] allowed to
    /// go on without.
    NotTried,
    /// Offered, then answered with something other than 220.
    Refused {
        /// The reply's first digit is 4: may be different next time.
        transient: bool,
        /// The reply, as one line.
        reply: String,
    },
    /// The TLS handshake did not complete.
    Failed {
        /// What ended it.
        failure: TlsFailure,
        /// The TLS library's or the system's words.
        detail: String,
    },
    /// TLS is up.
    Established {
        /// The connection.
        tls: TlsDetails,
        /// Who the host has proven to be, as far as the plan asks.
        identity: Identity,
        /// Whether EHLO inside TLS offers REQUIRETLS (RFC 8689 §4.2.1 step 5).
        requiretls: RequireTlsOffer,
    },
}

/// Whether a host promises what REQUIRETLS asks for the way that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequireTlsOffer {
    /// It does.
    Offered,
    /// It does not.
    NotOffered,
}

/// Who a host has proven to be, by the certificates it presented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// By the trusted certification authorities.
    pub chain: Chain,
    /// By the usable TLSA records of the plan.
    pub tlsa: TlsaMatch,
}

/// What a host's certificates come to by the trusted certification authorities (RFC 5280, RFC 6125).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chain {
    /// They are valid now, for these of the names that the plan asks about ([`crate::PlannedHost::names`]); perhaps for none.
    Trusted {
        /// The names.
        names: Vec<String>,
    },
    /// They are not valid.
    Untrusted {
        /// Why.
        fault: ChainFault,
        /// The TLS library's words.
        detail: String,
    },
}

/// Why certificates are not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChainFault {
    /// Expired, or not valid yet.
    Expired,
    /// They lead to nobody who is trusted, or are malformed.
    NotTrusted,
}

/// What the comparison with TLSA records came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsaMatch {
    /// The plan has none to compare with.
    NotAsked,
    /// This record matches, and all else that it asks holds (RFC 7672 §3.1, §3.2).
    Matched {
        /// In presentation format.
        record: String,
    },
    /// None does.
    Mismatch {
        /// What is wrong with the nearest.
        detail: String,
    },
}

/// What ended a TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsFailure {
    /// An alert from the host, or no common version or cipher: its answer.
    Refused,
    /// A timeout or a reset: anybody on the way can cause it.
    Interrupted,
    /// Not the host's fault: our own TLS could not even begin.
    OwnFault,
}

/// The protocol of an established connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    #[serde(rename = "TLSv1.2")]
    Tls12,
    /// TLS 1.3 (RFC 8446).
    #[serde(rename = "TLSv1.3")]
    Tls13,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        })
    }
}

/// An established TLS connection, as evidence of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsDetails {
    /// The protocol. There is no way to write down an older one (P13).
    pub version: TlsVersion,
    /// The cipher suite's IANA name.
    pub cipher: String,
    /// The key exchange's IANA name, such as `X25519MLKEM768`; `resumed` if an earlier connection's secret was used.
    #[serde(default)]
    pub key_exchange: String,
    /// SHA-256 of the host's certificate, in hex.
    pub certificate_sha256: String,
}
