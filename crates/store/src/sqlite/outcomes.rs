//! What became of recipients.

use api::RecipientState;
use guarantee::{Cause, History};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use smtp::envelope::{Notify, NotifyOn, ReversePath};

use super::cells::{self, change, json, micros, word};
use super::mailboxes;
use super::messages::{self, Head, finish_if_done};
use super::weeks::{self, Count};
use crate::{
    DsnDuty, Evidence, LocalDelivery, Outcome, Progress, RecipientId, RecipientOutcome, ReportKind, Result,
};

/// See [`crate::Store::record`].
pub(super) fn record(
    connection: &Connection,
    queue_id: &str,
    outcomes: &[RecipientOutcome],
    now: Timestamp,
) -> Result<Progress> {
    let message = messages::head(connection, queue_id)?;
    let mut stopped = false;
    for RecipientOutcome { recipient, outcome } in outcomes {
        let Some(waiting) = waiting(connection, message.row, *recipient)? else {
            // final already, or the operator removed it meanwhile
            continue;
        };
        waiting.change_into(outcome, &message.reverse_path)?.save(connection, *recipient, now)?;
        if let (Some((account, _)), Some(count)) = (&message.account, Count::of(outcome)) {
            weeks::count(connection, *account, count, now)?;
        }
        stopped |= matches!(outcome, Outcome::Stopped(_));
    }
    if stopped {
        record_stop(connection, &message, now)?;
    }
    finish_if_done(connection, message.row, now)?;
    progress(connection, message, stopped)
}

/// See [`crate::Store::deliver_local`]. Does nothing for a recipient that is final already.
pub(super) fn deliver_local(connection: &Connection, delivery: &LocalDelivery) -> Result<Progress> {
    let message = messages::head(connection, &delivery.queue_id)?;
    if let Some(waiting) = waiting(connection, message.row, delivery.recipient)? {
        mailboxes::file_in_inbox(connection, &delivery.account, &delivery.message, delivery.now)?;
        let report = waiting.success(&message.reverse_path, ReportKind::Delivered);
        Change::delivered(None, report).save(connection, delivery.recipient, delivery.now)?;
        if let Some((account, _)) = &message.account {
            weeks::count(connection, *account, Count::Protected, delivery.now)?;
        }
    }
    finish_if_done(connection, message.row, delivery.now)?;
    progress(connection, message, false)
}

/// A recipient that waits.
struct Waiting {
    notify: Notify,
    delay_reported: bool,
    report: Option<ReportKind>,
}

fn waiting(connection: &Connection, message: i64, recipient: RecipientId) -> Result<Option<Waiting>> {
    let sql = "SELECT id, notify, delay_reported, report FROM recipient
               WHERE id = ?1 AND message = ?2 AND next_attempt_at IS NOT NULL";
    cells::row(connection, "recipient", sql, [recipient.0, message], |line| {
        Ok(Waiting {
            notify: line.json("notify")?,
            delay_reported: line.get("delay_reported")?,
            report: line.word_if_any("report")?,
        })
    })
}

/// What a recipient's row becomes.
struct Change<'a> {
    state: RecipientState,
    next_attempt_at: Option<Timestamp>,
    /// None: as it was.
    history: Option<&'a History>,
    cause: Option<&'a Cause>,
    evidence: Option<&'a Evidence>,
    report: Option<ReportKind>,
}

