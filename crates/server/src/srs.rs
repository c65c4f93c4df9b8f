//! The sender rewriting scheme: what a mailbox's owner forwards leaves under a reverse-path of this server's, so that the
//! next server's check whose hosts may use the sender's domain (SPF) does not hit it; what bounces finds the way back.
//!
//! `SRS0=hash=day=domain=local@ours` for a sender `local@domain`. A sender that another forwarder has rewritten already
//! keeps that one's part, and the bounce goes to the first forwarder: `SRS1=hash=forwarder=rest@ours`. The hash makes
//! sure that only what was sent from here comes back, and nobody makes this server a relay for bounces.
//!
//! Neither clock nor randomness: the day is a parameter.

use std::fmt;

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;
use smtp::address::Mailbox as Address;

/// Characters of a hash, in base32, which survives a change of case on the way: 65 bits.
const HASH: usize = 13;

/// Days for which an address is good. Servers give up after five; a person's "not delivered" takes longer.
const GOOD_FOR: i64 = 21;

/// Days after which their number, two characters in base32, begins anew.
const CYCLE: i64 = 1024;

/// Octets of an address (RFC 5321 §4.5.3.1.3, without brackets).
const ADDRESS: usize = 254;

/// What may follow `SRS0` and `SRS1` in other forwarders' addresses. Ours have the first.
const SEPARATORS: [char; 3] = ['=', '-', '+'];

/// A day, counted from 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day(i64);

impl From<Timestamp> for Day {
    fn from(at: Timestamp) -> Self {
        Self(at.as_second().div_euclid(24 * 60 * 60))
    }
}

/// The scheme with a domain and a secret.
#[derive(Clone)]
pub struct Srs {
    domain: String,
    key: hmac::Key,
}

impl fmt::Debug for Srs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Srs").field("domain", &self.domain).finish_non_exhaustive()
    }
}

/// Which of the two forms an address has; part of what is hashed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Srs0,
    Srs1,
}

impl Form {
    fn prefix(self) -> &'static str {
        match self {
            Self::Srs0 => "SRS0",
            Self::Srs1 => "SRS1",
        }
    }
}

impl Srs {
    /// Rewrites to addresses of `domain` (in A-labels), which this secret marks as ours.
    pub fn new(domain: String, secret: &[u8]) -> Self {
        Self { domain, key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    /// The reverse-path under which mail of this sender is forwarded today. `None` if it has to leave as it is: the
    /// address would become longer than any may be, or its local part is quoted.
    pub fn rewrite(&self, sender: &Address, today: Day) -> Option<String> {
        let (local, domain) = (sender.local_part(), sender.domain().as_str());
        if local.starts_with('"') {
            return None;
        }
        let (form, rest) = match foreign(local) {
            Some((Form::Srs0, rest)) => (Form::Srs1, format!("{domain}={rest}")),
            // The forwarders in between are skipped.
            Some((Form::Srs1, rest)) => match rest[1..].split_once('=') {
                Some((_hash, rest)) if rest.contains('=') => (Form::Srs1, rest.to_owned()),
                _ => (Form::Srs0, format!("{}={domain}={local}", encoded(today))),
            },
            None => (Form::Srs0, format!("{}={domain}={local}", encoded(today))),
        };
        let address = format!("{}={}={rest}@{}", form.prefix(), self.hash(form, &rest), self.domain);
        (address.len() <= ADDRESS).then_some(address)
    }

    /// Whether the address says of itself that it was made here.
    pub fn claims(&self, address: &Address) -> bool {
        address.domain().as_str() == self.domain && own(address.local_part()).is_some()
    }

    /// Whom a bounce to this address is for. `None` if it was not made here, or too long ago.
    pub fn original(&self, address: &Address, today: Day) -> Option<String> {
        if address.domain().as_str() != self.domain {
            return None;
        }
        let (form, text) = own(address.local_part())?;
        let (hash, rest) = text.split_once('=')?;
        let expected = self.hash(form, rest);
        verify_slices_are_equal(hash.to_ascii_uppercase().as_bytes(), expected.as_bytes()).ok()?;
        let original = match form {
            Form::Srs0 => {
                let (day, rest) = rest.split_once('=')?;
                let age = (today.0 - decoded(day)?).rem_euclid(CYCLE);
                let (domain, local) = rest.split_once('=').filter(|_| age <= GOOD_FOR)?;
                format!("{local}@{domain}")
            }
            // Its age is for the first forwarder to look at.
            Form::Srs1 => {
                let (forwarder, rest) = rest.split_once('=')?;
                format!("{}{rest}@{forwarder}", Form::Srs0.prefix())
            }
        };
        Address::parse(&original).ok().map(|original| original.to_string())
    }

    /// Without case: servers on the way may change it.
    fn hash(&self, form: Form, text: &str) -> String {
        let text = format!("{}={}", form.prefix(), text.to_ascii_lowercase());
        let mut hash = BASE32_NOPAD.encode(hmac::sign(&self.key, text.as_bytes()).as_ref());
        hash.truncate(HASH);
        hash
    }
}

/// What follows `SRS0=` or `SRS1=`.
fn own(local: &str) -> Option<(Form, &str)> {
    let (form, rest) = foreign(local)?;
    rest.strip_prefix(SEPARATORS[0]).map(|rest| (form, rest))
}

/// What follows `SRS0` or `SRS1`, with its separator.
fn foreign(local: &str) -> Option<(Form, &str)> {
    let (prefix, rest) = local.split_at_checked(4)?;
    let form =
        [Form::Srs0, Form::Srs1].into_iter().find(|form| prefix.eq_ignore_ascii_case(form.prefix()))?;
    rest.starts_with(SEPARATORS).then_some((form, rest))
}

const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn encoded(Day(day): Day) -> String {
    let day = day.rem_euclid(CYCLE);
    [day / 32, day % 32]
        .into_iter()
        .filter_map(|digit| DIGITS.get(usize::try_from(digit).ok()?))
        .map(|b| char::from(*b))
        .collect()
}

fn decoded(text: &str) -> Option<i64> {
    let &[high, low] = text.as_bytes() else { return None };
    let digit = |octet: u8| DIGITS.iter().position(|digit| *digit == octet.to_ascii_uppercase());
    i64::try_from(digit(high)? * 32 + digit(low)?).ok()
}

#[cfg(test)]
mod tests;
