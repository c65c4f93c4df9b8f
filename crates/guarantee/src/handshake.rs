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
    Established(TlsDetails),
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

/// An established TLS connection, as evidence of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsDetails {
    /// The protocol. There is no way to write down an older one (P13).
    pub version: TlsVersion,
    /// The cipher suite's IANA name.
    pub cipher: String,
    /// SHA-256 of the host's certificate, in hex.
    pub certificate_sha256: String,
}
