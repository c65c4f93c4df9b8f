//! Moves the log's pages into the database beside the writing, so that no commit has to wait for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::open;
use crate::{Result, StoreError};

/// How long writes are let pile up before a checkpoint.
const INTERVAL: Duration = Duration::from_millis(250);

/// The checkpointing thread. It sleeps while nothing is written.
#[derive(Debug)]
pub(super) struct Checkpointer {
    closing: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Checkpointer {
    /// Starts it; the sender wakes it, and ends it when dropped.
    pub(super) fn start(path: &Path) -> Result<(Self, SyncSender<()>)> {
        let connection = open::connect(path)?;
        let (nudge, nudges) = sync_channel(1);
        let closing = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&closing);
        let thread = thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || run(&connection, &nudges, &seen))
            .map_err(|error| StoreError::Database(format!("starting a thread: {error}")))?;
        Ok((Self { closing, thread }, nudge))
    }

    /// Ends it without waiting for the interval; the sender must have been dropped.
    pub(super) fn join(self) {
        self.closing.store(true, Ordering::Release);
        self.thread.thread().unpark();
        let _panicked = self.thread.join();
    }
}

fn run(connection: &Connection, nudges: &Receiver<()>, closing: &AtomicBool) {
    while nudges.recv().is_ok() {
        let until = Instant::now() + INTERVAL;
        while !closing.load(Ordering::Acquire) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            thread::park_timeout(left);
        }
        if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            tracing::warn!(%error, "a checkpoint of the store failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nudge_moves_the_log_into_the_database() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.sqlite");
        let writer = open::writer(&path).unwrap();
        let size = || std::fs::metadata(&path).unwrap().len();
        let before = size();
        let (checkpointer, nudge) = Checkpointer::start(&path).unwrap();
        nudge.try_send(()).unwrap();
        drop(nudge);
        checkpointer.join();
        assert!(size() > before, "the schema is still in the log alone");
        drop(writer);
    }
}
