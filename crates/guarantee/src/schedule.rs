use jiff::{SignedDuration, Timestamp};

use crate::Requirement;

/// How long a message is tried before it bounces (RFC 5321 §4.5.4.1: 4 to 5 days).
pub const EXPIRES_AFTER: SignedDuration = SignedDuration::from_hours(5 * 24);

/// Waits between attempts in minutes. The first are short, so that [`crate::CERTAIN_TRIES`] tries
/// fit into [`crate::CERTAIN_AFTER`]; then RFC 5321 §4.5.4.1's half hour and more.
const WAITS: [i64; 8] = [2, 5, 8, 15, 30, 60, 120, 240];

/// Waits in seconds for the mailboxes' own server. RFC 5321 §4.5.4.1's half hour spares other people's hosts; this one is
/// ours, answers at once or not at all, and a restart of it takes seconds: nobody is to wait much longer for a report than
/// it was away.
const LOCAL_WAITS: [i64; 10] = [1, 2, 4, 8, 15, 30, 60, 120, 240, 300];

/// When to try again after `attempts` attempts (at least one), the last at `now`. Never later than the
/// message's expiry, so that the bounce comes on time.
pub fn next_attempt(attempts: u32, accepted_at: Timestamp, now: Timestamp) -> Timestamp {
    next(SignedDuration::from_mins(nth(&WAITS, attempts)), accepted_at, now)
}

/// When to try again after `attempts` attempts (at least one) that found the mailboxes' own server away, the last at `now`.
/// Never later than the message's expiry.
pub fn next_local_attempt(attempts: u32, accepted_at: Timestamp, now: Timestamp) -> Timestamp {
    next(SignedDuration::from_secs(nth(&LOCAL_WAITS, attempts)), accepted_at, now)
}

fn nth(waits: &[i64], attempts: u32) -> i64 {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    waits.get(index).or(waits.last()).copied().unwrap_or_default()
}

fn next(wait: SignedDuration, accepted_at: Timestamp, now: Timestamp) -> Timestamp {
    let next = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
    let expiry = accepted_at.saturating_add(EXPIRES_AFTER).unwrap_or(Timestamp::MAX);
    if now >= expiry { next } else { next.min(expiry) }
}

/// How long a message waits before its sender is told of the delay.
pub fn delay_notice_after(requirement: Requirement) -> SignedDuration {
    if requirement.stops() { SignedDuration::from_mins(15) } else { SignedDuration::from_hours(4) }
}
