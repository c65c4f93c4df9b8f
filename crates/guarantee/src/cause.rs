use std::{fmt, net::IpAddr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An MX host as mail administrators write it: `name[address]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostAddress {
    /// The MX host's name.
    pub name: String,
    /// The address that was connected to.
    pub address: IpAddr,
}

impl fmt::Display for HostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.name, self.address)
    }
}

/// By which mechanism a receiving domain says who its hosts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanism {
    /// RFC 7672.
    Dane,
    /// RFC 8461.
    MtaSts,
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dane => "DANE",
            Self::MtaSts => "MTA-STS",
        })
    }
}

/// Why a recipient was not delivered to: the sentence and code of the bounce, the kind for the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[expect(missing_docs, reason = "the variants' fields say what their names say; the variants are documented")]
pub enum Cause {
    /// EHLO without STARTTLS.
    NoStarttls { host: HostAddress },
    /// STARTTLS was offered and then refused.
    StarttlsRefused { host: HostAddress, reply: String },
    /// Old protocol, alert, no common cipher; or interrupted time and again.
    HandshakeFailed { host: HostAddress, detail: String },
    /// The host is not the one that the domain's TLSA records or policy describe.
    Mismatch { host: HostAddress, mechanism: Mechanism, detail: String },
    /// The sender demands a host that proves who it is, and this one does not.
    NotAuthenticated { host: HostAddress, detail: String },
    /// REQUIRETLS, and the host does not promise it for the way that follows (RFC 8689 §4.2.1).
    RequireTlsNotOffered { host: HostAddress },
    /// REQUIRETLS, and no such connection to the host came about.
    RequireTlsFailed { why: Box<Cause> },
    /// Worse than what this user's mail has met there before.
    Downgrade { now: Box<Cause>, seen: Timestamp },
    /// Many destinations have lost TLS at once: our own line is not to be believed.
    OwnLine { last: Box<Cause> },
    /// No connection could be made.
    Unreachable { host: HostAddress, detail: String },
    /// The greeting was not 220.
    GreetingRefused { host: HostAddress, reply: String },
    /// The connection broke, or the host did not speak SMTP.
    ConnectionLost { host: HostAddress, stage: String, detail: String },
    /// The host's reply about this message or recipient. `status` is its enhanced code, or one made from the reply code.
    Rejected { host: HostAddress, status: String, command: String, reply: String },
    /// DNS could not be asked.
    DnsFailed { domain: String, detail: String },
    /// There is an answer, and its DNSSEC signatures do not hold.
    DnsBogus { domain: String, detail: String },
    /// RFC 7505.
    NullMx { domain: String },
    /// NXDOMAIN, or nothing there that takes mail.
    NoSuchDomain { domain: String },
    /// The domain's mail leads back to this server (RFC 5321 §5.1).
    LoopsBack { domain: String },
    /// More `Received` fields than any honest way has (RFC 5321 §6.3).
    TooManyHops { hops: usize },
    /// MX hosts there are, but none with an address mail may go to.
    NoUsableAddress { domain: String },
    /// There is no such local mailbox.
    UnknownUser { address: String },
    /// The next hop takes no internationalised addresses (RFC 6531 §3.5).
    NoSmtpUtf8 { host: HostAddress },
    /// The next hop takes no 8-bit content and the message cannot be re-encoded (RFC 6152).
    NoEightBitMime { host: HostAddress },
    /// Larger than the next hop takes (RFC 1870).
    TooLarge { host: HostAddress, limit: u64 },
    /// Given up after [`crate::EXPIRES_AFTER`].
    Expired { last: Box<Cause> },
    /// A fault of this server.
    OwnFault { detail: String },
}

impl Cause {
    /// The sentence of the bounce, one line.
    pub fn text(&self) -> String {
        match self {
            Self::NoStarttls { host } => format!("TLS is required, but was not offered by host {host}"),
            Self::StarttlsRefused { host, reply } => {
                format!("TLS is required, but host {host} refused to start TLS: {reply}")
            }
            Self::HandshakeFailed { host, detail } => {
                format!("TLS is required, but the handshake with host {host} failed: {detail}")
            }
            Self::Mismatch { host, mechanism, detail } => {
                format!("TLS is required, but host {host} did not prove its identity ({mechanism}): {detail}")
            }
            Self::NotAuthenticated { host, detail } => {
                format!("TLS is required, but host {host} did not prove its identity (certificate): {detail}")
            }
            Self::RequireTlsNotOffered { host } => {
                format!("REQUIRETLS support required, but not offered by host {host}")
            }
            Self::RequireTlsFailed { why } => format!("Encryption needed (REQUIRETLS): {}", why.text()),
            Self::Downgrade { now, seen } => {
                let what = match **now {
                    Self::NotAuthenticated { .. } => "it last proved its identity",
                    _ => "TLS was last seen",
                };
                format!("{}; possible downgrade, {what} {}", now.text(), seen.strftime("%Y-%m-%d"))
            }
            Self::OwnLine { last } => {
                format!(
                    "many destinations have lost TLS at once, so that our own line is not to be trusted: {}",
                    last.text()
                )
            }
            Self::Unreachable { host, detail } => format!("connect to {host}: {detail}"),
            Self::GreetingRefused { host, reply } => format!("host {host} refused to talk to us: {reply}"),
            Self::ConnectionLost { host, stage, detail } => {
                format!("lost connection with {host} while {stage}: {detail}")
            }
            Self::Rejected { host, command, reply, .. } => {
                format!("host {host} said: {reply} (in reply to {command})")
            }
            Self::DnsFailed { domain, detail } => format!("DNS look-up for {domain} failed: {detail}"),
            Self::DnsBogus { domain, detail } => format!("DNSSEC validation of {domain} failed: {detail}"),
            Self::NullMx { domain } => format!("Domain {domain} does not accept mail (null MX)"),
            Self::NoSuchDomain { domain } => format!("Domain {domain} not found, or it has no mail host"),
            Self::LoopsBack { domain } => format!("Mail for {domain} loops back to this server"),
            Self::TooManyHops { hops } => {
                format!("Too many hops ({hops}): the message is going round in a loop")
            }
            Self::NoUsableAddress { domain } => {
                format!("No mail host of {domain} has an address that mail may be sent to")
            }
            Self::UnknownUser { address } => format!("There is no mailbox {address} here"),
            Self::NoSmtpUtf8 { host } => {
                format!("host {host} takes no internationalised addresses (SMTPUTF8)")
            }
            Self::NoEightBitMime { host } => format!("host {host} takes no 8-bit content (8BITMIME)"),
            Self::TooLarge { host, limit } => format!("host {host} takes at most {limit} octets a message"),
            Self::Expired { last } => format!("given up after 5 days; last: {}", last.text()),
            Self::OwnFault { detail } => format!("a fault of this server: {detail}"),
        }
    }

    /// The enhanced status code (RFC 3463) when the outcome is permanent; a deferral writes it with a leading 4.
    pub fn status(&self) -> String {
        match self {
            Self::NoStarttls { .. } | Self::StarttlsRefused { .. } => "5.7.4",
            Self::HandshakeFailed { .. } | Self::Mismatch { .. } | Self::NotAuthenticated { .. } => "5.7.5",
            Self::RequireTlsNotOffered { .. } => "5.7.30",
            Self::RequireTlsFailed { .. } => "5.7.10",
            Self::Downgrade { now, .. } => return now.status(),
            Self::Unreachable { .. } => "5.4.1",
            Self::GreetingRefused { .. } | Self::ConnectionLost { .. } => "5.4.2",
            Self::Rejected { status, .. } => status,
            Self::DnsFailed { .. } | Self::DnsBogus { .. } => "5.4.3",
            Self::NullMx { .. } => "5.1.10",
            Self::NoSuchDomain { .. } => "5.1.2",
            Self::LoopsBack { .. } | Self::TooManyHops { .. } => "5.4.6",
            Self::NoUsableAddress { .. } => "5.4.4",
            Self::UnknownUser { .. } => "5.1.1",
            Self::NoSmtpUtf8 { .. } => "5.6.7",
            Self::NoEightBitMime { .. } => "5.6.3",
            Self::TooLarge { .. } => "5.3.4",
            Self::Expired { .. } => "5.4.7",
            Self::OwnFault { .. } | Self::OwnLine { .. } => "5.3.0",
        }
        .to_owned()
    }

    /// The status of a deferral: the same, with class 4.
    pub fn deferred_status(&self) -> String {
        let status = self.status();
        match status.split_once('.') {
            Some((_, rest)) => format!("4.{rest}"),
            None => status,
        }
    }

    /// The MX host it is about, if one was spoken to or tried.
    pub fn host(&self) -> Option<&HostAddress> {
        match self {
            Self::NoStarttls { host }
            | Self::StarttlsRefused { host, .. }
            | Self::HandshakeFailed { host, .. }
            | Self::Mismatch { host, .. }
            | Self::NotAuthenticated { host, .. }
            | Self::RequireTlsNotOffered { host }
            | Self::Unreachable { host, .. }
            | Self::GreetingRefused { host, .. }
            | Self::ConnectionLost { host, .. }
            | Self::Rejected { host, .. }
            | Self::NoSmtpUtf8 { host }
            | Self::NoEightBitMime { host }
            | Self::TooLarge { host, .. } => Some(host),
            Self::Expired { last } | Self::OwnLine { last } => last.host(),
            Self::RequireTlsFailed { why } => why.host(),
            Self::Downgrade { now, .. } => now.host(),
            Self::DnsFailed { .. }
            | Self::DnsBogus { .. }
            | Self::NullMx { .. }
            | Self::NoSuchDomain { .. }
            | Self::LoopsBack { .. }
            | Self::TooManyHops { .. }
            | Self::NoUsableAddress { .. }
            | Self::UnknownUser { .. }
            | Self::OwnFault { .. } => None,
        }
    }

    /// Whether it says that the transport is not protected as it must be: the ground of a stop.
    pub fn is_insecurity(&self) -> bool {
        match self {
            Self::NoStarttls { .. }
            | Self::StarttlsRefused { .. }
            | Self::HandshakeFailed { .. }
            | Self::Mismatch { .. }
            | Self::NotAuthenticated { .. }
            | Self::RequireTlsNotOffered { .. }
            | Self::RequireTlsFailed { .. }
            | Self::Downgrade { .. } => true,
            Self::OwnLine { .. }
            | Self::Unreachable { .. }
            | Self::GreetingRefused { .. }
            | Self::ConnectionLost { .. }
            | Self::Rejected { .. }
            | Self::DnsFailed { .. }
            | Self::DnsBogus { .. }
            | Self::NullMx { .. }
            | Self::NoSuchDomain { .. }
            | Self::LoopsBack { .. }
            | Self::TooManyHops { .. }
            | Self::NoUsableAddress { .. }
            | Self::UnknownUser { .. }
            | Self::NoSmtpUtf8 { .. }
            | Self::NoEightBitMime { .. }
            | Self::TooLarge { .. }
            | Self::Expired { .. }
            | Self::OwnFault { .. } => false,
        }
    }

    /// A short word for programs: the variant in `snake_case`; of a mismatch, by which mechanism.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoStarttls { .. } => "no_starttls",
            Self::StarttlsRefused { .. } => "starttls_refused",
            Self::HandshakeFailed { .. } => "handshake_failed",
            Self::Mismatch { mechanism: Mechanism::Dane, .. } => "dane_mismatch",
            Self::Mismatch { mechanism: Mechanism::MtaSts, .. } => "sts_mismatch",
            Self::NotAuthenticated { .. } => "not_authenticated",
            Self::RequireTlsNotOffered { .. } => "require_tls_not_offered",
            Self::RequireTlsFailed { .. } => "require_tls_failed",
            Self::Downgrade { .. } => "downgrade",
            Self::OwnLine { .. } => "own_line",
            Self::Unreachable { .. } => "unreachable",
            Self::GreetingRefused { .. } => "greeting_refused",
            Self::ConnectionLost { .. } => "connection_lost",
            Self::Rejected { .. } => "rejected",
            Self::DnsFailed { .. } => "dns_failed",
            Self::DnsBogus { .. } => "dns_bogus",
            Self::NullMx { .. } => "null_mx",
            Self::NoSuchDomain { .. } => "no_such_domain",
            Self::LoopsBack { .. } => "loops_back",
            Self::TooManyHops { .. } => "too_many_hops",
            Self::NoUsableAddress { .. } => "no_usable_address",
            Self::UnknownUser { .. } => "unknown_user",
            Self::NoSmtpUtf8 { .. } => "no_smtp_utf8",
            Self::NoEightBitMime { .. } => "no_eight_bit_mime",
            Self::TooLarge { .. } => "too_large",
            Self::Expired { .. } => "expired",
            Self::OwnFault { .. } => "own_fault",
        }
    }
}
