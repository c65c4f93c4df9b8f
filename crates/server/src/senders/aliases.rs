//! The database that says who may send under which further addresses: SQLite, only read.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use tokio::{sync::Semaphore, time::timeout};

use super::SendersError;
use crate::config::SendersOptions;

/// The most log-ins that are read for one address.
const MAX_LOGINS: usize = 1000;

/// How long one question may take, waiting for its turn and for whoever is writing included.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait for whoever is writing.
const BUSY: Duration = Duration::from_secs(3);

/// The database, opened when it is first asked.
pub(super) struct Aliases {
    options: SendersOptions,
    /// One question at a time: they take microseconds, and the connection is one.
    turn: Arc<Semaphore>,
    open: Arc<Mutex<Option<Open>>>,
}

struct Open {
    connection: Connection,
    file: FileId,
}

/// Tells a file from the one that takes its place.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self { device: metadata.dev(), inode: metadata.ino() })
    }
}

impl Aliases {
    pub(super) fn new(options: SendersOptions) -> Self {
        Self { options, turn: Arc::new(Semaphore::new(1)), open: Arc::default() }
    }

    /// The log-ins that may send as this address, as the database has them.
    pub(super) async fn logins(&self, address: &str) -> Result<Vec<String>, SendersError> {
        let result = timeout(PATIENCE, self.ask(address.to_owned())).await;
        let result = result.unwrap_or_else(|_| Err(database("the answer took too long")));
        if let Err(error) = &result {
            tracing::error!(%error, "who may send as an address can't be looked up; until then, mail under another than the own address waits");
        }
        result
    }

    async fn ask(&self, address: String) -> Result<Vec<String>, SendersError> {
        let turn = Arc::clone(&self.turn).acquire_owned().await.map_err(database)?;
        let (options, open) = (self.options.clone(), Arc::clone(&self.open));
        let work = move || {
            // Until it has ended, also when nobody waits for it any more: no thread ever waits for another.
            let _turn = turn;
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            let file = FileId::of(&options.database).map_err(|error| at(&options, error))?;
            if open.as_ref().is_none_or(|open| open.file != file) {
                *open = Some(Open { connection: connect(&options)?, file });
            }
            let Some(Open { connection, .. }) = open.as_ref() else { return Ok(Vec::new()) };
            let answer = logins(connection, &options.query, &address);
            if answer.is_err() {
                // Whatever it was, the next question begins anew.
                *open = None;
            }
            answer.map_err(|error| at(&options, error))
        };
        tokio::task::spawn_blocking(work).await.map_err(database)?
    }
}

fn connect(options: &SendersOptions) -> Result<Connection, SendersError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&options.database, flags)
        .and_then(|connection| connection.busy_timeout(BUSY).map(|()| connection));
    connection.map_err(|error| at(options, error))
}

fn logins(connection: &Connection, query: &str, address: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map([address], |row| row.get::<_, Option<String>>(0))?;
    rows.take(MAX_LOGINS).filter_map(Result::transpose).collect()
}

/// See [`super::check`].
pub(super) fn check(options: &SendersOptions) -> Result<(), SendersError> {
    let connection = connect(options)?;
    let statement = connection
        .prepare(&options.query)
        .map_err(|error| database(format_args!("senders.query = {:?}: {error}", options.query)))?;
    let (parameters, columns) = (statement.parameter_count(), statement.column_count());
    if parameters != 1 || columns == 0 || !statement.readonly() {
        return Err(database(format_args!(
            "senders.query = {:?}: it must read one column with the log-in, and take the address as its one parameter \
             ?1, like SELECT login FROM alias WHERE address = ?1",
            options.query
        )));
    }
    Ok(())
}

fn at(options: &SendersOptions, error: impl std::fmt::Display) -> SendersError {
    database(format_args!(
        "{}: {error} (the server's user must be able to read the file, and a database with a write-ahead log needs \
         its -wal and -shm files beside it)",
        options.database.display()
    ))
}

fn database(error: impl std::fmt::Display) -> SendersError {
    SendersError::Database(error.to_string())
}
