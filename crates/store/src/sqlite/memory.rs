//! What mail has met at MX hosts.

use std::collections::HashSet;

use guarantee::{Protection, Remembered, Sighted, Sighting, TlsDetails};
use jiff::Timestamp;
use jiff::tz::Offset;
use rusqlite::{Connection, params};

use super::accounts;
use super::cells::{self, Line, change, folded, integer, json, micros, word};
use crate::{MemoryEntry, Result};

/// See [`crate::Store::remember`].
pub(super) fn remember(
    connection: &Connection,
    account: Option<&str>,
    sightings: &[Sighting],
    now: Timestamp,
) -> Result<()> {
    let account = match account {
        Some(address) => accounts::id_if_any(connection, address)?,
        None => None,
    };
    for sighting in sightings {
        if let (Some(host), Some((tls, protection))) = (&sighting.host, met(&sighting.outcome)) {
            let key = Key { account, domain: folded(&sighting.domain), host: folded(&host.name) };
            let remembered = Remembered::after(key.load(connection)?, tls, protection, now);
            key.save(connection, &remembered)?;
        }
    }
    Ok(())
}

/// The TLS that was met, if any. What lacks something that the domain asks for protects, but proves nothing.
fn met(outcome: &Sighted) -> Option<(&TlsDetails, Protection)> {
    match outcome {
        Sighted::Tls { tls, protection } => Some((tls, *protection)),
        Sighted::Flawed { tls, .. } => Some((tls, Protection::Encrypted)),
        Sighted::NoTls { .. } | Sighted::NoPolicy { .. } => None,
    }
}

struct Key {
    account: Option<i64>,
    domain: String,
    host: String,
}

impl Key {
    fn load(&self, connection: &Connection) -> Result<Option<Remembered>> {
        let sql = "SELECT host, best, first_tls, last_tls, last_authenticated, count, tls FROM memory
                   WHERE domain = ?1 AND host = ?2 AND ifnull(account_id, 0) = ifnull(?3, 0)";
        cells::row(connection, "memory of", sql, params![self.domain, self.host, self.account], remembered_in)
    }

    fn save(&self, connection: &Connection, remembered: &Remembered) -> Result<()> {
        change(
            connection,
            "INSERT INTO memory
                 (account_id, domain, host, best, first_tls, last_tls, last_authenticated, count, tls)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (domain, host, ifnull(account_id, 0)) DO UPDATE SET
                 best = ?4, first_tls = ?5, last_tls = ?6, last_authenticated = ?7, count = ?8, tls = ?9",
            params![
                self.account,
                self.domain,
                self.host,
                word(&remembered.best)?,
                micros(remembered.first_tls),
                micros(remembered.last_tls),
                remembered.last_authenticated.map(micros),
                integer(remembered.count),
                json(&remembered.tls)?,
            ],
        )?;
        Ok(())
    }
}

fn remembered_in(line: &Line<'_>) -> Result<Remembered> {
    Ok(Remembered {
        best: line.word("best")?,
        first_tls: line.time("first_tls")?,
        last_tls: line.time("last_tls")?,
        last_authenticated: line.time_if_any("last_authenticated")?,
        count: line.size("count")?,
        tls: line.json("tls")?,
    })
}

/// See [`crate::Store::remembered`].
pub(super) fn remembered(
    connection: &Connection,
    account: &str,
    domain: &str,
    host: &str,
) -> Result<Option<Remembered>> {
    // without its account a key would be nobody's
    let Some(account) = accounts::id_if_any(connection, account)? else { return Ok(None) };
    Key { account: Some(account), domain: folded(domain), host: folded(host) }.load(connection)
}

/// See [`crate::Store::had_tls`].
pub(super) fn had_tls(connection: &Connection, domain: &str, since: Timestamp) -> Result<bool> {
    let sql =
        "SELECT host FROM memory WHERE domain = ?1 AND last_tls >= ?2 AND account_id IS NOT NULL LIMIT 1";
    Ok(cells::row(connection, "memory of", sql, params![folded(domain), micros(since)], |_| Ok(()))?
        .is_some())
}

/// See [`crate::Store::memory`].
pub(super) fn entries(connection: &Connection, domain: Option<&str>) -> Result<Vec<MemoryEntry>> {
    let sql = "SELECT host, domain, json_group_array(DISTINCT best) AS bests, min(first_tls) AS first_tls,
                      max(last_tls) AS last_tls, sum(count) AS count
               FROM memory WHERE domain = ifnull(?1, domain) GROUP BY domain, host ORDER BY domain, host";
    cells::rows(connection, "memory of", sql, [domain.map(folded)], |line| {
        let bests: Vec<Protection> = line.json("bests")?;
        Ok(MemoryEntry {
            domain: line.get("domain")?,
            host: line.get("host")?,
            best: bests.into_iter().max().unwrap_or(Protection::None),
            first_tls: Offset::UTC.to_datetime(line.time("first_tls")?).date(),
            last_tls: Offset::UTC.to_datetime(line.time("last_tls")?).date(),
            count: line.size("count")?,
        })
    })
}

/// See [`crate::Store::forget`].
pub(super) fn forget(connection: &Connection, domain: &str, host: Option<&str>) -> Result<usize> {
    let sql = "DELETE FROM memory WHERE domain = ?1 AND host = ifnull(?2, host) RETURNING host";
    let params = params![folded(domain), host.map(folded)];
    let hosts = cells::rows(connection, "memory of", sql, params, |line| line.get::<String>("host"))?;
    Ok(hosts.into_iter().collect::<HashSet<_>>().len())
}
