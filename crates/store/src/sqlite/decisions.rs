//! What an account has decided about a message that it sends.

use std::collections::HashSet;

use guarantee::{Lifts, Wish};
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::accounts;
use super::cells::{self, change, folded, integer, micros};
use super::exceptions;
use crate::{DemandRow, MAX_DEMANDS, NewMessage, RecordedDemand, Result};

/// The account's decisions that bear on one message, by recipients as they are compared.
#[derive(Default)]
pub(super) struct Decisions {
    overridden: HashSet<String>,
    excepted: HashSet<String>,
    end_to_end: bool,
}

impl Decisions {
    /// Uses up the overrides recorded for this message.
    pub(super) fn take(connection: &Connection, message: &NewMessage, account: i64) -> Result<Self> {
        Ok(Self {
            overridden: use_overrides(connection, message, account)?,
            excepted: exceptions::keys(connection, account)?,
            end_to_end: message.end_to_end && accounts::end_to_end_without_tls(connection, account)?,
        })
    }

    /// What lifts the guarantee for the recipient of that address.
    pub(super) fn lifts(&self, address: &str) -> Lifts {
        let address = folded(address);
        let domain = address.rsplit('@').next().unwrap_or_default();
        Lifts {
            override_recorded: self.overridden.contains(&address),
            exception: self.excepted.contains(&address) || self.excepted.contains(domain),
            end_to_end: self.end_to_end,
        }
    }
}

/// Uses up the account's overrides of this message for its recipients; those recipients, folded.
fn use_overrides(connection: &Connection, message: &NewMessage, account: i64) -> Result<HashSet<String>> {
    let Some(message_id) = &message.message_id else { return Ok(HashSet::new()) };
    let sql = "SELECT recipient FROM override
               WHERE account_id = ?1 AND message_id = ?2 AND used_by IS NULL AND expires_at > ?3";
    let params = params![account, message_id, micros(message.facts.accepted_at)];
    let open = cells::rows(connection, "override for", sql, params, |line| line.get::<String>("recipient"))?;
    if open.is_empty() {
        return Ok(HashSet::new());
    }
    let recipients: HashSet<String> = message.recipients.iter().map(|to| folded(&to.address)).collect();
    let used: HashSet<String> = open.into_iter().filter(|to| recipients.contains(to)).collect();
    for recipient in &used {
        change(
            connection,
            "UPDATE override SET used_by = ?4 WHERE account_id = ?1 AND message_id = ?2 AND recipient = ?3",
            params![account, message_id, recipient, message.facts.queue_id],
        )?;
    }
    Ok(used)
}

/// See [`crate::Store::record_demand`].
pub(super) fn record_demand(connection: &Connection, demand: &DemandRow) -> Result<RecordedDemand> {
    let account = accounts::id(connection, &demand.account)?;
    let sql = "SELECT count(*) AS others FROM demand WHERE account_id = ?1 AND message_id <> ?2";
    let others = cells::row(connection, "demand", sql, params![account, demand.message_id], |line| {
        line.get::<i64>("others")
    })?;
    if others.unwrap_or_default() >= integer(MAX_DEMANDS) {
        return Ok(RecordedDemand::TooMany);
    }
    change(
        connection,
        "INSERT INTO demand (account_id, message_id, expires_at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET expires_at = ?3",
        params![account, demand.message_id, micros(demand.expires_at)],
    )?;
    Ok(RecordedDemand::Recorded)
}

/// What the message asks of its way, with the account's demand for it. The demand stays: one message may come in several
/// transactions (RFC 5321 §4.5.3.1.10), or again after a lost reply (RFC 1047), and holds for each of them.
pub(super) fn wish(connection: &Connection, message: &NewMessage, account: i64) -> Result<Wish> {
    let asked = message.facts.wish;
    let Some(message_id) = &message.message_id else { return Ok(asked) };
    let demanded = is_demanded(connection, account, message_id, message.facts.accepted_at)?;
    Ok(if demanded { asked.with_demand() } else { asked })
}

/// See [`crate::Store::demands`].
pub(super) fn demands(connection: &Connection, address: &str, now: Timestamp) -> Result<bool> {
    let account = accounts::id(connection, address)?;
    let sql = "SELECT expires_at FROM demand WHERE account_id = ?1 AND expires_at > ?2 LIMIT 1";
    let params = params![account, micros(now)];
    Ok(cells::row(connection, "demand", sql, params, |line| line.time("expires_at"))?.is_some())
}

fn is_demanded(connection: &Connection, account: i64, message_id: &str, now: Timestamp) -> Result<bool> {
    let sql = "SELECT expires_at FROM demand WHERE account_id = ?1 AND message_id = ?2 AND expires_at > ?3";
    let params = params![account, message_id, micros(now)];
    Ok(cells::row(connection, "demand", sql, params, |line| line.time("expires_at"))?.is_some())
}
