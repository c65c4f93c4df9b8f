//! Between rows and values. What is on the disk may be damaged: nothing here trusts it, and every
//! complaint names the row and the column.

use jiff::Timestamp;
use rusqlite::types::FromSql;
use rusqlite::{Connection, Params, Row};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use smtp::envelope::ReversePath;

use crate::{NextHop, Result, StoreError};

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}

/// A time as it is kept: microseconds since 1970.
pub(super) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A value as a JSON cell.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(format!("writing JSON: {error}")))
}

/// The serde name of a variant without fields.
pub(super) fn word<T: Serialize>(value: &T) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => Ok(word),
        Ok(other) => Err(StoreError::Database(format!("{other} is not a word"))),
        Err(error) => Err(StoreError::Database(format!("writing a word: {error}"))),
    }
}

/// A count or size as SQLite has them.
pub(super) fn integer<T: TryInto<i64>>(value: T) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// An address or account as compared: in lower case.
pub(super) fn folded(address: &str) -> String {
    address.to_lowercase()
}

/// The cell of a next hop.
pub(super) fn next_hop(next_hop: &NextHop) -> Option<&str> {
    match next_hop {
        NextHop::Local => None,
        NextHop::Domain(domain) => Some(domain),
    }
}

/// The cell of a reverse-path.
pub(super) fn reverse_path(reverse_path: &ReversePath) -> Option<&str> {
    match reverse_path {
        ReversePath::Null => None,
        ReversePath::Address(address) => Some(address),
    }
}

/// One row of a known table; its first column says which.
pub(super) struct Line<'a> {
    row: &'a Row<'a>,
    table: &'static str,
}

impl<'a> Line<'a> {
    /// A row of `table`.
    pub(super) fn new(row: &'a Row<'a>, table: &'static str) -> Self {
        Self { row, table }
    }

    /// The value of a column.
    pub(super) fn get<T: FromSql>(&self, column: &str) -> Result<T> {
        self.row.get(column).map_err(|error| self.damaged(column, &error))
    }

    /// A count or size.
    pub(super) fn size(&self, column: &str) -> Result<u64> {
        u64::try_from(self.get::<i64>(column)?).map_err(|error| self.damaged(column, &error))
    }

    /// A time.
    pub(super) fn time(&self, column: &str) -> Result<Timestamp> {
        Timestamp::from_microsecond(self.get(column)?).map_err(|error| self.damaged(column, &error))
    }

    /// A time that may be absent.
    pub(super) fn time_if_any(&self, column: &str) -> Result<Option<Timestamp>> {
        match self.get::<Option<i64>>(column)? {
            Some(_) => self.time(column).map(Some),
            None => Ok(None),
        }
    }

    /// A JSON cell.
    pub(super) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_str(&self.get::<String>(column)?).map_err(|error| self.damaged(column, &error))
    }

    /// A JSON cell that may be absent.
    pub(super) fn json_if_any<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        match self.get::<Option<String>>(column)? {
            Some(_) => self.json(column).map(Some),
            None => Ok(None),
        }
    }

    /// The variant of that serde name.
    pub(super) fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_value(Value::String(self.get(column)?)).map_err(|error| self.damaged(column, &error))
    }

    /// The same, if there is one.
    pub(super) fn word_if_any<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        match self.get::<Option<String>>(column)? {
            Some(_) => self.word(column).map(Some),
            None => Ok(None),
        }
    }

    /// The column `next_hop`.
    pub(super) fn next_hop(&self) -> Result<NextHop> {
        Ok(self.get::<Option<String>>("next_hop")?.map_or(NextHop::Local, NextHop::Domain))
    }

    /// The column `reverse_path`.
    pub(super) fn reverse_path(&self) -> Result<ReversePath> {
        Ok(self.get::<Option<String>>("reverse_path")?.map_or(ReversePath::Null, ReversePath::Address))
    }

    fn damaged(&self, column: &str, why: &dyn std::fmt::Display) -> StoreError {
        let which = match self.row.get_ref(0) {
            Ok(value) => match value.as_str() {
                Ok(text) => text.to_owned(),
                Err(_) => value.as_i64().map_or_else(|_| "?".to_owned(), |id| id.to_string()),
            },
            Err(_) => "?".to_owned(),
        };
        StoreError::Database(format!("{} {which}, column {column} is damaged: {why}", self.table))
    }
}

/// All rows of a query on `table`, whose first column names the row.
pub(super) fn rows<T>(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Line<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(&Line::new(row, table))?);
    }
    Ok(all)
}

/// The first row of a query, if there is one.
pub(super) fn row<T>(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Line<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    match rows.next()? {
        Some(row) => read(&Line::new(row, table)).map(Some),
        None => Ok(None),
    }
}

/// Runs a statement that changes rows; how many.
pub(super) fn change(connection: &Connection, sql: &str, params: impl Params) -> Result<usize> {
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}
