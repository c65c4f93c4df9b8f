use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Age, Cause, Requirement};

/// For how long a host may stay away, or interrupt TLS, before it no longer holds up a stop.
pub const CERTAIN_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// How many tries within [`CERTAIN_AFTER`] must end in the same interruption of TLS.
pub const CERTAIN_TRIES: u32 = 3;

/// How much a host's failure says about its security.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// Nothing: it could not be reached, or said "later".
    Away,
    /// TLS was begun and interrupted: an accident, or somebody on the way.
    Shaky,
    /// It contradicts records or a policy that may have been replaced since: to be looked up again.
    Unconfirmed,
    /// Certain: this host does not give what is required.
    Insecure,
}

impl Weight {
    /// Of a host that is not the one that the domain describes.
    pub(crate) fn of_mismatch(age: Age) -> Self {
        match age {
            Age::Cached => Self::Unconfirmed,
            Age::Fresh => Self::Insecure,
        }
    }
}

/// One host that was tried in vain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFailure {
    /// Why.
    pub cause: Cause,
    /// What it says about security.
    pub weight: Weight,
}

/// What earlier attempts for the same recipients showed; kept with the recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Attempts so far.
    pub attempts: u32,
    /// Since when every attempt found an insecure host, if it did.
    pub insecure_since: Option<Timestamp>,
    /// Since when every attempt found TLS interrupted, if it did.
    pub shaky_since: Option<Timestamp>,
    /// How many attempts in a row found TLS interrupted.
    pub shaky_tries: u32,
}

/// What follows from an attempt in which no host took the mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// No MX host gives what is required: not sent, now or later.
    Stop(Cause),
    /// Not certain: try again.
    Defer(Cause),
}

/// Weighs the hosts that were tried in vain, in the order of trying; the second value is the
/// history to keep. `tried` must not be empty; if it is, the attempt is deferred as our own fault.
///
/// Only what the sender requires stops. What only the receiving domain requires is waited for (RFC 7672 §2.2,
/// RFC 8461 §5).
pub fn conclude(
    requirement: Requirement,
    tried: &[HostFailure],
    before: &History,
    now: Timestamp,
) -> (Conclusion, History) {
    let any = |weight| tried.iter().any(|failure| failure.weight == weight);
    let shaky = any(Weight::Shaky);
    let after = History {
        attempts: before.attempts.saturating_add(1),
        insecure_since: any(Weight::Insecure).then(|| before.insecure_since.unwrap_or(now)),
        shaky_since: shaky.then(|| before.shaky_since.unwrap_or(now)),
        shaky_tries: if shaky { before.shaky_tries.saturating_add(1) } else { 0 },
    };
    let for_long =
        |since: Option<Timestamp>| since.is_some_and(|since| now.duration_since(since) >= CERTAIN_AFTER);
    let shaky_is_certain = for_long(after.shaky_since) && after.shaky_tries >= CERTAIN_TRIES;
    let away_no_longer_counts = for_long(after.insecure_since) || shaky_is_certain;
    let certain = |failure: &&HostFailure| match failure.weight {
        Weight::Insecure => true,
        Weight::Shaky => shaky_is_certain,
        Weight::Away | Weight::Unconfirmed => false,
    };
    let holds_up = tried.iter().find(|failure| !certain(failure));
    let conclusion = match (tried.iter().find(certain), holds_up) {
        (Some(first), _) if !requirement.stops() => Conclusion::Defer(first.cause.clone()),
        (Some(stop), None) => Conclusion::Stop(stop.cause.clone()),
        (Some(stop), Some(_)) if away_no_longer_counts => Conclusion::Stop(stop.cause.clone()),
        (_, Some(failure)) => Conclusion::Defer(failure.cause.clone()),
        (None, None) => Conclusion::Defer(Cause::OwnFault { detail: "no host was tried".to_owned() }),
    };
    (conclusion, after)
}
