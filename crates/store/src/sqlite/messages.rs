//! A message as others see it: its status, its stop, its row in the operator's list; and its end.

use api::{AuthenticatedBy, MessageRecipient, MessageStatus, RecipientState, Stop, StoppedRecipient};
use bytes::Bytes;
use guarantee::{Authentication, Cause, Wish};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use smtp::envelope::ReversePath;

use super::cells::{self, Line, change, folded, micros};
use super::mailboxes::all_unless;
use crate::{Evidence, MAX_SAME_MESSAGE_ID, MessageFacts, QueueEntry, Result, StoreError};

/// What the operations on one message need of its row.
pub(super) struct Head {
    pub(super) row: i64,
    /// The account that sent it: its row and its address.
    pub(super) account: Option<(i64, String)>,
    pub(super) reverse_path: ReversePath,
}

/// The message of that queue id, or [`StoreError::NotFound`].
pub(super) fn head(connection: &Connection, queue_id: &str) -> Result<Head> {
    head_if_any(connection, queue_id)?.ok_or_else(|| StoreError::NotFound(format!("message {queue_id}")))
}

/// The message of that queue id, if it is there.
pub(super) fn head_if_any(connection: &Connection, queue_id: &str) -> Result<Option<Head>> {
    let sql = "SELECT queue_id, message.id AS row, account_id, address, reverse_path
               FROM message LEFT JOIN account ON account.id = account_id WHERE queue_id = ?1";
    cells::row(connection, "message", sql, [queue_id], |line| {
        let account_row: Option<i64> = line.get("account_id")?;
        Ok(Head {
            row: line.get("row")?,
            account: account_row.zip(line.get("address")?),
            reverse_path: line.reverse_path()?,
        })
    })
}

/// What is fixed about a message, from a row of `message` and the `address` of its account.
pub(super) fn facts(line: &Line<'_>) -> Result<MessageFacts> {
    Ok(MessageFacts {
        queue_id: line.get("queue_id")?,
        origin: line.word("origin")?,
        account: line.get("address")?,
        reverse_path: line.reverse_path()?,
        ret: line.word_if_any("ret")?,
        envid: line.get("envid")?,
        smtputf8: line.get("smtputf8")?,
        eight_bit: line.get("eight_bit")?,
        wish: line.word("wish")?,
        accepted_at: line.time("accepted_at")?,
    })
}

/// Drops the content and notes the time, once nothing is left to deliver or to report.
pub(super) fn finish_if_done(connection: &Connection, message: i64, now: Timestamp) -> Result<()> {
    let finished = change(
        connection,
        "UPDATE message SET finished_at = ?2 WHERE id = ?1 AND finished_at IS NULL AND NOT EXISTS
             (SELECT 1 FROM recipient
              WHERE message = ?1 AND (next_attempt_at IS NOT NULL OR report IS NOT NULL))",
        params![message, micros(now)],
    )?;
    if finished > 0 {
        change(connection, "DELETE FROM content WHERE message = ?1", [message])?;
    }
    Ok(())
}

pub(super) fn content(connection: &Connection, queue_id: &str) -> Result<Bytes> {
    let sql = "SELECT queue_id, octets FROM message JOIN content ON content.message = message.id
               WHERE queue_id = ?1";
    cells::row(connection, "message", sql, [queue_id], |line| line.get::<Vec<u8>>("octets").map(Bytes::from))?
        .ok_or_else(|| StoreError::NotFound(format!("the content of message {queue_id}")))
}

/// See [`crate::Store::message_status`].
pub(super) fn status(
    connection: &Connection,
    account: &str,
    queue_id: &str,
) -> Result<Option<MessageStatus>> {
    let sql = "SELECT queue_id FROM message JOIN account ON account.id = account_id
               WHERE queue_id = ?1 AND folded = ?2";
    let own = cells::row(connection, "message", sql, [queue_id, &folded(account)], |_| Ok(()))?;
    match own {
        Some(()) => Ok(entry(connection, queue_id)?.map(|entry| entry.status)),
        None => Ok(None),
    }
}

