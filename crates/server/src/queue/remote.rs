//! Delivery to the MX hosts of a domain.

use delivery::{Attempt, AttemptRecipient, Attempted, DsnOffer, Fate};
use guarantee::{
    Authentication, Cause, EXPIRES_AFTER, History, Origin, Proof, delay_notice_after, next_attempt,
};
use jiff::Timestamp;
use store::{DsnDuty, Evidence, Job, JobRecipient, Outcome, RecipientOutcome, StoreError};

use super::{runner::RunnerParts, watch::Ruling};

impl RunnerParts {
    /// One attempt for all recipients of the job.
    pub(super) async fn deliver_remotely(&self, job: &Job, domain: &str) -> Result<(), StoreError> {
        let content = self.store.content(&job.facts.queue_id).await?;
        let attempt = Attempt {
            next_hop: domain.to_owned(),
            requirement: job.requirement,
            requiretls: job.facts.wish.goes_on(),
            reverse_path: job.facts.reverse_path.clone(),
            ret: job.facts.ret,
            envid: job.facts.envid.clone(),
            smtputf8: job.facts.smtputf8,
            eight_bit: job.facts.eight_bit,
            recipients: job.recipients.iter().map(attempt_recipient).collect(),
            content: content.clone(),
            now: Timestamp::now(),
        };
        let Attempted { fates, sightings, mx } = self.courier.attempt(attempt).await;
        let now = Timestamp::now();
        fates.iter().for_each(|fate| log_delivered(&job.facts.queue_id, domain, mx, fate));
        self.watch.look(job, &sightings, now).await;
        if job.facts.origin == Origin::MailStore {
            self.forwardings.passed(job, &content, &fates).await;
        }
        let account = job.facts.account.as_deref();
        let mut outcomes = Vec::with_capacity(fates.len());
        for (recipient, fate) in job.recipients.iter().zip(fates) {
            let outcome = match fate {
                Fate::Stopped { cause, history } => {
                    match self.watch.rule(account, domain, cause, now).await {
                        Ruling::Stop(cause) => Outcome::Stopped(cause),
                        Ruling::Hold(cause) => later(job, recipient, cause, history, now),
                    }
                }
                other => outcome(job, recipient, other, now),
            };
            log_failure(&job.facts.queue_id, domain, &outcome);
            outcomes.push(RecipientOutcome { recipient: recipient.id, outcome });
        }
        // In this order into the same commit: whoever sees what became of the mail can rely on the memory of it.
        let remembered = self.watch.remember(job, &sightings, now);
        let ((), recorded) = tokio::join!(remembered, self.store.record(&job.facts.queue_id, outcomes, now));
        // Before the account's pages are told: what they ask then is looked at anew.
        if let Some(account) = account {
            self.checks.outdated(account, domain);
        }
        self.follow_up(&job.facts.queue_id, recorded?).await;
        Ok(())
    }
}

/// Says in the log how a mail left. A host that only an unsigned MX record names is told as such whatever it proved of
/// itself (RFC 7672 §2.2.1).
fn log_delivered(queue_id: &str, domain: &str, mx: Proof, fate: &Fate) {
    let Fate::Delivered { protection, authentication, host, tls, .. } = fate else { return };
    let mx = match mx {
        Proof::Secure => "signed",
        Proof::Insecure => "unsigned",
    };
    let tls = tls.as_ref().map_or_else(|| "none".to_owned(), |tls| tls.version.to_string());
    let proven_by = match authentication {
        Authentication::Nothing => "nothing",
        Authentication::UnprovenHost { .. } => "tlsa-of-unproven-host",
        Authentication::Certificate { .. } => "certificate",
        Authentication::MtaSts { .. } => "mta-sts",
        Authentication::Dane { .. } => "dane",
    };
    tracing::info!(queue_id, domain, mx, %host, %protection, tls, proven_by, "delivered");
}

/// Says in the log why a mail did not leave, by the cause's short word: the host's own words are in the queue.
fn log_failure(queue_id: &str, domain: &str, outcome: &Outcome) {
    let (said, cause) = match outcome {
        Outcome::Stopped(cause) => ("stopped", cause),
        Outcome::Bounced(cause) => ("bounced", cause),
        Outcome::Deferred { cause, .. } => ("deferred", cause),
        Outcome::Delivered { .. } | Outcome::Filed => return,
    };
    let host = cause.host().map(ToString::to_string).unwrap_or_default();
    tracing::info!(queue_id, domain, host, cause = cause.kind(), "{said}");
}

fn attempt_recipient(recipient: &JobRecipient) -> AttemptRecipient {
    AttemptRecipient {
        address: recipient.address.clone(),
        notify: recipient.notify,
        orcpt: recipient.orcpt.clone(),
        history: recipient.history.clone(),
    }
}

fn outcome(job: &Job, recipient: &JobRecipient, fate: Fate, now: Timestamp) -> Outcome {
    match fate {
        Fate::Delivered { protection, authentication, host, tls, reply, dsn } => Outcome::Delivered {
            evidence: Evidence { protection, authentication, host: Some(host), tls, reply },
            dsn: match dsn {
                DsnOffer::Offered => DsnDuty::PassedOn,
                DsnOffer::NotOffered => DsnDuty::Ours,
            },
        },
        Fate::Stopped { cause, .. } => Outcome::Stopped(cause),
        Fate::Bounced(cause) => Outcome::Bounced(cause),
        Fate::Deferred { cause, history } => later(job, recipient, cause, history, now),
    }
}

fn later(job: &Job, recipient: &JobRecipient, cause: Cause, history: History, now: Timestamp) -> Outcome {
    let next_attempt_at = next_attempt(history.attempts, job.facts.accepted_at, now);
    deferred(job, recipient, cause, history, next_attempt_at, now)
}

/// Tried again at that time, or given up after all.
pub(super) fn deferred(
    job: &Job,
    recipient: &JobRecipient,
    cause: Cause,
    history: History,
    next_attempt_at: Timestamp,
    now: Timestamp,
) -> Outcome {
    let waited = now.duration_since(job.facts.accepted_at);
    if waited >= EXPIRES_AFTER {
        return Outcome::Bounced(Cause::Expired { last: Box::new(cause) });
    }
    let report_delay = !recipient.delay_reported && waited >= delay_notice_after(job.requirement);
    Outcome::Deferred { cause, history, next_attempt_at, report_delay }
}

#[cfg(test)]
mod tests;