impl Waiting {
    fn change_into<'a>(&self, outcome: &'a Outcome, reverse_path: &ReversePath) -> Result<Change<'a>> {
        let answerable = is_answerable(reverse_path);
        let failure = |kind| (answerable && self.notify.failure()).then_some(kind);
        Ok(match outcome {
            Outcome::Delivered { evidence, dsn: DsnDuty::PassedOn } => {
                Change::delivered(Some(evidence), None)
            }
            // RFC 3461 §5.2.2 b
            Outcome::Delivered { evidence, dsn: DsnDuty::Ours } => {
                Change::delivered(Some(evidence), self.success(reverse_path, ReportKind::Relayed))
            }
            Outcome::Filed => Change::delivered(None, self.success(reverse_path, ReportKind::Delivered)),
            Outcome::Deferred { cause, history, next_attempt_at, report_delay } => {
                let tell = *report_delay && !self.delay_reported && answerable && self.notify.delay();
                Change {
                    state: RecipientState::Deferred,
                    next_attempt_at: Some(*next_attempt_at),
                    history: Some(history),
                    cause: Some(cause),
                    evidence: None,
                    report: if tell { Some(ReportKind::Delayed) } else { self.report },
                }
            }
            Outcome::Stopped(cause) => {
                Change::failed(RecipientState::Stopped, cause, failure(ReportKind::Stopped))
            }
            Outcome::Bounced(cause) => {
                Change::failed(RecipientState::Bounced, cause, failure(ReportKind::Failed))
            }
        })
    }

    /// The report of a success, if it is asked for (RFC 3461 §4.1: never unless it is).
    fn success(&self, reverse_path: &ReversePath, kind: ReportKind) -> Option<ReportKind> {
        let asked = matches!(self.notify, Notify::On(NotifyOn { success: true, .. }));
        (asked && is_answerable(reverse_path)).then_some(kind)
    }
}

/// Mail with the null reverse-path is never answered (RFC 5321 §4.5.5).
fn is_answerable(reverse_path: &ReversePath) -> bool {
    matches!(reverse_path, ReversePath::Address(_))
}

impl<'a> Change<'a> {
    /// A delay that nobody has been told of yet need not be told any more.
    fn delivered(evidence: Option<&'a Evidence>, report: Option<ReportKind>) -> Self {
        Self {
            state: RecipientState::Delivered,
            next_attempt_at: None,
            history: None,
            cause: None,
            evidence,
            report,
        }
    }

    fn failed(state: RecipientState, cause: &'a Cause, report: Option<ReportKind>) -> Self {
        Self { state, next_attempt_at: None, history: None, cause: Some(cause), evidence: None, report }
    }

    fn save(&self, connection: &Connection, recipient: RecipientId, now: Timestamp) -> Result<()> {
        change(
            connection,
            "UPDATE recipient SET state = ?2, next_attempt_at = ?3, changed_at = ?4,
                 history = coalesce(?5, history), cause = ?6, evidence = ?7, report = ?8
             WHERE id = ?1",
            params![
                recipient.0,
                word(&self.state)?,
                self.next_attempt_at.map(micros),
                micros(now),
                self.history.map(json).transpose()?,
                self.cause.map(json).transpose()?,
                self.evidence.map(json).transpose()?,
                self.report.as_ref().map(word).transpose()?,
            ],
        )?;
        Ok(())
    }
}

/// One record for a message: later stops of its recipients belong to the same.
fn record_stop(connection: &Connection, message: &Head, now: Timestamp) -> Result<()> {
    if let Some((account, _)) = &message.account {
        let sql =
            "INSERT INTO stop (message, account_id, recorded_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        change(connection, sql, params![message.row, account, micros(now)])?;
    }
    Ok(())
}

fn progress(connection: &Connection, message: Head, stopped: bool) -> Result<Progress> {
    let stop = if stopped { messages::stop(connection, message.row)? } else { None };
    Ok(Progress {
        account: message.account.map(|(_, address)| address),
        first_verdicts_missing: first_verdicts_missing(connection, message.row)?,
        reports_pending: reports_pending(connection, message.row)?,
        stop,
    })
}

/// How many recipients of a message have no first verdict.
pub(super) fn first_verdicts_missing(connection: &Connection, message: i64) -> Result<usize> {
    let sql = "SELECT message, count(*) AS missing FROM recipient WHERE message = ?1 AND state = 'queued'";
    let missing =
        cells::row(connection, "recipients of message", sql, [message], |line| line.size("missing"))?;
    Ok(usize::try_from(missing.unwrap_or_default()).unwrap_or(usize::MAX))
}

fn reports_pending(connection: &Connection, message: i64) -> Result<Vec<ReportKind>> {
    let sql = "SELECT DISTINCT report FROM recipient WHERE message = ?1 AND report IS NOT NULL";
    cells::rows(connection, "recipients of message", sql, [message], |line| line.word("report"))
}
