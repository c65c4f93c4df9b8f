//! What became of an account's mail, week by week.

use api::Week;
use guarantee::Protection;
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};
use rusqlite::{Connection, params};

use super::accounts;
use super::cells::{self, change, word};
use crate::{Outcome, Result};

/// How many weeks are shown, and kept.
const WEEKS: i32 = 12;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// Delivered encrypted or better, or into a mailbox of this server.
    Protected,
    /// Delivered in clear.
    Unprotected,
    /// Stopped.
    Stopped,
}

impl Count {
    /// As what an outcome counts, if it does.
    pub(super) fn of(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::Delivered { evidence, .. } if evidence.protection == Protection::None => {
                Some(Self::Unprotected)
            }
            Outcome::Delivered { .. } | Outcome::Filed => Some(Self::Protected),
            Outcome::Stopped(_) => Some(Self::Stopped),
            Outcome::Deferred { .. } | Outcome::Bounced(_) => None,
        }
    }
}

/// Counts one recipient of an account's mail.
pub(super) fn count(connection: &Connection, account: i64, count: Count, now: Timestamp) -> Result<()> {
    let sql =
        "INSERT INTO week (account_id, monday, protected, unprotected, stopped) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT DO UPDATE SET
                   protected = protected + ?3, unprotected = unprotected + ?4, stopped = stopped + ?5";
    let one = |which| i64::from(which == count);
    change(
        connection,
        sql,
        params![
            account,
            word(&monday(now))?,
            one(Count::Protected),
            one(Count::Unprotected),
            one(Count::Stopped)
        ],
    )?;
    Ok(())
}

/// See [`crate::Store::weeks`].
pub(super) fn all(connection: &Connection, account: &str, now: Timestamp) -> Result<Vec<Week>> {
    let account = accounts::id(connection, account)?;
    let mut weeks = Vec::new();
    for ago in 0..WEEKS {
        let monday = word(&monday(now).saturating_sub(ago.weeks()))?;
        let sql =
            "SELECT monday, protected, unprotected, stopped FROM week WHERE account_id = ?1 AND monday = ?2";
        let counted = cells::row(connection, "week", sql, params![account, monday], |line| {
            Ok(Week {
                monday: line.get("monday")?,
                protected: line.get("protected")?,
                unprotected: line.get("unprotected")?,
                stopped: line.get("stopped")?,
            })
        })?;
        weeks.push(counted.unwrap_or(Week { monday, protected: 0, unprotected: 0, stopped: 0 }));
    }
    Ok(weeks)
}

/// The Monday of the oldest week that is kept.
pub(super) fn oldest(now: Timestamp) -> Date {
    monday(now).saturating_sub((WEEKS - 1).weeks())
}

/// The Monday of the week, in UTC.
fn monday(now: Timestamp) -> Date {
    let date = Offset::UTC.to_datetime(now).date();
    date.saturating_sub(i32::from(date.weekday().to_monday_zero_offset()).days())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2026-11-23T00:00:00Z", "2026-11-23")]
    #[case("2026-11-29T23:59:59Z", "2026-11-23")]
    #[case("2026-11-30T00:00:00Z", "2026-11-30")]
    #[case("2027-01-01T12:00:00Z", "2026-12-28")]
    fn a_week_begins_on_its_monday(#[case] now: &str, #[case] expected: &str) {
        assert_eq!(monday(now.parse().unwrap()).to_string(), expected);
    }
}
