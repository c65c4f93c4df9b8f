//! What an account has decided, and what its own mail has met.

use std::collections::HashMap;

use api::{HostMemory, PastOverride};
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::accounts;
use super::cells::{self, micros};
use crate::Result;

/// See [`crate::Store::overrides`].
pub(super) fn overrides(
    connection: &Connection,
    account: &str,
    since: Timestamp,
) -> Result<Vec<PastOverride>> {
    let sql =
        "SELECT message_id, json_group_array(recipient) AS recipients, recorded_at, used_by FROM override
               WHERE account_id = ?1 AND recorded_at >= ?2
               GROUP BY message_id, recorded_at, used_by ORDER BY recorded_at DESC, message_id, used_by";
    let params = params![accounts::id(connection, account)?, micros(since)];
    cells::rows(connection, "override for", sql, params, |line| {
        Ok(PastOverride {
            message_id: line.get("message_id")?,
            recipients: line.json("recipients")?,
            recorded_at: line.time("recorded_at")?,
            used_by: line.get("used_by")?,
        })
    })
}

/// See [`crate::Store::own_memory`].
pub(super) fn memory(connection: &Connection, account: &str) -> Result<Vec<HostMemory>> {
    let account = accounts::id(connection, account)?;
    let downgrades = downgrades(connection, account)?;
    let sql = "SELECT host, domain, best, first_tls, last_tls FROM memory WHERE account_id = ?1
               ORDER BY last_tls DESC, domain, host";
    cells::rows(connection, "memory of", sql, [account], |line| {
        let place = (line.get::<String>("domain")?, line.get::<String>("host")?);
        let downgraded_at = downgrades.get(&place).copied();
        let (domain, host) = place;
        Ok(HostMemory {
            domain,
            host,
            best: line.word::<guarantee::Protection>("best")?.into(),
            first_tls: line.time("first_tls")?,
            last_tls: line.time("last_tls")?,
            downgraded_at,
        })
    })
}

/// When the account's mail was last stopped as a possible downgrade, by domain and host.
fn downgrades(connection: &Connection, account: i64) -> Result<HashMap<(String, String), Timestamp>> {
    let sql = "SELECT recipient.id, lower(next_hop) AS domain, cause, changed_at
               FROM stop JOIN recipient ON recipient.message = stop.message
               WHERE stop.account_id = ?1 AND state = 'stopped' AND cause ->> '$.kind' = 'downgrade'
               ORDER BY changed_at";
    let stops = cells::rows(connection, "recipient", sql, [account], |line| {
        let cause: guarantee::Cause = line.json("cause")?;
        let host = cause.host().map(|host| host.name.to_lowercase()).unwrap_or_default();
        Ok(((line.get::<String>("domain")?, host), line.time("changed_at")?))
    })?;
    // the latest last
    Ok(stops.into_iter().collect())
}
