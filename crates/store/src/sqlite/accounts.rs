//! Accounts, their switches, sessions and overrides.

use api::Preferences;
use guarantee::{Level, Switch};
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::cells::{self, change, folded, micros, word};
use crate::{Account, AccountSecret, OverrideRow, Pause, Result, SessionRow, StoreError, StoredSwitch};

/// In the place of a hash, of an account without a password: no password has this hash.
const NO_PASSWORD: &str = "";

/// The row of an account, or [`StoreError::NotFound`].
pub(super) fn id(connection: &Connection, address: &str) -> Result<i64> {
    id_if_any(connection, address)?.ok_or_else(|| StoreError::NotFound(address.to_owned()))
}

/// The row of an account, if it is there.
pub(super) fn id_if_any(connection: &Connection, address: &str) -> Result<Option<i64>> {
    let sql = "SELECT id FROM account WHERE folded = ?1";
    cells::row(connection, "account", sql, [folded(address)], |line| line.get("id"))
}

pub(super) fn add(connection: &Connection, address: &str, hash: &str, now: Timestamp) -> Result<()> {
    if insert(connection, address, hash, now)? { Ok(()) } else { Err(StoreError::Exists(address.to_owned())) }
}

/// See [`crate::Store::ensure_account`].
pub(super) fn ensure(connection: &Connection, address: &str, now: Timestamp) -> Result<String> {
    insert(connection, address, NO_PASSWORD, now)?;
    let account = secret(connection, address)?;
    account.map(|account| account.address).ok_or_else(|| StoreError::NotFound(address.to_owned()))
}

/// Whether it was not there.
fn insert(connection: &Connection, address: &str, hash: &str, now: Timestamp) -> Result<bool> {
    let added = change(
        connection,
        "INSERT INTO account (address, folded, password_hash, created_at, switch) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
        params![address, folded(address), hash, micros(now), cells::json(&Switch::Off)?],
    )?;
    Ok(added > 0)
}

pub(super) fn set_password(connection: &Connection, address: &str, hash: &str) -> Result<()> {
    let id = id(connection, address)?;
    change(connection, "UPDATE account SET password_hash = ?2 WHERE id = ?1", params![id, hash])?;
    change(connection, "DELETE FROM session WHERE account_id = ?1", [id])?;
    Ok(())
}

pub(super) fn remove(connection: &Connection, address: &str) -> Result<()> {
    let id = id(connection, address)?;
    // the schema takes sessions, mailboxes, overrides and stops with it, and leaves messages to nobody
    change(connection, "DELETE FROM account WHERE id = ?1", [id])?;
    Ok(())
}

pub(super) fn all(connection: &Connection) -> Result<Vec<Account>> {
    let sql = "SELECT address, created_at FROM account ORDER BY folded";
    cells::rows(connection, "account", sql, [], |line| {
        Ok(Account { address: line.get("address")?, created_at: line.time("created_at")? })
    })
}

pub(super) fn secret(connection: &Connection, address: &str) -> Result<Option<AccountSecret>> {
    let sql = "SELECT address, password_hash FROM account WHERE folded = ?1";
    cells::row(connection, "account", sql, [folded(address)], |line| {
        let hash: String = line.get("password_hash")?;
        let password_hash = (hash != NO_PASSWORD).then_some(hash);
        Ok(AccountSecret { address: line.get("address")?, password_hash })
    })
}

pub(super) fn switch(connection: &Connection, address: &str) -> Result<StoredSwitch> {
    let sql = "SELECT address, switch, was_on, level FROM account WHERE folded = ?1";
    cells::row(connection, "account", sql, [folded(address)], |line| {
        Ok(StoredSwitch {
            switch: line.json("switch")?,
            was_on: line.get("was_on")?,
            level: line.word("level")?,
        })
    })?
    .ok_or_else(|| StoreError::NotFound(address.to_owned()))
}

/// See [`crate::Store::set_guarantee`].
pub(super) fn set_guarantee(
    connection: &Connection,
    address: &str,
    switch: Switch,
    level: Option<Level>,
) -> Result<StoredSwitch> {
    // a pause ends by switching on, and nobody sees the moment: it counts as having been on
    let was_on = match switch {
        Switch::On | Switch::Paused { .. } => true,
        Switch::Off => false,
    };
    change(
        connection,
        "UPDATE account SET switch = ?2, was_on = was_on OR ?3, level = coalesce(?4, level) WHERE folded = ?1",
        params![folded(address), cells::json(&switch)?, was_on, level.as_ref().map(word).transpose()?],
    )?;
    self::switch(connection, address)
}

