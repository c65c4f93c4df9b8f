//! Telling deliveries that ended for lack of transport security from all others.

use serde::{Deserialize, Serialize};

/// What was missing for a protected transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsCause {
    /// The host offered no encryption.
    NotOffered,
    /// The same, and it had offered it before.
    Downgrade,
    /// The host offered it and then refused to begin.
    Refused,
    /// Old protocol, alert, no common cipher.
    HandshakeFailed,
    /// The certificate is not the one that DANE, MTA-STS or the configuration demands.
    NotProven,
    /// The sender asked for REQUIRETLS (RFC 8689) and it could not be had.
    RequireTls,
    /// The remote server demanded an encrypted connection and got none.
    DemandedByRemote,
    /// The sending server could not do TLS itself, or could not find out what is demanded.
    Other,
}

/// Own sentences of sending servers, lower case, with what they mean; the first that matches counts.
/// Sources: Postfix `smtp_proto.c` and `smtp_tls_policy.c`, Exim `smtp.c`, OpenSMTPD `mta_session.c`, Exchange Online's
/// and Stalwart's published texts, and this project's own causes.
const OWN_SENTENCES: &[(&str, TlsCause)] = &[
    ("; possible downgrade, ", TlsCause::Downgrade),
    ("requiretls support required, but not offered by host", TlsCause::RequireTls),
    ("encryption needed (requiretls): ", TlsCause::RequireTls),
    ("requested requiretls", TlsCause::RequireTls),
    ("tls is required, but was not offered by host", TlsCause::NotOffered),
    ("refused to start tls", TlsCause::Refused),
    ("did not prove its identity", TlsCause::NotProven),
    ("tls is required, but the handshake", TlsCause::HandshakeFailed),
    ("cannot start tls", TlsCause::HandshakeFailed),
    ("server certificate not verified", TlsCause::NotProven),
    ("server certificate not trusted", TlsCause::NotProven),
    ("tls is required, but", TlsCause::Other),
    ("tlsa lookup error", TlsCause::Other),
    ("no tlsa records found", TlsCause::NotProven),
    ("tlsa records unusable", TlsCause::NotProven),
    ("non dnssec destination", TlsCause::NotProven),
    ("tls session is required, but the server did not offer tls", TlsCause::NotOffered),
    ("tls session is required, but an attempt to start tls failed", TlsCause::HandshakeFailed),
    ("tls required but not supported", TlsCause::NotOffered),
    ("starttls not advertised", TlsCause::NotOffered),
    ("starttls is not advertised", TlsCause::NotOffered),
    ("starttls rejected", TlsCause::Refused),
    ("starttls-not-supported", TlsCause::NotOffered),
    ("destination mail server must support tls", TlsCause::NotOffered),
    ("certificate-expired", TlsCause::NotProven),
    ("certificate-host-mismatch", TlsCause::NotProven),
    ("tlsa-invalid", TlsCause::NotProven),
    ("failed dane validation", TlsCause::NotProven),
    ("dnssec-invalid", TlsCause::NotProven),
    ("failed mta-sts validation", TlsCause::NotProven),
    ("dane attempt failed", TlsCause::NotProven),
    ("missing required tls verification", TlsCause::NotProven),
    ("do not support requiretls", TlsCause::RequireTls),
    ("required (requiretls)", TlsCause::RequireTls),
    ("security level check failed", TlsCause::NotOffered),
];

/// Without one of these words it is about something else; looked for first, for speed.
const SUBJECTS: &[&str] =
    &["tls", "certificate", "dane", "dnssec", "mta-sts", "identity", "security level", "encryption"];

/// Sentences of remote servers that demand what the sender did not do.
const REMOTE_SENTENCES: &[&str] = &[
    "must issue a starttls command first",
    "must issue starttls",
    "encryption needed",
    "encryption required",
    "requiretls support required",
    "tls required by recipient",
    "tls encryption required",
    "starttls required",
    "requires tls",
    "requires starttls",
];

/// Who says what is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The server that reports: its own judgement.
    Reporter,
    /// A remote server's reply, whose words prove nothing about the reporting server.
    Remote,
    /// Running text that may quote either.
    Unknown,
}

