use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::{Sts, TlsaRecord};

/// How far an answer of the DNS is proven (RFC 4035 §4.3). What is bogus is no answer: [`LookupFailure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// Proven to be unsigned: whoever is on the way can have written it.
    Insecure,
    /// Signed, from the root down; or configured by the operator.
    Secure,
}

/// Why nothing is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupFailure {
    /// In which way.
    pub kind: LookupFailureKind,
    /// For the operator and the delay notice.
    pub detail: String,
}

/// In which way a look-up failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookupFailureKind {
    /// There is an answer, and its signatures do not hold.
    Bogus,
    /// Timeout, SERVFAIL, a malformed answer.
    Unanswered,
    /// Not the domain's doing: the root trust anchor is out of date, or our resolver gives no signatures.
    OwnFault,
}

impl fmt::Display for LookupFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// Whether an answer can be out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Age {
    /// It may come from a cache, ours or a resolver's, and have been replaced since.
    Cached,
    /// It was looked up at its source for this attempt.
    Fresh,
}

/// What is published about a next hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The domain whose MX was looked up, in A-labels, before any CNAME.
    pub next_hop: String,
    /// What the look-up gave.
    pub mx: MxAnswer,
    /// Its MTA-STS policy.
    pub sts: Sts,
}

/// The answer to "which hosts take mail for this next hop" (RFC 5321 §5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MxAnswer {
    /// Hosts there are.
    Hosts {
        /// How far their names are proven.
        proof: Proof,
        /// The next hop's name at the end of its CNAMEs, if it has any and they are proven (RFC 7672 §2.2.2).
        expanded: Option<String>,
        /// In the order to try them: by preference, equal ones already shuffled.
        hosts: Vec<MxHost>,
    },
    /// `MX 0 .` (RFC 7505): the domain accepts no mail.
    NullMx,
    /// NXDOMAIN, or neither MX nor address records.
    NoSuchDomain,
    /// The look-up failed: nothing is known.
    Failed(LookupFailure),
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
    /// Its DANE records.
    pub tlsa: Tlsa,
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
    Failed(LookupFailure),
}

/// The DANE records of one MX host (RFC 7672 §2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tlsa {
    /// None, for certain: proven to be absent, or not asked for because the host's own name is unsigned (§2.2.2).
    None,
    /// A secure RRset; never empty, perhaps without a usable record.
    Published {
        /// The TLSA base domain: the host's name, or what its CNAMEs lead to (§2.2.3).
        base: String,
        /// The records.
        records: Vec<TlsaRecord>,
        /// Whether they may be out of date.
        age: Age,
    },
    /// The look-up failed: the host is not to be used (§2.1.2).
    Failed(LookupFailure),
}