/// See [`crate::Store::pauses`].
pub(super) fn pauses(connection: &Connection) -> Result<Vec<Pause>> {
    let sql = "SELECT address, switch FROM account WHERE switch NOT IN (?1, ?2) ORDER BY folded";
    let params = params![cells::json(&Switch::On)?, cells::json(&Switch::Off)?];
    let paused = cells::rows(connection, "account", sql, params, |line| {
        Ok(match line.json("switch")? {
            Switch::Paused { until } => Some(Pause { account: line.get("address")?, until }),
            Switch::On | Switch::Off => None,
        })
    })?;
    Ok(paused.into_iter().flatten().collect())
}

/// See [`crate::Store::end_pause`].
pub(super) fn end_pause(connection: &Connection, pause: &Pause) -> Result<Option<StoredSwitch>> {
    let Some(account) = id_if_any(connection, &pause.account)? else { return Ok(None) };
    let until = pause.until;
    match switch(connection, &pause.account)?.switch {
        Switch::Paused { until: stands } if stands == until => {}
        Switch::Paused { .. } | Switch::On | Switch::Off => return Ok(None),
    }
    let sql = "UPDATE account SET switch = ?2 WHERE id = ?1";
    change(connection, sql, params![account, cells::json(&Switch::On)?])?;
    switch(connection, &pause.account).map(Some)
}

pub(super) fn add_session(connection: &Connection, session: &SessionRow) -> Result<()> {
    let id = id(connection, &session.account)?;
    change(
        connection,
        "INSERT INTO session (token_hash, account_id, expires_at) VALUES (?1, ?2, ?3)",
        params![session.token_hash, id, micros(session.expires_at)],
    )?;
    Ok(())
}

pub(super) fn session(
    connection: &Connection,
    token_hash: [u8; 32],
    now: Timestamp,
) -> Result<Option<SessionRow>> {
    let sql = "SELECT address, expires_at FROM session JOIN account ON account.id = account_id
               WHERE token_hash = ?1 AND expires_at > ?2";
    cells::row(connection, "session of", sql, params![token_hash, micros(now)], |line| {
        Ok(SessionRow { token_hash, account: line.get("address")?, expires_at: line.time("expires_at")? })
    })
}

pub(super) fn remove_session(connection: &Connection, token_hash: [u8; 32]) -> Result<()> {
    change(connection, "DELETE FROM session WHERE token_hash = ?1", [token_hash])?;
    Ok(())
}

/// How many of an account's ended overrides are shown.
const PAST_OVERRIDES: i64 = 1000;

/// Recording a decision anew makes it good for one submission again.
pub(super) fn record_override(connection: &Connection, decision: &OverrideRow) -> Result<()> {
    let id = id(connection, &decision.account)?;
    for recipient in &decision.recipients {
        change(
            connection,
            "INSERT INTO override (account_id, message_id, recipient, recorded_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET recorded_at = ?4, expires_at = ?5, used_by = NULL",
            params![
                id,
                decision.message_id,
                folded(recipient),
                micros(decision.recorded_at),
                micros(decision.expires_at)
            ],
        )?;
    }
    change(
        connection,
        "DELETE FROM override WHERE account_id = ?1 AND expires_at <= ?2 AND recorded_at <
             (SELECT recorded_at FROM override WHERE account_id = ?1 ORDER BY recorded_at DESC LIMIT 1 OFFSET ?3)",
        params![id, micros(decision.recorded_at), PAST_OVERRIDES],
    )?;
    Ok(())
}

/// See [`crate::Store::preferences`].
pub(super) fn preferences(connection: &Connection, address: &str) -> Result<Preferences> {
    let id = id(connection, address)?;
    Ok(Preferences { end_to_end_without_tls: end_to_end_without_tls(connection, id)? })
}

pub(super) fn end_to_end_without_tls(connection: &Connection, account: i64) -> Result<bool> {
    let sql = "SELECT id, end_to_end_without_tls FROM account WHERE id = ?1";
    let preferred =
        cells::row(connection, "account", sql, [account], |line| line.get("end_to_end_without_tls"))?;
    Ok(preferred.unwrap_or_default())
}

/// See [`crate::Store::set_preferences`].
pub(super) fn set_preferences(connection: &Connection, address: &str, wanted: Preferences) -> Result<()> {
    let Preferences { end_to_end_without_tls } = wanted;
    let sql = "UPDATE account SET end_to_end_without_tls = ?2 WHERE id = ?1";
    change(connection, sql, params![id(connection, address)?, end_to_end_without_tls])?;
    Ok(())
}
