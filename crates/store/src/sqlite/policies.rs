//! MTA-STS policies.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

use super::cells::{self, change, folded, integer, json, micros};
use crate::{Result, StoredPolicy};

/// See [`crate::Store::sts_policy`].
pub(super) fn load(connection: &Connection, domain: &str) -> Result<Option<StoredPolicy>> {
    let sql = "SELECT domain, policy, fetched_at FROM sts_policy WHERE domain = ?1";
    cells::row(connection, "sts_policy", sql, [folded(domain)], |line| {
        Ok(StoredPolicy { policy: line.json("policy")?, fetched_at: line.time("fetched_at")? })
    })
}

/// See [`crate::Store::keep_sts_policy`].
pub(super) fn keep(connection: &Connection, kept: &StoredPolicy) -> Result<()> {
    let max_age = SignedDuration::from_secs(kept.policy.max_age.into());
    let ends_at = kept.fetched_at.saturating_add(max_age).unwrap_or(Timestamp::MAX);
    change(
        connection,
        "INSERT OR REPLACE INTO sts_policy (domain, policy, fetched_at, ends_at) VALUES (?1, ?2, ?3, ?4)",
        params![folded(&kept.policy.domain), json(&kept.policy)?, micros(kept.fetched_at), micros(ends_at)],
    )?;
    Ok(())
}

/// See [`crate::Store::sts_policies_fetched_before`].
pub(super) fn fetched_before(connection: &Connection, time: Timestamp, limit: usize) -> Result<Vec<String>> {
    let sql = "SELECT domain FROM sts_policy WHERE fetched_at < ?1 ORDER BY fetched_at, domain LIMIT ?2";
    cells::rows(connection, "sts_policy", sql, params![micros(time), integer(limit)], |line| {
        line.get("domain")
    })
}

/// See [`crate::Store::forget_sts_policy`].
pub(super) fn forget(connection: &Connection, domain: &str) -> Result<()> {
    change(connection, "DELETE FROM sts_policy WHERE domain = ?1", [folded(domain)])?;
    Ok(())
}
