//! (in the making by its owner)
/// SQLite.
pub struct Sqlite;
