//! SQLite: one thread writes, a few connections read.
//!
//! The writer's thread owns the only connection that writes. Operations come to it through a bounded channel and are
//! done in groups: one transaction, one sync of the disk for many, each operation in a savepoint of its own. Callers
//! are answered after the commit. The command line opens the same file from a process of its own; SQLite's locks keep
//! the two apart.

mod accept;
mod accounts;
mod cells;
mod checkpoint;
mod claims;
mod decisions;
mod exceptions;
mod forwardings;
mod history;
mod mailboxes;
mod memory;
mod messages;
mod open;
mod operator;
mod outcomes;
mod policies;
mod readers;
mod replacements;
mod reports;
mod store;
mod tls_results;
mod weeks;
mod writer;

use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use self::checkpoint::Checkpointer;
use self::claims::{Claimed, Claims};
use self::readers::Readers;
use self::writer::{Desk, Pending, Queued, Task};
use crate::{RecipientId, Result, StoreError};

/// How many operations may wait for the writer; further callers wait for room.
const MAX_WAITING: usize = 4096;

/// The store in one SQLite file (and its `-wal`, `-shm`, `-open` and `-runner` beside it). Times are kept to the microsecond.
///
/// An operation whose future is dropped may still happen. All operations need a tokio runtime.
#[derive(Debug)]
pub struct Sqlite {
    tasks: Sender<Queued>,
    room: Arc<Semaphore>,
    readers: Readers,
    claimed: Claimed,
    threads: Mutex<Option<Threads>>,
}

#[derive(Debug)]
struct Threads {
    writer: JoinHandle<()>,
    checkpointer: Checkpointer,
}

impl Sqlite {
    /// Opens the file, which is created (readable for its owner only) and migrated as needed. Blocks for that time.
    /// Fails if the file can't be opened or written, is no database, or was written by a newer version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let connection = open::writer(&path)?;
        let data_version = store::data_version(&connection)?;
        let (checkpointer, nudge) = Checkpointer::start(&path)?;
        let readers = Readers::new(path.clone());
        let claimed = Claimed::default();
        let claims = Claims::new(claimed.clone());
        let mut desk = Desk { connection, path, claims, data_version, nudge };
        let (tasks, waiting) = channel();
        let writer = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer::run(&mut desk, &waiting))
            .map_err(|error| StoreError::Database(format!("starting a thread: {error}")))?;
        Ok(Self {
            tasks,
            room: Arc::new(Semaphore::new(MAX_WAITING)),
            readers,
            claimed,
            threads: Mutex::new(Some(Threads { writer, checkpointer })),
        })
    }

    /// Ends the writer after what was asked of it before, and closes the file; what is asked later fails with
    /// [`StoreError::Closed`]. Dropping the store does the same.
    pub async fn close(&self) {
        let Some(threads) = self.begin_to_close() else { return };
        let _panicked = tokio::task::spawn_blocking(move || threads.join()).await;
    }

    fn begin_to_close(&self) -> Option<Threads> {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        self.room.close();
        let _ended_already = self.tasks.send(Queued { task: Task::Stop, permit: None });
        self.readers.close();
        Some(threads)
    }

    /// Does something in a transaction; the claims of `frees` end when it is committed.
    async fn write_freeing<T, F>(&self, octets: usize, frees: Vec<RecipientId>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let pending = Pending { octets, work: Some(work), outcome: None, frees, reply };
        self.ask(Task::Write(Box::new(pending))).await?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Does something in a transaction.
    async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.write_freeing(0, Vec::new(), work).await
    }

    /// Does something at the writer's desk, between its transactions.
    async fn look<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Desk) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let look = move |desk: &mut Desk| {
            let _caller_gave_up = reply.send(work(desk));
        };
        self.ask(Task::Look(Box::new(look))).await?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    async fn ask(&self, task: Task) -> Result<()> {
        let permit = Arc::clone(&self.room).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        self.tasks.send(Queued { task, permit: Some(permit) }).map_err(|_| StoreError::Closed)
    }

    /// Reads the last committed state.
    async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.readers.read(work).await
    }
}

impl Threads {
    fn join(self) {
        let _panicked = self.writer.join();
        self.checkpointer.join();
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        if let Some(threads) = self.begin_to_close() {
            threads.join();
        }
    }
}
