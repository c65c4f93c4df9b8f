use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What DNS says of a next hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The domain whose MX was looked up, in A-labels, before any CNAME.
    pub next_hop: String,
    /// What the look-up gave.
    pub mx: MxAnswer,
}

/// The answer to "which hosts take mail for this next hop" (RFC 5321 §5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MxAnswer {
    /// Hosts in the order to try them: by preference, equal ones already shuffled.
    Hosts(Vec<MxHost>),
    /// `MX 0 .` (RFC 7505): the domain accepts no mail.
    NullMx,
    /// NXDOMAIN, or neither MX nor address records.
    NoSuchDomain,
    /// The look-up failed: nothing is known.
    Failed {
        /// For the operator and the delay notice.
        detail: String,
    },
}

/// One host named by an MX record, or the domain itself where it has none (implicit MX).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MxHost {
    /// The host's name as the MX record has it, without the final dot.
    pub name: String,
    /// Lower is tried first.
    pub preference: u16,
    /// The host's addresses.
    pub addresses: Addresses,
    /// The host is this server: a loop (RFC 5321 §5.1).
    pub is_self: bool,
}

/// The addresses of one MX host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Addresses {
    /// In the order to try them; never empty.
    Found(Vec<IpAddr>),
    /// The name has none, for certain.
    NoAddress,
    /// Only loopback, private or otherwise unusable ones, which mail never goes to by MX.
    Forbidden,
    /// The look-up failed.
    Failed {
        /// For the operator and the delay notice.
        detail: String,
    },
}
