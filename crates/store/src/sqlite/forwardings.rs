//! Targets of permanent forwardings whose way is watched.

use api::{Forwarding, ProtectionWord};
use guarantee::Protection;
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::cells::{self, Line, change, integer, micros, word};
use super::{accept, accounts, mailboxes};
use crate::{
    AddedForwarding, Filed, ForwardingSeen, MAX_FORWARDINGS, NewForwardingRow, ReportTo, Result, StoreError,
    WatchedForwarding,
};

const COLUMNS: &str = "id, address, protection, seen_at, created_at";

/// See [`crate::Store::forwardings`].
pub(super) fn all(connection: &Connection, account: &str) -> Result<Vec<Forwarding>> {
    let sql = format!("SELECT {COLUMNS} FROM forwarding WHERE account_id = ?1 ORDER BY id DESC");
    cells::rows(connection, "forwarding", &sql, [accounts::id(connection, account)?], forwarding)
}

fn forwarding(line: &Line<'_>) -> Result<Forwarding> {
    let known: Option<Protection> = line.word_if_any("protection")?;
    Ok(Forwarding {
        id: line.get("id")?,
        address: line.get("address")?,
        protection: known.map_or(ProtectionWord::Unknown, ProtectionWord::from),
        checked_at: line.time_if_any("seen_at")?,
        created_at: line.time("created_at")?,
    })
}

/// See [`crate::Store::add_forwarding`].
pub(super) fn add(connection: &Connection, new: &NewForwardingRow) -> Result<AddedForwarding> {
    let account = accounts::id(connection, &new.account)?;
    if let Some(there) = of_key(connection, account, &key(&new.address))? {
        return Ok(AddedForwarding::WasThere(there));
    }
    if all(connection, &new.account)?.len() >= MAX_FORWARDINGS {
        return Ok(AddedForwarding::TooMany);
    }
    change(connection, "UPDATE account SET last_forwarding = last_forwarding + 1 WHERE id = ?1", [account])?;
    change(
        connection,
        "INSERT INTO forwarding (account_id, id, address, key, created_at, protection, seen_at, next_look_at)
         SELECT id, last_forwarding, ?2, ?3, ?4, ?5, ?6, ?7 FROM account WHERE id = ?1",
        params![
            account,
            new.address,
            key(&new.address),
            micros(new.created_at),
            new.protection.as_ref().map(word).transpose()?,
            new.protection.map(|_| micros(new.created_at)),
            micros(new.next_look_at),
        ],
    )?;
    of_key(connection, account, &key(&new.address))?
        .map(AddedForwarding::Added)
        .ok_or_else(|| StoreError::Database("a forwarding just added is not there".to_owned()))
}

fn of_key(connection: &Connection, account: i64, key: &str) -> Result<Option<Forwarding>> {
    let sql = format!("SELECT {COLUMNS} FROM forwarding WHERE account_id = ?1 AND key = ?2");
    cells::row(connection, "forwarding", &sql, params![account, key], forwarding)
}

/// Addresses are passed with the domain in A-labels.
fn key(address: &str) -> String {
    cells::folded(address)
}

/// See [`crate::Store::remove_forwarding`].
pub(super) fn remove(connection: &Connection, account: &str, id: i64) -> Result<()> {
    let sql = "DELETE FROM forwarding WHERE account_id = ?1 AND id = ?2";
    match change(connection, sql, params![accounts::id(connection, account)?, id])? {
        0 => Err(StoreError::NotFound(format!("forwarding {id}"))),
        _ => Ok(()),
    }
}

const WATCHED: &str =
    "SELECT forwarding.id, account.address AS account, forwarding.address, protection, seen_at
                       FROM forwarding JOIN account ON account.id = account_id";

fn watched(line: &Line<'_>) -> Result<WatchedForwarding> {
    let protection: Option<Protection> = line.word_if_any("protection")?;
    Ok(WatchedForwarding {
        account: line.get("account")?,
        id: line.get("id")?,
        address: line.get("address")?,
        known: protection.zip(line.time_if_any("seen_at")?),
    })
}

/// See [`crate::Store::forwardings_due`].
pub(super) fn due(connection: &Connection, now: Timestamp, limit: usize) -> Result<Vec<WatchedForwarding>> {
    let sql = format!("{WATCHED} WHERE next_look_at <= ?1 ORDER BY next_look_at LIMIT ?2");
    cells::rows(connection, "forwarding", &sql, params![micros(now), integer(limit)], watched)
}

/// See [`crate::Store::watched_forwarding`].
pub(super) fn of_account(
    connection: &Connection,
    account: &str,
    address: &str,
) -> Result<Option<WatchedForwarding>> {
    let sql = format!("{WATCHED} WHERE folded = ?1 AND key = ?2");
    cells::row(connection, "forwarding", &sql, params![cells::folded(account), key(address)], watched)
}

/// See [`crate::Store::note_forwarding`].
pub(super) fn note(connection: &Connection, seen: &ForwardingSeen) -> Result<Filed> {
    let ForwardingSeen { of, protection, now, next_look_at, mail } = seen;
    let Some(account) = accounts::id_if_any(connection, &of.account)? else { return Ok(Filed::Stale) };
    let before = of.known.as_ref().map(|(protection, _)| word(protection)).transpose()?;
    let sql = "UPDATE forwarding
               SET protection = coalesce(?4, protection), seen_at = iif(?4 IS NULL, seen_at, ?5), next_look_at = ?6
               WHERE account_id = ?1 AND id = ?2 AND protection IS ?3";
    let after = protection.as_ref().map(word).transpose()?;
    let params = params![account, of.id, before, after, micros(*now), micros(*next_look_at)];
    if change(connection, sql, params)? == 0 {
        return Ok(Filed::Stale);
    }
    match mail {
        Some(ReportTo::Mailbox { account, message }) => {
            mailboxes::file_in_inbox(connection, account, message, *now)?;
        }
        Some(ReportTo::Queue(message)) => accept::accept(connection, message)?,
        None => {}
    }
    Ok(Filed::Done)
}
