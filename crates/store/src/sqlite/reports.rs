//! What senders are still to be told.

use bytes::Bytes;
use rusqlite::{Connection, params};

use super::cells::{self, change, word};
use super::{accept, mailboxes, messages, outcomes};
use crate::{
    Filed, FiledReport, PendingRecipient, PendingReport, RecipientId, ReportKind, ReportTo, Reported, Result,
};

/// See [`crate::Store::pending_report`].
pub(super) fn pending(connection: &Connection, queue_id: &str) -> Result<Option<PendingReport>> {
    let sql =
        "SELECT queue_id, origin, address, reverse_path, ret, envid, smtputf8, eight_bit, wish, accepted_at,
                   message.id AS row, octets
               FROM message LEFT JOIN account ON account.id = account_id
                            LEFT JOIN content ON content.message = message.id
               WHERE queue_id = ?1
                   AND EXISTS (SELECT 1 FROM recipient WHERE message = message.id AND report IS NOT NULL)";
    cells::row(connection, "message", sql, [queue_id], |line| {
        let row = line.get("row")?;
        Ok(PendingReport {
            facts: messages::facts(line)?,
            first_verdicts_missing: outcomes::first_verdicts_missing(connection, row)?,
            recipients: recipients(connection, row)?,
            content: line.get::<Vec<u8>>("octets").map(Bytes::from)?,
        })
    })
}

fn recipients(connection: &Connection, message: i64) -> Result<Vec<PendingRecipient>> {
    let sql = "SELECT id, address, orcpt, report, cause, evidence, changed_at FROM recipient
               WHERE message = ?1 AND report IS NOT NULL ORDER BY position";
    cells::rows(connection, "recipient", sql, [message], |line| {
        Ok(PendingRecipient {
            id: RecipientId(line.get("id")?),
            address: line.get("address")?,
            orcpt: line.get("orcpt")?,
            kind: line.word("report")?,
            cause: line.json_if_any("cause")?,
            evidence: line.json_if_any("evidence")?,
            at: line.time("changed_at")?,
        })
    })
}

/// See [`crate::Store::reports_due`].
pub(super) fn due(connection: &Connection) -> Result<Vec<String>> {
    let sql =
        "SELECT queue_id FROM message WHERE id IN (SELECT message FROM recipient WHERE report IS NOT NULL)
               ORDER BY id";
    cells::rows(connection, "message", sql, [], |line| line.get("queue_id"))
}

/// See [`crate::Store::file_report`].
pub(super) fn file(connection: &Connection, report: &FiledReport) -> Result<Filed> {
    let message = messages::head(connection, &report.about)?;
    for reported in &report.recipients {
        if !is_pending(connection, message.row, *reported)? {
            return Ok(Filed::Stale);
        }
    }
    for Reported { id, kind } in &report.recipients {
        change(
            connection,
            "UPDATE recipient SET report = NULL, delay_reported = delay_reported OR ?2 WHERE id = ?1",
            params![id.0, *kind == ReportKind::Delayed],
        )?;
    }
    match &report.to {
        Some(ReportTo::Mailbox { account, message }) => {
            mailboxes::file_in_inbox(connection, account, message, report.now)?;
        }
        Some(ReportTo::Queue(message)) => accept::accept(connection, message)?,
        None => {}
    }
    messages::finish_if_done(connection, message.row, report.now)?;
    Ok(Filed::Done)
}

fn is_pending(connection: &Connection, message: i64, reported: Reported) -> Result<bool> {
    let sql = "SELECT id FROM recipient WHERE id = ?1 AND message = ?2 AND report = ?3";
    let params = params![reported.id.0, message, word(&reported.kind)?];
    Ok(cells::row(connection, "recipient", sql, params, |_| Ok(()))?.is_some())
}