impl Speaker {
    /// Of a diagnostic type (RFC 3464 §2.3.6): `smtp` is a reply of the other side. Some systems say `smtp` for all, so
    /// the text must begin with a reply code to count as one.
    pub(crate) fn of(kind: Option<&str>, text: &str) -> Self {
        match kind {
            Some(kind) if kind.eq_ignore_ascii_case("smtp") => {
                if begins_with_reply(text) {
                    Self::Remote
                } else {
                    Self::Unknown
                }
            }
            Some(_) => Self::Reporter,
            None => Self::Unknown,
        }
    }
}

fn begins_with_reply(text: &str) -> bool {
    let text = text.trim_start_matches(|c: char| !c.is_alphanumeric()).as_bytes();
    text.len() >= 3 && matches!(text[0], b'2'..=b'5') && text[1..3].iter().all(u8::is_ascii_digit)
}

/// Why the transport was not protected enough, if `text` says so; `text` stands on one line.
pub(crate) fn cause(speaker: Speaker, status: Option<&str>, text: &str) -> Option<TlsCause> {
    let text = text.to_lowercase();
    let security_code = || status.is_some_and(|s| s.ends_with(".7.10") || s.ends_with(".7.30"));
    if !SUBJECTS.iter().any(|word| text.contains(word)) {
        return (speaker != Speaker::Reporter && security_code()).then_some(TlsCause::DemandedByRemote);
    }
    // Exchange reports its own judgement as an `smtp` diagnostic, under codes nobody else uses
    let exchange = ["7.321", "7.322", "7.323", "7.324", "7.325"].iter().any(|code| text.contains(code));
    let own = || OWN_SENTENCES.iter().find(|(sentence, _)| text.contains(sentence)).map(|(_, cause)| *cause);
    match speaker {
        Speaker::Reporter => return own(),
        Speaker::Remote if !exchange => {}
        Speaker::Unknown if quotes_reply(&text) => {}
        Speaker::Remote | Speaker::Unknown => return own(),
    }
    let demanded = REMOTE_SENTENCES.iter().any(|sentence| text.contains(sentence))
        // RFC 5248 and 8689: "Encryption Needed", "REQUIRETLS support required"
        || security_code();
    demanded.then_some(TlsCause::DemandedByRemote)
}

/// Whether running text (lower case) gives a remote server's reply.
fn quotes_reply(text: &str) -> bool {
    let said = [
        "said:",
        "error from remote",
        "remote server replied",
        "in reply to",
        "responded",
        "remote host said",
    ];
    begins_with_reply(text) || said.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "X-Postfix",
        "TLS is required, but was not offered by host mx.a.example[192.0.2.1]",
        Some(TlsCause::NotOffered)
    )]
    #[case(
        "X-Postfix",
        "delivery temporarily suspended: TLS is required, but host mx[192.0.2.1] refused to start TLS: 454 no",
        Some(TlsCause::Refused)
    )]
    #[case(
        "X-TLS-Guarantee",
        "TLS is required, but was not offered by host a[192.0.2.1]; possible downgrade, TLS was last seen 2026-11-01",
        Some(TlsCause::Downgrade)
    )]
    #[case("X-Postfix", "Server certificate not verified", Some(TlsCause::NotProven))]
    #[case("X-Postfix", "connect to mx.a.example[192.0.2.1]:25: Connection refused", None)]
    #[case("smtp", "550 5.7.1 TLS is required, but was not offered by host mx.a.example", None)]
    #[case("smtp", "530 5.7.0 Must issue a STARTTLS command first", Some(TlsCause::DemandedByRemote))]
    #[case(
        "smtp",
        "550 5.7.321 starttls-not-supported: Destination mail server must support TLS",
        Some(TlsCause::NotOffered)
    )]
    #[case("smtp", "550 5.1.1 User unknown", None)]
    fn causes(#[case] kind: &str, #[case] text: &str, #[case] expected: Option<TlsCause>) {
        assert_eq!(cause(Speaker::of(Some(kind), text), None, text), expected);
    }
}
