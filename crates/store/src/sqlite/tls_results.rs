//! What the reports to receiving domains are made of (RFC 8460).

use guarantee::{AppliedPolicy, HostAddress, ResultType, Sighted, Sighting};
use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, params};

use super::cells::{self, change, folded, integer, json, micros, word};
use crate::{
    FailedSessions, MAX_FAILURE_DETAIL, MAX_REPORTED_FAILURES, MAX_REPORTED_POLICIES, PolicyResults, Result,
    TlsReportDue,
};

/// See [`crate::Store::count_tls_results`].
pub(super) fn count(connection: &Connection, day: Date, sightings: &[Sighting]) -> Result<()> {
    for sighting in sightings {
        let report = report_row(connection, day, &folded(&sighting.domain))?;
        let Some(policy) = policy_row(connection, report, &sighting.policy)? else { continue };
        match &sighting.outcome {
            Sighted::Tls { .. } => {
                change(
                    connection,
                    "UPDATE tls_policy SET successes = successes + 1 WHERE id = ?1",
                    [policy],
                )?;
            }
            Sighted::Flawed { result, detail, .. }
            | Sighted::NoTls { result, detail }
            | Sighted::NoPolicy { result, detail } => {
                let host = sighting.host.as_ref();
                Failure::new(*result, host, detail)?.count(connection, report, policy)?;
            }
        }
    }
    Ok(())
}

fn report_row(connection: &Connection, day: Date, domain: &str) -> Result<i64> {
    let sql = "SELECT id FROM tls_report WHERE day = ?1 AND domain = ?2";
    let known = cells::row(connection, "tls_report", sql, [&word(&day)?, domain], |line| line.get("id"))?;
    if let Some(id) = known {
        return Ok(id);
    }
    let sql = "INSERT INTO tls_report (day, domain) VALUES (?1, ?2)";
    change(connection, sql, [&word(&day)?, domain])?;
    Ok(connection.last_insert_rowid())
}

/// The row of a policy; none if the domain has had too many on that day.
fn policy_row(connection: &Connection, report: i64, policy: &AppliedPolicy) -> Result<Option<i64>> {
    let policy = json(policy)?;
    let sql = "SELECT id FROM tls_policy WHERE report = ?1 AND policy = ?2";
    let known = cells::row(connection, "tls_policy", sql, params![report, policy], |line| line.get("id"))?;
    if known.is_some() {
        return Ok(known);
    }
    let sql = "INSERT INTO tls_policy (report, policy)
               SELECT ?1, ?2 WHERE (SELECT count(*) FROM tls_policy WHERE report = ?1) < ?3";
    let added = change(connection, sql, params![report, policy, integer(MAX_REPORTED_POLICIES)])?;
    Ok((added > 0).then(|| connection.last_insert_rowid()))
}

/// One way to fail, as its row has it.
struct Failure {
    result: String,
    host: String,
    detail: String,
}

impl Failure {
    fn new(result: ResultType, host: Option<&HostAddress>, detail: &str) -> Result<Self> {
        let detail = detail.chars().take(MAX_FAILURE_DETAIL).collect();
        Ok(Self { result: word(&result)?, host: json(&host)?, detail })
    }

    fn count(self, connection: &Connection, report: i64, policy: i64) -> Result<()> {
        let sql = "UPDATE tls_failure SET count = count + 1
                   WHERE policy = ?1 AND result = ?2 AND host = ?3 AND detail = ?4";
        if change(connection, sql, params![policy, self.result, self.host, self.detail])? > 0 {
            return Ok(());
        }
        let row = if self.has_room(connection, report)? { self } else { self.without_details()? };
        let sql = "INSERT INTO tls_failure (policy, result, host, detail, count) VALUES (?1, ?2, ?3, ?4, 1)
                   ON CONFLICT DO UPDATE SET count = count + 1";
        change(connection, sql, params![policy, row.result, row.host, row.detail])?;
        Ok(())
    }

    fn has_room(&self, connection: &Connection, report: i64) -> Result<bool> {
        let sql =
            "SELECT count(*) AS count FROM tls_policy JOIN tls_failure ON tls_failure.policy = tls_policy.id
                   WHERE report = ?1";
        let count = cells::row(connection, "tls_failure", sql, [report], |line| line.get::<i64>("count"))?;
        Ok(count.unwrap_or_default() < integer(MAX_REPORTED_FAILURES))
    }

    /// What too many ways to fail are counted as together.
    fn without_details(self) -> Result<Self> {
        Ok(Self { host: json(&None::<HostAddress>)?, detail: String::new(), ..self })
    }
}

/// See [`crate::Store::tls_reports_due`].
pub(super) fn due(connection: &Connection, before: Date) -> Result<Vec<TlsReportDue>> {
    let sql =
        "SELECT domain, day FROM tls_report WHERE day < ?1 AND reported_at IS NULL ORDER BY day, domain";
    cells::rows(connection, "tls_report", sql, [word(&before)?], |line| {
        Ok(TlsReportDue { day: line.word("day")?, domain: line.get("domain")? })
    })
}

/// See [`crate::Store::tls_results`].
pub(super) fn results(connection: &Connection, day: Date, domain: &str) -> Result<Vec<PolicyResults>> {
    let sql =
        "SELECT tls_policy.id, policy, successes FROM tls_report JOIN tls_policy ON report = tls_report.id
               WHERE day = ?1 AND domain = ?2 ORDER BY tls_policy.id";
    cells::rows(connection, "tls_policy", sql, [word(&day)?, folded(domain)], |line| {
        Ok(PolicyResults {
            policy: line.json("policy")?,
            successes: line.size("successes")?,
            failures: failures(connection, line.get("id")?)?,
        })
    })
}

fn failures(connection: &Connection, policy: i64) -> Result<Vec<FailedSessions>> {
    let sql = "SELECT policy, result, host, detail, count FROM tls_failure
               WHERE policy = ?1 ORDER BY count DESC, result, host, detail";
    cells::rows(connection, "tls_failure", sql, [policy], |line| {
        Ok(FailedSessions {
            result: line.word("result")?,
            host: line.json("host")?,
            detail: line.get("detail")?,
            count: line.size("count")?,
        })
    })
}

/// See [`crate::Store::mark_tls_reported`].
pub(super) fn mark(connection: &Connection, day: Date, domain: &str, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE tls_report SET reported_at = ?3 WHERE day = ?1 AND domain = ?2 AND reported_at IS NULL";
    Ok(change(connection, sql, params![word(&day)?, folded(domain), micros(now)])? > 0)
}
