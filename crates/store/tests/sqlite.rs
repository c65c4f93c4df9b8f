//! The suite, run against SQLite; and what only a file can show.

#![expect(clippy::unwrap_used, reason = "tests: helpers outside of test functions too")]

mod suite;

#[path = "sqlite/crash.rs"]
mod crash;
#[path = "sqlite/damage.rs"]
mod damage;
#[path = "sqlite/file.rs"]
mod file;
#[path = "sqlite/migration.rs"]
mod migration;

use std::sync::Arc;

use store::Sqlite;
use suite::world::Fresh;

/// An empty store in a directory of its own.
fn fresh() -> Fresh {
    let directory = tempfile::tempdir().unwrap();
    let store = Sqlite::open(directory.path().join("store.sqlite")).unwrap();
    Fresh { store: Arc::new(store), _home: Box::new(directory) }
}
