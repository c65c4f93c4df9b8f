//! What a message claims to be, which the page has to know before it asks the server whether that is true.

use serde::{Deserialize, Serialize};

use crate::{
    reading::{Action, Kind, Reading, Recipient},
    reason::Reason,
    shown::letters,
    tls::TlsCause,
};

/// The diagnostic type of our own judgement.
pub const OWN_DIAGNOSTIC: &str = "X-TLS-Guarantee";

/// A recipient that another kind of bounce is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// As the report has it; show it as text only.
    pub address: String,
    /// In words of ours.
    pub reason: Reason,
}

/// What a message claims. Nothing in it is proven: only the server's record of a stop is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// No failed or delayed delivery.
    NotABounce,
    /// A stop by this server: to be confirmed by it, or called a forgery.
    ClaimsOurStop {
        /// Our queue id, if it gives one.
        queue_id: Option<String>,
        /// Message-ID of the stopped mail, without angle brackets, if it gives one.
        message_id: Option<String>,
        /// The recipients it names.
        recipients: Vec<String>,
    },
    /// Another system's bounce, or one of ours for another cause: explained, no ways offered.
    OtherBounce {
        /// The server that reports, if it says.
        reporting_mta: Option<String>,
        /// Whom it is about.
        failures: Vec<Failure>,
    },
}

/// What the message claims, to the server whose reports carry `own_name` as their `Reporting-MTA`.
///
/// It claims a stop of ours if it names us and reports lack of transport security, or names nobody but looks like such
/// a report. In doubt it claims one: a false alarm about a genuine notice costs a question, a believed forgery an
/// unprotected mail.
pub fn claim(reading: &Reading, own_name: &str) -> Claim {
    let named = reading.reporting_mtas.iter().any(|mta| names(mta, own_name));
    let claims = if named {
        claims_by_name(reading)
    } else {
        reading.reporting_mtas.is_empty() && is_lookalike(reading)
    };
    let troubled = || reading.recipients.iter().filter(|r| r.action.is_trouble());
    if claims {
        return Claim::ClaimsOurStop {
            queue_id: reading.queue_id.clone(),
            message_id: reading.message_id.clone(),
            recipients: troubled().map(|r| r.address.clone()).collect(),
        };
    }
    if reading.kind != Kind::Bounce {
        return Claim::NotABounce;
    }
    let failures =
        troubled().map(|r| Failure { address: r.address.clone(), reason: Reason::of(r) }).collect();
    Claim::OtherBounce { reporting_mta: reading.reporting_mta().map(str::to_owned), failures }
}

/// A report under our name claims a stop unless it clearly reports something else. A delay notice of ours may well give
/// a cause like that of a stop, but never has the subject of one.
fn claims_by_name(reading: &Reading) -> bool {
    let failed = |r: &&Recipient| r.action == Action::Failed;
    let ended = reading.titled_as_ours || reading.recipients.iter().any(|r| failed(&r));
    let stopped = reading.recipients.iter().filter(failed).any(is_own_judgement_on_tls);
    stopped || (ended && reading.shows_stop) || (reading.recipients.is_empty() && reading.titled_as_ours)
}

/// A recipient whose cause is the reporting server's own word about transport security.
fn is_own_judgement_on_tls(recipient: &Recipient) -> bool {
    let kind = recipient.diagnostic.as_ref().and_then(|d| d.kind.as_deref());
    let ours = kind.is_some_and(|kind| kind.eq_ignore_ascii_case(OWN_DIAGNOSTIC));
    let security = recipient
        .status
        .as_deref()
        .is_some_and(|s| [".7.4", ".7.5", ".7.10", ".7.30"].iter().any(|code| s.ends_with(code)));
    (ours && security) || recipient.tls.is_some_and(|cause| cause != TlsCause::DemandedByRemote)
}

/// Without any `Reporting-MTA`: our subject, and the sentence.
fn is_lookalike(reading: &Reading) -> bool {
    reading.titled_as_ours && reading.shows_stop
}

/// Whether a `Reporting-MTA` names `own_name`, anywhere in the field: behind any type, in a comment, in any case, with
/// trailing dots, with invisible characters between.
fn names(mta: &str, own_name: &str) -> bool {
    let mut own = String::new();
    letters(own_name, &mut own);
    let is_name = |c: char| {
        c.is_alphanumeric() || matches!(c, '.' | '-' | '_') || (!c.is_ascii() && !c.is_whitespace())
    };
    !own.is_empty()
        && mta.split(|c| !is_name(c)).any(|word| {
            let mut plain = String::new();
            letters(word, &mut plain);
            plain == own
        })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("dns; home.example", true)]
    #[case("dns;HOME.Example.", true)]
    #[case("home.example", true)]
    #[case("dns; home.example (the mail system)", true)]
    #[case("x-other; mail.evil.example (home.example)", true)]
    #[case("dns; \"home.example\"", true)]
    #[case("dns; ho\u{200b}me.example", true)]
    #[case("dns; mx.home.example", false)]
    #[case("dns; home.example.evil.example", false)]
    #[case("dns;", false)]
    fn names_of_ours(#[case] mta: &str, #[case] ours: bool) {
        assert_eq!(names(mta, "home.example"), ours);
    }
}
