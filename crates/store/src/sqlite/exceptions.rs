//! Standing exceptions from the guarantee.

use std::collections::HashSet;

use api::Exception;
use rusqlite::{Connection, params};

use super::accounts;
use super::cells::{self, Line, change, micros};
use crate::{AddedException, MAX_EXCEPTIONS, NewExceptionRow, Result, StoreError};

/// See [`crate::Store::exceptions`].
pub(super) fn all(connection: &Connection, account: &str) -> Result<Vec<Exception>> {
    let sql = "SELECT id, pattern, note, created_at FROM exception WHERE account_id = ?1 ORDER BY id DESC";
    cells::rows(connection, "exception", sql, [accounts::id(connection, account)?], exception)
}

fn exception(line: &Line<'_>) -> Result<Exception> {
    Ok(Exception {
        id: line.get("id")?,
        pattern: line.get("pattern")?,
        note: line.get("note")?,
        created_at: line.time("created_at")?,
    })
}

/// See [`crate::Store::add_exception`].
pub(super) fn add(connection: &Connection, new: &NewExceptionRow) -> Result<AddedException> {
    let account = accounts::id(connection, &new.account)?;
    let key = new.pattern.key();
    let sql = "SELECT id, pattern, note, created_at FROM exception WHERE account_id = ?1 AND key = ?2";
    if let Some(there) = cells::row(connection, "exception", sql, params![account, key], exception)? {
        return Ok(AddedException::WasThere(there));
    }
    let sql = "SELECT id FROM exception WHERE account_id = ?1";
    if cells::rows(connection, "exception", sql, [account], |_| Ok(()))?.len() >= MAX_EXCEPTIONS {
        return Ok(AddedException::TooMany);
    }
    change(connection, "UPDATE account SET last_exception = last_exception + 1 WHERE id = ?1", [account])?;
    change(
        connection,
        "INSERT INTO exception (account_id, id, pattern, key, note, created_at)
         SELECT id, last_exception, ?2, ?3, ?4, ?5 FROM account WHERE id = ?1",
        params![account, new.pattern.as_written(), key, new.note, micros(new.created_at)],
    )?;
    let sql = "SELECT id, pattern, note, created_at FROM exception WHERE account_id = ?1 AND key = ?2";
    cells::row(connection, "exception", sql, params![account, key], exception)?
        .map(AddedException::Added)
        .ok_or_else(|| StoreError::Database("an exception just added is not there".to_owned()))
}

/// See [`crate::Store::remove_exception`].
pub(super) fn remove(connection: &Connection, account: &str, id: i64) -> Result<()> {
    let sql = "DELETE FROM exception WHERE account_id = ?1 AND id = ?2";
    match change(connection, sql, params![accounts::id(connection, account)?, id])? {
        0 => Err(StoreError::NotFound(format!("exception {id}"))),
        _ => Ok(()),
    }
}

/// What the account's exceptions are compared by.
pub(super) fn keys(connection: &Connection, account: i64) -> Result<HashSet<String>> {
    let sql = "SELECT id, key FROM exception WHERE account_id = ?1";
    let keys = cells::rows(connection, "exception", sql, [account], |line| line.get("key"))?;
    Ok(keys.into_iter().collect())
}
