//! What an operator does to the queue, and what time does to everything.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::cells::{change, micros};
use super::messages;
use crate::Result;

/// How many messages one step of [`forget_messages`] deletes, so that nobody waits long for it.
const STEP: usize = 200;

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

/// Forgets sessions and overrides that have ended.
pub(super) fn forget_ended(connection: &Connection, now: Timestamp) -> Result<()> {
    change(connection, "DELETE FROM session WHERE expires_at <= ?1", [micros(now)])?;
    change(connection, "DELETE FROM override WHERE expires_at <= ?1", [micros(now)])?;
    Ok(())
}

/// Whether there may be more to forget.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    Perhaps,
}

/// Forgets some messages that finished before `keep_since`, with their stops.
pub(super) fn forget_messages(connection: &Connection, keep_since: Timestamp) -> Result<Left> {
    let sql = format!(
        "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE finished_at < ?1 LIMIT {STEP})"
    );
    let forgotten = change(connection, &sql, [micros(keep_since)])?;
    Ok(if forgotten < STEP { Left::Nothing } else { Left::Perhaps })
}
