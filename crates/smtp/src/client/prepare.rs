//! Whether a message can go to a next hop as it is, and what MAIL says of it.

use super::{Capabilities, Extension};
use crate::address::Mailbox;
use crate::content::{ContentFacts, EightBit};
use crate::envelope::{BodyType, MailFrom, RcptTo, Ret, ReversePath};
use crate::reply::EnhancedStatus;

/// A message to send, without its octets.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// What MAIL said when it was accepted.
    pub mail: &'a MailFrom,
    /// The recipients at this next hop.
    pub recipients: &'a [RcptTo],
    /// What was seen of the octets that will be sent.
    pub content: ContentFacts,
}

/// The parameters of MAIL for this next hop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailParameters {
    /// `SIZE=`.
    pub size: Option<u64>,
    /// `BODY=8BITMIME`, if that type.
    pub body: BodyType,
    /// Whether `SMTPUTF8` is said.
    pub smtputf8: Flag,
    /// Whether `REQUIRETLS` is said.
    pub requiretls: Flag,
    /// `RET=`.
    pub ret: Option<Ret>,
    /// `ENVID=`.
    pub envid: Option<String>,
}

/// Whether MAIL says a parameter that has no value (RFC 6531 §3.4, RFC 8689 §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flag {
    /// Not needed, or not offered.
    #[default]
    Unsaid,
    /// Said.
    Said,
}

/// Why a message can't go to this next hop as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// It has 8-bit octets and the next hop takes only 7-bit: encode it anew, or give up with 5.6.3 (RFC 6152 §3).
    #[error("the message has 8-bit text and the server does not offer 8BITMIME")]
    NeedsReencoding,
    /// An address is not ASCII: 5.6.7 (RFC 6531 §3.5).
    #[error("an address has characters outside ASCII and the server does not offer SMTPUTF8")]
    AddressNeedsSmtputf8,
    /// The header is not ASCII: 5.6.9 (RFC 6531 §3.5).
    #[error("the header has characters outside ASCII and the server does not offer SMTPUTF8")]
    HeaderNeedsSmtputf8,
    /// The message requires TLS on the way from there on, and the server does not promise it: 5.7.30
    /// (RFC 8689 §4.2.1). For a null reverse-path this should be no end (§5): it may go without REQUIRETLS, with no
    /// more than the headers of what it is about.
    #[error("the message needs REQUIRETLS and the server does not offer it on a proven connection")]
    NoRequireTls,
    /// 5.3.4.
    #[error("the message has {size} octets and the server takes {limit} at most")]
    TooLarge {
        /// Of the message, in octets.
        size: u64,
        /// Of the server, in octets.
        limit: u64,
    },
    /// An address or parameter that no SMTP command can carry: 5.1.3. Ours never are; it may come from outside.
    #[error("the envelope has a malformed address or parameter: {what:?}")]
    Malformed {
        /// The value.
        what: String,
    },
}

impl Obstacle {
    /// The status for the report, if nothing can be done about it.
    pub fn status(&self) -> EnhancedStatus {
        let (subject, detail) = match self {
            Self::NeedsReencoding => (6, 3),
            Self::AddressNeedsSmtputf8 => (6, 7),
            Self::HeaderNeedsSmtputf8 => (6, 9),
            Self::NoRequireTls => (7, 30),
            Self::TooLarge { .. } => (3, 4),
            Self::Malformed { .. } => (1, 3),
        };
        EnhancedStatus::new(5, subject, detail)
    }
}

/// What MAIL will say, or what stands in the way.
///
/// # Errors
/// [`Obstacle`]: this message can't go to a server with these capabilities.
pub fn prepare(message: &Message<'_>, capabilities: &Capabilities) -> Result<MailParameters, Obstacle> {
    well_formed(message)?;
    let mail = message.mail;
    let mut parameters = MailParameters::default();
    if mail.requiretls {
        if !capabilities.offers(Extension::RequireTls) {
            return Err(Obstacle::NoRequireTls);
        }
        parameters.requiretls = Flag::Said;
    }
    if let Some(limit) = capabilities.max_size().filter(|&limit| message.content.size > limit) {
        return Err(Obstacle::TooLarge { size: message.content.size, limit });
    }
    if capabilities.offers(Extension::Size) {
        parameters.size = Some(message.content.size);
    }
    let eight_bit = message.content.eight_bit;
    if capabilities.offers(Extension::Smtputf8) {
        // Also for 8-bit bodies of mail that was accepted with SMTPUTF8: headers of its parts may be UTF-8.
        let needed = mail.smtputf8 && eight_bit > EightBit::Nowhere || has_utf8_address(message);
        parameters.smtputf8 = if needed { Flag::Said } else { Flag::Unsaid };
    } else if has_utf8_address(message) {
        return Err(Obstacle::AddressNeedsSmtputf8);
    } else if mail.smtputf8 && eight_bit == EightBit::Header {
        return Err(Obstacle::HeaderNeedsSmtputf8);
    }
    if capabilities.offers(Extension::EightBitMime) {
        let eight = eight_bit > EightBit::Nowhere || mail.body == BodyType::EightBitMime;
        parameters.body = if eight { BodyType::EightBitMime } else { BodyType::SevenBit };
    } else if eight_bit > EightBit::Nowhere {
        return Err(Obstacle::NeedsReencoding);
    }
    if capabilities.offers(Extension::Dsn) {
        // RFC 3461 §5.2.1: what was given, and nothing that was not. RFC 8689 §5: with REQUIRETLS, RET=FULL MUST be
        // disregarded; who reports beyond the next hop is to return no more than the headers, too.
        parameters.ret = mail.ret.map(|ret| if mail.requiretls { Ret::Hdrs } else { ret });
        parameters.envid.clone_from(&mail.envid);
    }
    Ok(parameters)
}

fn has_utf8_address(message: &Message<'_>) -> bool {
    !message.mail.reverse_path.as_str().is_ascii() || message.recipients.iter().any(|r| !r.address.is_ascii())
}

/// Nothing may break out of a command line, wherever the envelope came from.
fn well_formed(message: &Message<'_>) -> Result<(), Obstacle> {
    let sender = match &message.mail.reverse_path {
        ReversePath::Null => None,
        ReversePath::Address(address) => Some(address),
    };
    let mut addresses = sender.into_iter().chain(message.recipients.iter().map(|r| &r.address));
    let mut values =
        message.mail.envid.iter().chain(message.recipients.iter().filter_map(|r| r.orcpt.as_ref()));
    let bad_address = addresses.find(|address| Mailbox::parse(address).is_err());
    let bad_value = || values.find(|value| !value.bytes().all(|b| b.is_ascii_graphic()) || value.is_empty());
    match bad_address.or_else(bad_value) {
        Some(what) => Err(Obstacle::Malformed { what: what.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
