//! An SMTP envelope, and why a command about it is refused.

use crate::path;

/// MAIL has been accepted.
#[derive(Default)]
pub(crate) struct Envelope {
    pub(crate) line: String,
    pub(crate) reverse_path: String,
    pub(crate) utf8: bool,
    /// Address and line of each accepted RCPT.
    pub(crate) recipients: Vec<(String, String)>,
}

/// A refusal: code, enhanced code (RFC 3463), text.
pub(crate) struct Refusal(pub(crate) u16, pub(crate) &'static str, pub(crate) String);

impl Envelope {
    pub(crate) fn local_parts(&self) -> Vec<String> {
        let local = |address: &str| path::parts(address).map_or(address, |(local, _)| local).to_owned();
        self.recipients.iter().map(|(address, _)| local(address)).collect()
    }
}

/// RFC 6531 §3.5: an address beyond ASCII needs SMTPUTF8 in this transaction.
pub(crate) fn check_ascii(address: &str, envelope: &Envelope) -> Result<(), Refusal> {
    if address.is_ascii() || envelope.utf8 {
        return Ok(());
    }
    Err(Refusal(553, "5.6.7", "An address beyond ASCII, without SMTPUTF8".to_owned()))
}

pub(crate) fn too_large(limit: usize) -> Refusal {
    Refusal(552, "5.3.4", format!("The message is larger than {limit} octets"))
}

pub(crate) fn unknown_parameter(name: &str) -> Refusal {
    Refusal(555, "5.5.4", format!("Parameter {name} not known here"))
}

pub(crate) fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(tail)
}
