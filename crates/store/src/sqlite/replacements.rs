//! Messages that are sent in the stead of stopped ones.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::accounts;
use super::cells::{self, change, micros};
use crate::{NewMessage, ReplacementRow, Result, StoreError};

/// See [`crate::Store::announce_replacement`].
pub(super) fn announce(connection: &Connection, replacement: &ReplacementRow) -> Result<()> {
    let ReplacementRow { account, stop, message_id, expires_at } = replacement;
    let account = accounts::id(connection, account)?;
    let Some(stop) = own_stop(connection, stop, account)? else {
        return Err(StoreError::NotFound(format!("stop {stop}")));
    };
    // the newest but the stopped one itself, which a program may have sent again under its old id
    let sql = "SELECT queue_id FROM message WHERE account_id = ?1 AND message_id = ?2 AND id > ?3
               ORDER BY id DESC LIMIT 1";
    let accepted = cells::row(connection, "message", sql, params![account, message_id, stop], |line| {
        line.get::<String>("queue_id")
    })?;
    if let Some(queue_id) = accepted {
        return mark(connection, stop, &queue_id);
    }
    change(
        connection,
        "INSERT INTO replacement (account_id, message_id, stop, expires_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET stop = ?3, expires_at = ?4",
        params![account, message_id, stop, micros(*expires_at)],
    )?;
    Ok(())
}

/// A new message of the account takes the place of the stopped one that it names, or that was announced for it.
pub(super) fn take_place(connection: &Connection, message: &NewMessage, account: i64) -> Result<()> {
    let named = match &message.replaces {
        Some(stop) => own_stop(connection, stop, account)?,
        None => None,
    };
    let stop = match (named, &message.message_id) {
        (None, Some(message_id)) => announced(connection, message_id, account, message.facts.accepted_at)?,
        (named, _) => named,
    };
    match stop {
        Some(stop) => mark(connection, stop, &message.facts.queue_id),
        None => Ok(()),
    }
}

/// Uses up what was announced.
fn announced(connection: &Connection, message_id: &str, account: i64, now: Timestamp) -> Result<Option<i64>> {
    let sql = "SELECT stop FROM replacement WHERE account_id = ?1 AND message_id = ?2 AND expires_at > ?3";
    let params = params![account, message_id, micros(now)];
    let stop = cells::row(connection, "replacement", sql, params, |line| line.get("stop"))?;
    if stop.is_some() {
        let sql = "DELETE FROM replacement WHERE account_id = ?1 AND message_id = ?2";
        change(connection, sql, params![account, message_id])?;
    }
    Ok(stop)
}

/// A stop's id is its message's queue id; another account's is none of this one's.
fn own_stop(connection: &Connection, stop: &str, account: i64) -> Result<Option<i64>> {
    let sql = "SELECT stop.message FROM stop JOIN message ON message.id = stop.message
               WHERE queue_id = ?1 AND stop.account_id = ?2";
    cells::row(connection, "stop", sql, params![stop, account], |line| line.get("message"))
}

fn mark(connection: &Connection, stop: i64, by: &str) -> Result<()> {
    change(connection, "UPDATE stop SET replaced_by = ?2 WHERE message = ?1", params![stop, by])?;
    // only for those whom it goes to: the others are still without it
    change(
        connection,
        "UPDATE recipient SET replaced_by = ?2 WHERE message = ?1 AND lower(address) IN
             (SELECT lower(address) FROM recipient WHERE message = (SELECT id FROM message WHERE queue_id = ?2))",
        params![stop, by],
    )?;
    Ok(())
}
