//! What an operator does to the queue, and what time does to everything.

use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};
use rusqlite::{Connection, params};

use super::cells::{change, micros, word};
use super::{messages, weeks};
use crate::Result;

/// How many rows one step of forgetting deletes, so that nobody waits long for it.
const STEP: usize = 200;

/// How many days results for the reports to receiving domains are kept.
const RESULTS_KEPT_DAYS: i32 = 8;

/// See [`crate::Store::retry`]. What is due already keeps its place.
pub(super) fn retry(connection: &Connection, queue_id: &str, now: Timestamp) -> Result<usize> {
    let Some(message) = messages::head_if_any(connection, queue_id)? else { return Ok(0) };
    change(
        connection,
        "UPDATE recipient SET next_attempt_at = min(next_attempt_at, ?2)
         WHERE message = ?1 AND next_attempt_at IS NOT NULL",
        params![message.row, micros(now)],
    )
}

/// See [`crate::Store::remove`]. Bounced without a cause, since no attempt ended so.
pub(super) fn remove(connection: &Connection, queue_id: &str, now: Timestamp) -> Result<usize> {
    let Some(message) = messages::head_if_any(connection, queue_id)? else { return Ok(0) };
    let removed = change(
        connection,
        "UPDATE recipient SET state = 'bounced', next_attempt_at = NULL, cause = NULL, report = NULL, changed_at = ?2
         WHERE message = ?1 AND next_attempt_at IS NOT NULL",
        params![message.row, micros(now)],
    )?;
    messages::finish_if_done(connection, message.row, now)?;
    Ok(removed)
}

/// Forgets sessions, demands, replacements and policies that have ended, and weeks of long ago.
pub(super) fn forget_ended(connection: &Connection, now: Timestamp) -> Result<()> {
    change(connection, "DELETE FROM session WHERE expires_at <= ?1", [micros(now)])?;
    change(connection, "DELETE FROM demand WHERE expires_at <= ?1", [micros(now)])?;
    change(connection, "DELETE FROM replacement WHERE expires_at <= ?1", [micros(now)])?;
    change(connection, "DELETE FROM sts_policy WHERE ends_at <= ?1", [micros(now)])?;
    change(connection, "DELETE FROM week WHERE monday < ?1", [word(&weeks::oldest(now))?])?;
    Ok(())
}

/// Whether there may be more to forget.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    Perhaps,
}

/// What is forgotten in steps.
#[derive(Clone, Copy)]
pub(super) enum Old {
    /// Messages that finished before then, with their stops.
    Messages(Timestamp),
    /// What no mail has met since then.
    Memory(Timestamp),
    /// Overrides recorded before then.
    Overrides(Timestamp),
    /// Results for reports, as it is now.
    Results(Timestamp),
}

/// Forgets some of it.
pub(super) fn forget(connection: &Connection, old: Old) -> Result<Left> {
    let forgotten = match old {
        Old::Messages(since) => {
            let sql = format!(
                "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE finished_at < ?1 LIMIT {STEP})"
            );
            change(connection, &sql, [micros(since)])?
        }
        Old::Memory(since) => {
            let sql = format!(
                "DELETE FROM memory WHERE id IN (SELECT id FROM memory WHERE last_tls < ?1 LIMIT {STEP})"
            );
            change(connection, &sql, [micros(since)])?
        }
        Old::Overrides(since) => {
            let sql = format!(
                "DELETE FROM override WHERE (account_id, message_id, recipient) IN
                     (SELECT account_id, message_id, recipient FROM override WHERE recorded_at < ?1 LIMIT {STEP})"
            );
            change(connection, &sql, [micros(since)])?
        }
        Old::Results(now) => {
            let today = Offset::UTC.to_datetime(now).date();
            let sql = format!(
                "DELETE FROM tls_report WHERE id IN (SELECT id FROM tls_report WHERE day < ?1 LIMIT {STEP})"
            );
            change(connection, &sql, [word(&today.saturating_sub(RESULTS_KEPT_DAYS.days()))?])?
        }
    };
    Ok(if forgotten < STEP { Left::Nothing } else { Left::Perhaps })
}
