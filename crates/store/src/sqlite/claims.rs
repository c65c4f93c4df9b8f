//! Who works on what. Claims live in the writer's memory: a crash frees them all, and nothing is written for one.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::cells::{self, Line, micros};
use super::{messages, open};
use crate::{Job, JobRecipient, MAX_JOB_RECIPIENTS, NextHop, RecipientId, Result, StoreError};

/// The claimed recipients. The writer alone changes them; whoever looks for work sees them.
#[derive(Clone, Debug, Default)]
pub(super) struct Claimed(Arc<Mutex<HashSet<i64>>>);

impl Claimed {
    fn lock(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer's side of the claims.
#[derive(Debug, Default)]
pub(super) struct Claims {
    claimed: Claimed,
    /// Held from the first claim on.
    queue_lock: Option<File>,
}

impl Claims {
    pub(super) fn new(claimed: Claimed) -> Self {
        Self { claimed, queue_lock: None }
    }

    /// Gives recipients back.
    pub(super) fn free(&mut self, recipients: &[RecipientId]) {
        let mut claimed = self.claimed.lock();
        for RecipientId(id) in recipients {
            claimed.remove(id);
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
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Group {
    message: i64,
    next_hop: Option<String>,
    requirement: String,
}

/// Groups that have due recipients nobody has claimed, longest due first, at most `limit`. Passing over a long backlog of
/// a busy next hop takes time, so this is done while the writer goes on: [`claim`] looks again.
pub(super) fn due(
    connection: &Connection,
    claimed: &Claimed,
    now: Timestamp,
    limit: usize,
    busy: &[NextHop],
) -> Result<Vec<Group>> {
    let claimed = claimed.lock().clone();
    let busy: HashSet<Option<&str>> = busy.iter().map(cells::next_hop).collect();
    let mut due = connection.prepare_cached(
        "SELECT id, next_hop, message, requirement FROM recipient
         WHERE next_attempt_at <= ?1 ORDER BY next_attempt_at, next_hop, requirement, message, id",
    )?;
    let mut due = due.query([micros(now)])?;
    let mut groups = Vec::new();
    let mut seen = HashSet::new();
    while groups.len() < limit
        && let Some(row) = due.next()?
    {
        let next_hop = row.get_ref(1)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        if !busy.contains(&next_hop) && !claimed.contains(&row.get(0)?) {
            let group = Group {
                message: row.get(2)?,
                next_hop: next_hop.map(str::to_owned),
                requirement: row.get(3)?,
            };
            if seen.insert(group.clone()) {
                groups.push(group);
            }
        }
    }
    Ok(groups)
}

/// Claims these groups' due recipients, as far as nobody else has. A recipient whose row is damaged is logged and stays
/// claimed, so that it neither holds up the others nor is looked at again before the next start.
pub(super) fn claim(
    connection: &Connection,
    claims: &mut Claims,
    path: &Path,
    groups: &[Group],
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Job>> {
    claims.lock_queue(path)?;
    let mut jobs = Vec::new();
    for group in groups {
        let claimed = claim_group(connection, &mut claims.claimed.lock(), group, now, limit, &mut jobs);
        if let Err(error) = claimed {
            claims.free(&recipients(&jobs));
            return Err(error);
        }
    }
    Ok(jobs)
}

/// The recipients of these jobs.
pub(super) fn recipients(jobs: &[Job]) -> Vec<RecipientId> {
    jobs.iter().flat_map(|job| &job.recipients).map(|recipient| recipient.id).collect()
}

/// Claims all due recipients of a group, in as many jobs as it takes and `limit` allows.
fn claim_group(
    connection: &Connection,
    claimed: &mut HashSet<i64>,
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
    let mut found = Vec::new();
    let room = (limit - jobs.len()).saturating_mul(MAX_JOB_RECIPIENTS);
    while found.len() < room
        && let Some(row) = rows.next()?
    {
        let id: i64 = row.get(0)?;
        if !claimed.contains(&id) {
            found.push((id, job_recipient(&Line::new(row, "recipient"), id)));
        }
    }
    // from here on nothing ends before it has said whose the claims are
    claimed.extend(found.iter().map(|(id, _)| id));
    let readable = found.into_iter().filter_map(|(_, recipient)| match recipient {
        Ok(recipient) => Some(recipient),
        Err(error) => {
            tracing::error!(%error, "a recipient cannot be read and is left out of the queue");
            None
        }
    });
    let mut recipients = readable.peekable();
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
        "SELECT queue_id, origin, address, reverse_path, ret, envid, smtputf8, eight_bit, wish, accepted_at, size,
                ?2 AS next_hop, ?3 AS requirement
         FROM message LEFT JOIN account ON account.id = account_id WHERE message.id = ?1",
        params![group.message, group.next_hop, group.requirement],
        |line| {
            Ok(Job {
                facts: messages::facts(line)?,
                size: line.size("size")?,
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
    claimed: &Claimed,
    busy: &[NextHop],
) -> Result<Option<Timestamp>> {
    let claimed = claimed.lock().clone();
    let busy: HashSet<Option<&str>> = busy.iter().map(cells::next_hop).collect();
    let mut waiting = connection.prepare_cached(
        "SELECT id, next_hop, next_attempt_at FROM recipient
         WHERE next_attempt_at IS NOT NULL ORDER BY next_attempt_at",
    )?;
    let mut waiting = waiting.query([])?;
    while let Some(row) = waiting.next()? {
        let next_hop = row.get_ref(1)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        if !busy.contains(&next_hop) && !claimed.contains(&row.get(0)?) {
            return Line::new(row, "recipient").time("next_attempt_at").map(Some);
        }
    }
    Ok(None)
}
