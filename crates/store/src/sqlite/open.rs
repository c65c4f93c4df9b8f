//! Opening the file: its mode, its pragmas, its migrations.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use crate::{Result, StoreError};

/// The schema's steps, in order. A step that has been released is never edited.
const STEPS: &[M<'_>] = &[
    M::up(include_str!("../../migrations/0001_start/up.sql")),
    M::up(include_str!("../../migrations/0002_transport_security/up.sql")),
    M::up(include_str!("../../migrations/0003_replacements/up.sql")),
    M::up(include_str!("../../migrations/0004_sent_again/up.sql")),
    M::up(include_str!("../../migrations/0006_decisions/up.sql")),
    M::up(include_str!("../../migrations/0007_ahead/up.sql")),
];

const MIGRATIONS: Migrations<'_> = Migrations::from_slice(STEPS);

/// How long to wait for another process (the command line) that is writing.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// More than there are statements, so that none is ever parsed twice.
const STATEMENTS: usize = 128;

/// The writing connection, of a file that is created and migrated as needed.
pub(super) fn writer(path: &Path) -> Result<Connection> {
    prepare(path).map_err(|error| match error {
        StoreError::Database(why) => StoreError::Database(format!(
            "cannot open {} (may it and its directory be read and written?): {why}",
            path.display()
        )),
        other => other,
    })
}

fn prepare(path: &Path) -> Result<Connection> {
    // two processes that make the same file at once would find each other's half-done work
    let opening = lock_file(path, "-open")?;
    opening.lock().map_err(|error| StoreError::Database(error.to_string()))?;
    create(path)?;
    let mut connection = connect(path)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(StoreError::Database(format!(
            "a write-ahead log is not possible there (journal mode {mode}): use a local file system"
        )));
    }
    MIGRATIONS
        .to_latest(&mut connection)
        .map_err(|error| StoreError::Database(format!("bringing the schema up to date: {error}")))?;
    // the checkpointer does it, so that no commit has to wait for it
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -8 * 1024)?;
    Ok(connection)
}

/// A connection for reading only.
pub(super) fn reader(path: &Path) -> Result<Connection> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// A connection with what must hold on every one.
pub(super) fn connect(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // FULL: COMMIT returns when the log is synced, which is what `Ok` promises
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// Creates the file for its owner alone, as it holds mail and password hashes; SQLite gives its log the same mode.
/// An existing file is not even opened: closing it would drop the locks that this process may hold on it.
fn create(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Database(error.to_string())),
    }
}

/// Locks the queue for this process: claims live in memory, so two that ran one queue would send everything twice.
/// The system frees the lock when the file is closed, or its process ends in whatever way.
pub(super) fn lock_queue(path: &Path) -> Result<File> {
    let file = lock_file(path, "-runner")?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Database(format!(
            "another server runs the queue of {}; stop it first",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => {
            Err(StoreError::Database(format!("locking the queue of {}: {error}", path.display())))
        }
    }
}

/// A file beside the database that is there for its lock alone: a lock on the database itself would get in SQLite's way.
fn lock_file(path: &Path, suffix: &str) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&name)
        .map_err(|error| StoreError::Database(format!("{}: {error}", Path::new(&name).display())))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn migrations_are_valid() {
        MIGRATIONS.validate().unwrap();
    }

    #[rstest]
    #[case::a_commit_is_synced("synchronous", 2)]
    #[case::the_checkpointer_does_it("wal_autocheckpoint", 0)]
    #[case::rows_belong_to_rows("foreign_keys", 1)]
    #[case::another_process_may_be_writing("busy_timeout", 5000)]
    fn the_writer_has_what_the_promises_rest_on(#[case] pragma: &str, #[case] value: i64) {
        let directory = tempfile::tempdir().unwrap();
        let connection = writer(&directory.path().join("store.sqlite")).unwrap();
        let set: i64 = connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
        assert_eq!(set, value);
    }
}
