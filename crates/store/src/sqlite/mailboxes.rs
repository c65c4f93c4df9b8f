//! The embedded mailboxes.

use api::ListedMessage;
use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::accounts;
use super::cells::{self, change, folded, integer, micros};
use crate::{Mailbox, MailboxMessage, Result, StoreError};

/// Puts a message into a mailbox.
pub(super) fn file(
    connection: &Connection,
    account: i64,
    mailbox: Mailbox,
    message: &MailboxMessage,
    now: Timestamp,
) -> Result<()> {
    let listing = &message.listing;
    let sql = "UPDATE account SET last_entry = last_entry + 1 WHERE id = ?1 RETURNING id, last_entry";
    let id = cells::row(connection, "account", sql, [account], |line| line.get::<i64>("last_entry"))?
        .ok_or_else(|| StoreError::NotFound(format!("account {account}")))?;
    change(
        connection,
        "INSERT INTO mailbox_entry
             (account_id, id, mailbox, message_id, sender, recipients, subject, date, received_at, size, raw)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            account,
            id,
            mailbox.name(),
            listing.message_id,
            listing.from,
            listing.to,
            listing.subject,
            micros(listing.date.unwrap_or(now)),
            micros(now),
            integer(message.raw.len()),
            &*message.raw,
        ],
    )?;
    Ok(())
}

/// Puts a message into an account's INBOX, or [`StoreError::NotFound`].
pub(super) fn file_in_inbox(
    connection: &Connection,
    account: &str,
    message: &MailboxMessage,
    now: Timestamp,
) -> Result<()> {
    file(connection, accounts::id(connection, account)?, Mailbox::Inbox, message, now)
}

pub(super) fn list(
    connection: &Connection,
    account: &str,
    mailbox: Mailbox,
    limit: Option<u32>,
) -> Result<Vec<ListedMessage>> {
    let sql = "SELECT entry.id, message_id, sender, recipients, subject, date, received_at, size, seen
               FROM mailbox_entry AS entry JOIN account ON account.id = account_id
               WHERE folded = ?1 AND mailbox = ?2 ORDER BY received_at DESC, entry.id DESC LIMIT ?3";
    let params = params![folded(account), mailbox.name(), all_unless(limit)];
    cells::rows(connection, "mailbox_entry", sql, params, |line| {
        Ok(ListedMessage {
            id: line.get("id")?,
            message_id: line.get("message_id")?,
            from: line.get("sender")?,
            to: line.get("recipients")?,
            subject: line.get("subject")?,
            date: line.time("date")?,
            received_at: line.time("received_at")?,
            size: line.size("size")?,
            seen: line.get("seen")?,
        })
    })
}

pub(super) fn raw(
    connection: &Connection,
    account: &str,
    mailbox: Mailbox,
    id: i64,
) -> Result<Option<Bytes>> {
    let sql = "SELECT entry.id, raw FROM mailbox_entry AS entry JOIN account ON account.id = account_id
               WHERE folded = ?1 AND mailbox = ?2 AND entry.id = ?3";
    cells::row(connection, "mailbox_entry", sql, params![folded(account), mailbox.name(), id], |line| {
        line.get::<Vec<u8>>("raw").map(Bytes::from)
    })
}

pub(super) fn set_seen(
    connection: &Connection,
    account: &str,
    mailbox: Mailbox,
    id: i64,
    seen: bool,
) -> Result<()> {
    let account_id = accounts::id(connection, account)?;
    let changed = change(
        connection,
        "UPDATE mailbox_entry SET seen = ?4 WHERE account_id = ?1 AND mailbox = ?2 AND id = ?3",
        params![account_id, mailbox.name(), id, seen],
    )?;
    if changed == 0 {
        return Err(StoreError::NotFound(format!("message {id} in {} of {account}", mailbox.name())));
    }
    Ok(())
}

/// A limit as SQLite has it: below zero there is none.
pub(super) fn all_unless(limit: Option<u32>) -> i64 {
    limit.map_or(-1, i64::from)
}
