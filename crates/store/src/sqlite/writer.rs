//! The one thread that writes: operations of many callers share a transaction, and so a sync of the disk.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::claims::Claims;
use super::open;
use crate::{RecipientId, Result, StoreError};

/// The most operations in one transaction.
const MAX_GROUP: usize = 1024;

/// The most octets of content in one transaction, so that a few large messages do not make all others wait.
const MAX_GROUP_OCTETS: usize = 16 << 20;

/// The longest wait for a group to become as large as the last one.
const LINGER: Duration = Duration::from_millis(1);

/// From this size of the log on, the writer itself empties it: a passive checkpoint never can while writing goes on.
const WAL_LIMIT: u64 = 64 << 20;

/// How long emptying the log may wait for readers.
const TRUNCATE_TIMEOUT: Duration = Duration::from_millis(250);

/// What the writer is asked to do.
pub(super) enum Task {
    /// Something that changes the database: in a transaction with others, answered after the commit.
    Write(Box<dyn Operation>),
    /// Something that needs the claims, or this very connection: done between transactions.
    Look(Look),
    /// End, after what was asked before.
    Stop,
}

/// See [`Task::Look`].
pub(super) type Look = Box<dyn FnOnce(&mut Desk) + Send>;

/// A task in the channel, whose length the permits bound.
pub(super) struct Queued {
    pub(super) task: Task,
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

/// Whether an operation's changes stay.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Yes,
    No,
}

/// An operation as the writer sees it.
pub(super) trait Operation: Send {
    /// Octets of content it writes.
    fn octets(&self) -> usize;
    /// Does it, within a savepoint.
    fn run(&mut self, connection: &Connection) -> Keep;
    /// Answers the caller, when it is known whether the transaction was committed, and frees its claims if it was.
    fn settle(self: Box<Self>, committed: &Result<(), String>, claims: &mut Claims);
}

/// An operation with its answer.
pub(super) struct Pending<T, F> {
    pub(super) octets: usize,
    pub(super) work: Option<F>,
    pub(super) outcome: Option<Result<T>>,
    pub(super) frees: Vec<RecipientId>,
    pub(super) reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Operation for Pending<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T> + Send,
{
    fn octets(&self) -> usize {
        self.octets
    }

    fn run(&mut self, connection: &Connection) -> Keep {
        self.outcome = self.work.take().map(|work| work(connection));
        if matches!(self.outcome, Some(Ok(_))) { Keep::Yes } else { Keep::No }
    }

    fn settle(self: Box<Self>, committed: &Result<(), String>, claims: &mut Claims) {
        let answer = match (self.outcome, committed) {
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(StoreError::Database(error.clone())),
            (Some(Ok(value)), Ok(())) => {
                claims.free(&self.frees);
                Ok(value)
            }
            (None, Ok(())) => Err(StoreError::Closed),
        };
        let _caller_gave_up = self.reply.send(answer);
    }
}

/// What the writer has before it.
pub(super) struct Desk {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) claims: Claims,
    /// The last known `PRAGMA data_version`.
    pub(super) data_version: i64,
    /// Wakes the checkpointer.
    pub(super) nudge: SyncSender<()>,
}

/// Works until told to stop, or until nobody can ask any more.
pub(super) fn run(desk: &mut Desk, tasks: &Receiver<Queued>) {
    let mut last = 1;
    let mut truncate_at = WAL_LIMIT;
    while let Ok(first) = tasks.recv() {
        let mut group = Group::gather(first, tasks, last);
        if !group.writes.is_empty() {
            last = group.writes.len();
            let committed = commit(&desk.connection, &mut group.writes);
            for operation in group.writes {
                operation.settle(&committed, &mut desk.claims);
            }
            let _already_nudged = desk.nudge.try_send(());
            truncate_at = keep_log_small(desk, truncate_at);
        }
        for look in group.looks {
            look(desk);
        }
        if group.stop {
            break;
        }
    }
}

/// What is done together.
struct Group {
    writes: Vec<Box<dyn Operation>>,
    looks: Vec<Look>,
    octets: usize,
    stop: bool,
    permits: Vec<OwnedSemaphorePermit>,
}

impl Group {
    /// Takes what is there; and if fewer are there than were in the last group, waits a moment for them, as under
    /// load they are about to come. A single caller never waits.
    fn gather(first: Queued, tasks: &Receiver<Queued>, last: usize) -> Self {
        let mut group =
            Self { writes: Vec::new(), looks: Vec::new(), octets: 0, stop: false, permits: Vec::new() };
        group.add(first);
        let deadline = Instant::now() + LINGER;
        while !group.is_full() {
            let next = match tasks.try_recv() {
                Ok(task) => Ok(task),
                Err(_) if group.writes.len() < last && group.looks.is_empty() => {
                    tasks.recv_timeout(deadline.saturating_duration_since(Instant::now()))
                }
                Err(_) => Err(RecvTimeoutError::Timeout),
            };
            match next {
                Ok(task) => group.add(task),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        group
    }

    fn add(&mut self, queued: Queued) {
        self.permits.extend(queued.permit);
        match queued.task {
            Task::Write(operation) => {
                self.octets += operation.octets();
                self.writes.push(operation);
            }
            Task::Look(look) => self.looks.push(look),
            Task::Stop => self.stop = true,
        }
    }

    fn is_full(&self) -> bool {
        self.stop || self.writes.len() >= MAX_GROUP || self.octets >= MAX_GROUP_OCTETS
    }
}

/// Runs the operations in one transaction, each in a savepoint of its own, so that one that fails undoes only itself.
fn commit(connection: &Connection, operations: &mut [Box<dyn Operation>]) -> Result<(), String> {
    let done = run_all(connection, operations);
    if done.is_err() && !connection.is_autocommit() {
        let _reported_already = connection.execute_batch("ROLLBACK");
    }
    done.map_err(|error| error.to_string())
}

fn run_all(connection: &Connection, operations: &mut [Box<dyn Operation>]) -> Result<()> {
    let execute = |sql: &str| -> Result<()> {
        connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    };
    execute("BEGIN IMMEDIATE")?;
    for operation in operations {
        execute("SAVEPOINT operation")?;
        if operation.run(connection) == Keep::No {
            execute("ROLLBACK TO operation")?;
        }
        // there is no such savepoint when SQLite has given up the whole transaction, as it does on a full disk
        execute("RELEASE operation")?;
    }
    execute("COMMIT")
}

/// Empties the log when it has grown beyond `truncate_at`; the size from which to try next.
fn keep_log_small(desk: &Desk, truncate_at: u64) -> u64 {
    let mut log = desk.path.as_os_str().to_owned();
    log.push("-wal");
    let size = std::fs::metadata(&log).map_or(0, |metadata| metadata.len());
    if size < truncate_at {
        return truncate_at;
    }
    let connection = &desk.connection;
    let busy = connection.busy_timeout(TRUNCATE_TIMEOUT).and_then(|()| {
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
    });
    if let Err(error) = connection.busy_timeout(open::BUSY_TIMEOUT) {
        tracing::error!(%error, "the store's busy timeout could not be set");
    }
    match busy {
        Ok(0) => WAL_LIMIT,
        Ok(_) => size + WAL_LIMIT / 2,
        Err(error) => {
            tracing::warn!(%error, size, "the store's log could not be emptied");
            size + WAL_LIMIT / 2
        }
    }
}

#[cfg(test)]
mod tests;