/// See [`crate::Store::messages_with`].
pub(super) fn with_message_id(
    connection: &Connection,
    account: &str,
    message_id: &str,
) -> Result<Vec<MessageStatus>> {
    let sql = format!(
        "SELECT queue_id FROM message
         WHERE account_id = (SELECT id FROM account WHERE folded = ?1) AND message_id = ?2
         ORDER BY accepted_at DESC, id DESC LIMIT {MAX_SAME_MESSAGE_ID}"
    );
    let of_account = [folded(account), message_id.to_owned()];
    let ids = cells::rows(connection, "message", &sql, of_account, |line| line.get::<String>("queue_id"))?;
    let mut statuses = Vec::with_capacity(ids.len());
    for id in ids {
        statuses.extend(entry(connection, &id)?.map(|entry| entry.status));
    }
    Ok(statuses)
}

/// See [`crate::Store::queue`].
pub(super) fn queue(connection: &Connection) -> Result<Vec<QueueEntry>> {
    let sql = "SELECT queue_id FROM message
               WHERE id IN (SELECT message FROM recipient WHERE next_attempt_at IS NOT NULL)
               ORDER BY accepted_at, id";
    let ids = cells::rows(connection, "message", sql, [], |line| line.get::<String>("queue_id"))?;
    let mut entries = Vec::with_capacity(ids.len());
    for id in ids {
        entries.extend(entry(connection, &id)?);
    }
    Ok(entries)
}

/// See [`crate::Store::queue_entry`].
pub(super) fn entry(connection: &Connection, queue_id: &str) -> Result<Option<QueueEntry>> {
    let sql =
        "SELECT queue_id, message.id AS row, message_id, accepted_at, address, reverse_path, origin, size
               FROM message LEFT JOIN account ON account.id = account_id WHERE queue_id = ?1";
    cells::row(connection, "message", sql, [queue_id], |line| {
        Ok(QueueEntry {
            status: MessageStatus {
                id: line.get("queue_id")?,
                message_id: line.get("message_id")?,
                accepted_at: line.time("accepted_at")?,
                recipients: recipients(connection, line.get("row")?)?,
            },
            account: line.get("address")?,
            reverse_path: line.reverse_path()?,
            origin: line.word("origin")?,
            size: line.size("size")?,
        })
    })
}

fn recipients(connection: &Connection, message: i64) -> Result<Vec<MessageRecipient>> {
    let sql = "SELECT id, address, state, requirement, cause, evidence, changed_at, next_attempt_at
               FROM recipient WHERE message = ?1 ORDER BY position";
    cells::rows(connection, "recipient", sql, [message], recipient)
}

fn recipient(line: &Line<'_>) -> Result<MessageRecipient> {
    let state = line.word("state")?;
    let mut shown = MessageRecipient {
        address: line.get("address")?,
        state,
        protection: None,
        reason: None,
        cause: None,
        status: None,
        host: None,
        tls: None,
        cipher: None,
        key_exchange: None,
        certificate_sha256: None,
        authenticated_by: None,
        authentication: None,
        requirement: line.word("requirement")?,
        changed_at: line.time("changed_at")?,
        next_attempt_at: line.time_if_any("next_attempt_at")?,
    };
    match state {
        RecipientState::Queued => {}
        RecipientState::Delivered => show_evidence(&mut shown, line.json_if_any("evidence")?)?,
        RecipientState::Deferred | RecipientState::Stopped | RecipientState::Bounced => {
            show_cause(&mut shown, line.json_if_any("cause")?);
        }
    }
    Ok(shown)
}

fn show_evidence(shown: &mut MessageRecipient, evidence: Option<Evidence>) -> Result<()> {
    // there is none where nothing was transported: a mailbox of this server
    let Some(evidence) = evidence else { return Ok(()) };
    shown.protection = Some(evidence.protection);
    shown.reason = Some(evidence.reply);
    shown.host = evidence.host.map(|host| host.name);
    if let Some(tls) = evidence.tls {
        shown.tls = Some(cells::word(&tls.version)?);
        shown.cipher = Some(tls.cipher);
        shown.key_exchange = Some(tls.key_exchange).filter(|name| !name.is_empty());
        shown.certificate_sha256 = Some(tls.certificate_sha256);
    }
    (shown.authenticated_by, shown.authentication) = show_authentication(evidence.authentication);
    Ok(())
}

