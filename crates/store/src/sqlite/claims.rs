//! Who works on what. Claims live in the writer's memory: a crash frees them all, and nothing is written for one.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::cells::{self, Line, micros};
use super::open;
use crate::{Job, JobRecipient, MAX_JOB_RECIPIENTS, NextHop, RecipientId, Result, StoreError};

/// The claimed recipients.
#[derive(Debug, Default)]
pub(super) struct Claims {
    claimed: HashSet<i64>,
    /// Held from the first claim on.
    queue_lock: Option<File>,
}

impl Claims {
    /// Gives recipients back.
    pub(super) fn free(&mut self, recipients: &[RecipientId]) {
        for RecipientId(id) in recipients {
            self.claimed.remove(id);
        }
    }

    fn lock_queue(&mut self, path: &Path) -> Result<()> {
        if self.queue_lock.is_none() {
            self.queue_lock = Some(open::lock_queue(path)?);
        }
        Ok(())
    }
}

/// What is claimed together.
struct Group {
    message: i64,
    next_hop: Option<String>,
    requirement: String,
}

/// See [`crate::Store::claim_due`]. A recipient whose row is damaged is logged and stays claimed, so that it neither
/// holds up the others nor is looked at again before the next start.
pub(super) fn claim_due(
    connection: &Connection,
    claims: &mut Claims,
    path: &Path,
    now: Timestamp,
    limit: usize,
    busy: &[NextHop],
) -> Result<Vec<Job>> {
    claims.lock_queue(path)?;
    let busy: HashSet<Option<&str>> = busy.iter().map(cells::next_hop).collect();
    let mut due = connection.prepare_cached(
        "SELECT id, next_hop, message, requirement FROM recipient
         WHERE next_attempt_at <= ?1 ORDER BY next_attempt_at, next_hop, requirement, message, id",
    )?;
    let mut due = due.query([micros(now)])?;
    let mut jobs = Vec::new();
    while jobs.len() < limit {
        let Some(row) = due.next()? else { break };
        let next_hop = row.get_ref(1)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        if busy.contains(&next_hop) || claims.claimed.contains(&row.get(0)?) {
            continue;
        }
        let group =
            Group { message: row.get(2)?, next_hop: next_hop.map(str::to_owned), requirement: row.get(3)? };
        claim_group(connection, claims, &group, now, limit, &mut jobs)?;
    }
    Ok(jobs)
}

/// Claims all due recipients of a group, in as many jobs as it takes and `limit` allows.
fn claim_group(
    connection: &Connection,
    claims: &mut Claims,
    group: &Group,
    now: Timestamp,
    limit: usize,
    jobs: &mut Vec<Job>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT id, address, notify, orcpt, history, delay_reported FROM recipient
         WHERE message = ?1 AND next_hop IS ?2 AND requirement = ?3 AND next_attempt_at <= ?4 ORDER BY position",
    )?;
    let mut rows = statement.query(params![group.message, group.next_hop, group.requirement, micros(now)])?;
    let mut recipients = Vec::new();
    let room = (limit - jobs.len()).saturating_mul(MAX_JOB_RECIPIENTS);
    while recipients.len() < room
        && let Some(row) = rows.next()?
    {
        let id: i64 = row.get(0)?;
        if !claims.claimed.insert(id) {
            continue;
        }
        match job_recipient(&Line::new(row, "recipient"), id) {
            Ok(recipient) => recipients.push(recipient),
            Err(error) => tracing::error!(%error, "a recipient cannot be read and is left out of the queue"),
        }
    }
    let mut recipients = recipients.into_iter().peekable();
    while recipients.peek().is_some() {
        let some: Vec<JobRecipient> = recipients.by_ref().take(MAX_JOB_RECIPIENTS).collect();
        match job(connection, group, some) {
            Ok(job) => jobs.push(job),
            Err(error) => tracing::error!(%error, "a message cannot be read and is left out of the queue"),
        }
    }
    Ok(())
}

fn job_recipient(line: &Line<'_>, id: i64) -> Result<JobRecipient> {
    Ok(JobRecipient {
        id: RecipientId(id),
        address: line.get("address")?,
        notify: line.json("notify")?,
        orcpt: line.get("orcpt")?,
        history: line.json("history")?,
        delay_reported: line.get("delay_reported")?,
    })
}

fn job(connection: &Connection, group: &Group, recipients: Vec<JobRecipient>) -> Result<Job> {
    cells::row(
        connection,
        "message",
        "SELECT queue_id, origin, address, reverse_path, ret, envid, smtputf8, eight_bit, size, accepted_at,
                ?2 AS next_hop, ?3 AS requirement
         FROM message LEFT JOIN account ON account.id = account_id WHERE message.id = ?1",
        params![group.message, group.next_hop, group.requirement],
        |line| {
            Ok(Job {
                queue_id: line.get("queue_id")?,
                origin: line.word("origin")?,
                account: line.get("address")?,
                reverse_path: line.reverse_path()?,
                ret: line.word_if_any("ret")?,
                envid: line.get("envid")?,
                smtputf8: line.get("smtputf8")?,
                eight_bit: line.get("eight_bit")?,
                size: line.size("size")?,
                accepted_at: line.time("accepted_at")?,
                next_hop: line.next_hop()?,
                requirement: line.word("requirement")?,
                recipients,
            })
        },
    )?
    .ok_or_else(|| StoreError::Database(format!("message row {} is missing", group.message)))
}

/// See [`crate::Store::next_due`].
pub(super) fn next_due(
    connection: &Connection,
    claims: &Claims,
    busy: &[NextHop],
) -> Result<Option<Timestamp>> {
    let busy: HashSet<Option<&str>> = busy.iter().map(cells::next_hop).collect();
    let mut waiting = connection.prepare_cached(
        "SELECT id, next_hop, next_attempt_at FROM recipient
         WHERE next_attempt_at IS NOT NULL ORDER BY next_attempt_at",
    )?;
    let mut waiting = waiting.query([])?;
    while let Some(row) = waiting.next()? {
        let next_hop = row.get_ref(1)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        if !busy.contains(&next_hop) && !claims.claimed.contains(&row.get(0)?) {
            return Line::new(row, "recipient").time("next_attempt_at").map(Some);
        }
    }
    Ok(None)
}
