//! Delivery into the mailboxes of another server on this machine.

use guarantee::{Cause, History, next_attempt, next_local_attempt};
use jiff::Timestamp;
use smtp::envelope::{BodyType, MailFrom, Notify, RcptTo};
use store::{Job, JobRecipient, Outcome, RecipientOutcome, StoreError};

use super::{remote::deferred, runner::RunnerParts};
use crate::lmtp::{Lmtp, Verdict};

impl RunnerParts {
    /// Hands the job's message over in one transaction. Nothing leaves this machine, so nothing must be encrypted; and the
    /// other server, which makes the final delivery, adds the Return-Path (RFC 5321 §4.4).
    pub(super) async fn deliver_over_lmtp(&self, job: &Job, lmtp: &Lmtp) -> Result<(), StoreError> {
        let content = self.store.content(&job.facts.queue_id).await?;
        let mail = MailFrom {
            reverse_path: job.facts.reverse_path.clone(),
            body: if job.facts.eight_bit { BodyType::EightBitMime } else { BodyType::SevenBit },
            smtputf8: job.facts.smtputf8,
            // The end of the way: no transport follows, and successes are reported here.
            requiretls: false,
            ret: None,
            envid: None,
        };
        let mut recipients = Vec::with_capacity(job.recipients.len());
        for recipient in &job.recipients {
            let address = self.local.filed_for(lmtp, &recipient.address).await;
            recipients.push(RcptTo { address, notify: Notify::Unspecified, orcpt: None });
        }
        let verdicts = lmtp.deliver(&mail, &recipients, &content).await;
        log(&job.facts.queue_id, &verdicts);
        let now = Timestamp::now();
        let outcome = |(recipient, verdict): (&JobRecipient, Verdict)| RecipientOutcome {
            recipient: recipient.id,
            outcome: outcome(job, recipient, verdict, now),
        };
        let outcomes = job.recipients.iter().zip(verdicts).map(outcome).collect();
        self.record(&job.facts.queue_id, outcomes).await
    }
}

fn outcome(job: &Job, recipient: &JobRecipient, verdict: Verdict, now: Timestamp) -> Outcome {
    let history =
        History { attempts: recipient.history.attempts.saturating_add(1), ..recipient.history.clone() };
    let (attempts, accepted_at) = (history.attempts, job.facts.accepted_at);
    let (cause, next) = match verdict {
        Verdict::Filed => return Outcome::Filed,
        // As the sender wrote the address, whoever reads its mail.
        Verdict::Refused(Cause::UnknownUser { .. }) => {
            return Outcome::Bounced(Cause::UnknownUser { address: recipient.address.clone() });
        }
        Verdict::Refused(cause) => return Outcome::Bounced(cause),
        Verdict::Later(cause) => (cause, next_attempt(attempts, accepted_at, now)),
        Verdict::Away(cause) => (cause, next_local_attempt(attempts, accepted_at, now)),
    };
    deferred(job, recipient, cause, history, next, now)
}

fn log(queue_id: &str, verdicts: &[Verdict]) {
    let filed = verdicts.iter().filter(|verdict| **verdict == Verdict::Filed).count();
    if filed > 0 {
        tracing::info!(queue_id, filed, "delivered over LMTP");
    }
    // Who is away is away for all.
    if let Some(Verdict::Away(cause)) = verdicts.iter().find(|verdict| matches!(verdict, Verdict::Away(_))) {
        tracing::warn!(queue_id, "mailboxes.lmtp: {}; it is tried again soon", cause.text());
    }
}

#[cfg(test)]
mod tests;