fn show_authentication(authentication: Authentication) -> (Option<AuthenticatedBy>, Option<String>) {
    match authentication {
        Authentication::Nothing => (None, None),
        Authentication::UnprovenHost { record } => (None, Some(record)),
        Authentication::Certificate { name } => (Some(AuthenticatedBy::Certificate), Some(name)),
        Authentication::MtaSts { name } => (Some(AuthenticatedBy::MtaSts), Some(name)),
        Authentication::Dane { record } => (Some(AuthenticatedBy::Dane), Some(record)),
    }
}

fn show_cause(shown: &mut MessageRecipient, cause: Option<Cause>) {
    let Some(cause) = cause else {
        // no attempt ended so: see `operator::remove`
        shown.reason = Some("The operator of this server took it out of the queue.".to_owned());
        shown.cause = Some("removed_by_operator".to_owned());
        shown.status = Some("5.7.1".to_owned());
        return;
    };
    let deferred = shown.state == RecipientState::Deferred;
    shown.status = Some(if deferred { cause.deferred_status() } else { cause.status() });
    shown.reason = Some(cause.text());
    shown.cause = Some(cause.kind().to_owned());
    shown.host = cause.host().map(|host| host.name.clone());
}

const STOP: &str = "SELECT queue_id, message.id AS row, message_id, subject, replaced_by, wish,
       (SELECT count(*) FROM recipient WHERE message = stop.message AND state = 'delivered') AS delivered,
       (SELECT count(*) FROM recipient WHERE message = stop.message AND next_attempt_at IS NOT NULL) AS waiting
     FROM stop JOIN message ON message.id = stop.message";

/// See [`crate::Store::stops`].
pub(super) fn stops(connection: &Connection, account: &str, limit: Option<u32>) -> Result<Vec<Stop>> {
    let sql = format!(
        "{STOP} WHERE stop.account_id = (SELECT id FROM account WHERE folded = ?1)
         ORDER BY recorded_at DESC, stop.message DESC LIMIT ?2"
    );
    let params = params![folded(account), all_unless(limit)];
    cells::rows(connection, "stop", &sql, params, |line| show_stop(connection, line))
}

/// The stop's record of a message, if it has one.
pub(super) fn stop(connection: &Connection, message: i64) -> Result<Option<Stop>> {
    let sql = format!("{STOP} WHERE stop.message = ?1");
    cells::row(connection, "stop", &sql, [message], |line| show_stop(connection, line))
}

fn show_stop(connection: &Connection, line: &Line<'_>) -> Result<Stop> {
    let queue_id: String = line.get("queue_id")?;
    Ok(Stop {
        id: queue_id.clone(),
        queue_id,
        message_id: line.get("message_id")?,
        subject: line.get("subject")?,
        recipients: stopped_recipients(connection, line.get("row")?)?,
        delivered_others: line.get("delivered")?,
        waiting_others: line.get("waiting")?,
        replaced_by: line.get("replaced_by")?,
        demanded: line.word::<Wish>("wish")? == Wish::Demanded,
    })
}

fn stopped_recipients(connection: &Connection, message: i64) -> Result<Vec<StoppedRecipient>> {
    let sql = "SELECT id, address, cause, changed_at, replaced_by FROM recipient
               WHERE message = ?1 AND state = 'stopped' ORDER BY position";
    cells::rows(connection, "recipient", sql, [message], |line| {
        let cause: Cause = line.json("cause")?;
        let host = cause.host();
        Ok(StoppedRecipient {
            address: line.get("address")?,
            host: host.map(|host| host.name.clone()).unwrap_or_default(),
            host_address: host.map(|host| host.address.to_string()).unwrap_or_default(),
            reason: cause.text(),
            cause: cause.kind().to_owned(),
            tls_last_seen: match &cause {
                Cause::Downgrade { seen, .. } => Some(*seen),
                _ => None,
            },
            status: cause.status(),
            stopped_at: line.time("changed_at")?,
            replaced_by: line.get("replaced_by")?,
        })
    })
}
