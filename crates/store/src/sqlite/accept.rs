//! A message enters the queue.

use api::RecipientState;
use guarantee::{Asked, History, Origin, Requirement, Wish};
use rusqlite::{Connection, params};

use super::cells::{self, change, integer, json, micros, word};
use super::decisions::{self, Decisions};
use super::{accounts, mailboxes, messages, replacements};
use crate::{Mailbox, NewMessage, NewRecipient, Result, StoreError, StoredSwitch};

/// See [`crate::Store::accept`].
pub(super) fn accept(connection: &Connection, message: &NewMessage) -> Result<()> {
    let facts = &message.facts;
    let account = match &facts.account {
        Some(address) => Some(accounts::id(connection, address)?),
        None => None,
    };
    let sender = account.filter(|_| facts.origin == Origin::Submission);
    let wish = match sender {
        Some(account) => decisions::wish(connection, message, account)?,
        None => facts.wish,
    };
    let row = insert_message(connection, message, account, wish)?;
    // of a message that nobody sends it counts for nothing
    let guarantee = match &facts.account {
        Some(account) => accounts::switch(connection, account)?,
        None => StoredSwitch::default(),
    };
    let decisions = match sender {
        Some(account) => Decisions::take(connection, message, account)?,
        None => Decisions::default(),
    };
    for (position, recipient) in message.recipients.iter().enumerate() {
        let requirement = guarantee::requirement(&Asked {
            origin: facts.origin,
            switch: guarantee.switch,
            level: guarantee.level,
            now: facts.accepted_at,
            wish,
            is_report: facts.reverse_path == smtp::envelope::ReversePath::Null,
            lifts: decisions.lifts(&recipient.address),
        });
        insert_recipient(connection, message, row, position, recipient, requirement)?;
    }
    let sql = "INSERT INTO content (message, octets) VALUES (?1, ?2)";
    change(connection, sql, params![row, &*message.content])?;
    if let Some(copy) = &message.sent_copy {
        let account = account.ok_or_else(|| StoreError::NotFound("the account of a Sent copy".to_owned()))?;
        mailboxes::file(connection, account, Mailbox::Sent, copy, facts.accepted_at)?;
    }
    if let Some(account) = sender {
        replacements::take_place(connection, message, account)?;
    }
    messages::finish_if_done(connection, row, facts.accepted_at)
}

fn insert_message(
    connection: &Connection,
    message: &NewMessage,
    account: Option<i64>,
    wish: Wish,
) -> Result<i64> {
    let facts = &message.facts;
    let added = change(
        connection,
        "INSERT INTO message (queue_id, origin, account_id, reverse_path, ret, envid, smtputf8, eight_bit,
                              wish, message_id, subject, size, accepted_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT DO NOTHING",
        params![
            facts.queue_id,
            word(&facts.origin)?,
            account,
            cells::reverse_path(&facts.reverse_path),
            facts.ret.as_ref().map(word).transpose()?,
            facts.envid,
            facts.smtputf8,
            facts.eight_bit,
            word(&wish)?,
            message.message_id,
            message.subject,
            integer(message.content.len()),
            micros(facts.accepted_at),
        ],
    )?;
    if added == 0 {
        return Err(StoreError::Exists(format!("message {}", facts.queue_id)));
    }
    Ok(connection.last_insert_rowid())
}

fn insert_recipient(
    connection: &Connection,
    message: &NewMessage,
    row: i64,
    position: usize,
    recipient: &NewRecipient,
    requirement: Requirement,
) -> Result<()> {
    change(
        connection,
        "INSERT INTO recipient (message, position, address, next_hop, notify, orcpt, requirement, state,
                                next_attempt_at, changed_at, history)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)",
        params![
            row,
            integer(position),
            recipient.address,
            cells::next_hop(&recipient.next_hop),
            json(&recipient.notify)?,
            recipient.orcpt,
            word(&requirement)?,
            word(&RecipientState::Queued)?,
            micros(message.facts.accepted_at),
            json(&History::default())?,
        ],
    )?;
    Ok(())
}
