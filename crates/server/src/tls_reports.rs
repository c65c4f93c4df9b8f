//! Reports on transport security to the domains that ask for them (RFC 8460): one a domain and day, by mail or HTTPS.

use std::{sync::Arc, time::Duration};

use delivery::Courier;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rand::Rng;
use smtp::{
    address::Mailbox as Address,
    envelope::{Notify as NotifyOn, ReversePath},
};
use store::{MessageFacts, NewMessage, NewRecipient, PolicyResults, Store, StoreError, TlsReportDue};
use tlsrpt::{Draft, Failure, MEDIA_TYPE, Outcome, Report, ReportId, Reporter, ResultRow, Rua, Signer};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{acceptance::new_queue_id, listing::listing, local::Local, queue::RunnerParts};

/// How often what is due is looked for.
const LOOK: Duration = Duration::from_hours(1);

/// Reports leave at a time of this server's own, up to so long after midnight, so that not all senders come at once (§4.1).
const SPREAD_MINUTES: i64 = 3 * 60;

/// Destinations of one domain that are tried at a time: each may take half a minute, and others wait.
const MOST_TRIED: usize = 3;

/// Sends the reports.
pub struct TlsReports {
    /// What was met.
    pub store: Arc<dyn Store>,
    /// Asks the DNS where a domain wants its reports.
    pub courier: Courier,
    /// Who reports.
    pub reporter: Reporter,
    /// Signs the mails (§3: MUST).
    pub signer: Arc<Signer>,
    /// What is at home here.
    pub local: Arc<Local>,
    /// Tells the queue runner that there is work.
    pub wake: Arc<Notify>,
    /// So long after midnight a day counts as over.
    pub delay: SignedDuration,
}

impl TlsReports {
    /// Reports beside a queue runner.
    pub fn beside(parts: &RunnerParts, (reporter, signer): (Reporter, Arc<Signer>)) -> Self {
        Self {
            store: Arc::clone(&parts.store),
            courier: parts.courier.clone(),
            reporter,
            signer,
            local: Arc::clone(&parts.local),
            wake: Arc::clone(&parts.wake),
            delay: SignedDuration::from_mins(rand::rng().random_range(0..SPREAD_MINUTES)),
        }
    }

    /// Works until the shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            if let Err(error) = self.send_due(Timestamp::now()).await {
                tracing::error!(%error, "reports on transport security can't be made");
            }
        }
    }

    /// Sends what is due: the days before today, in UTC. What no destination has taken is tried again for a day (§5.5).
    pub async fn send_due(&self, now: Timestamp) -> Result<(), StoreError> {
        let past = now.saturating_sub(self.delay).unwrap_or(Timestamp::MIN);
        let today = past.to_zoned_datetime(TimeZone::UTC).date();
        for due in self.store.tls_reports_due(today).await? {
            let results = self.store.tls_results(due.day, &due.domain).await?;
            let destinations = tlsrpt::destinations(&self.courier.report_records(&due.domain).await);
            let report = self.compose(&due, &results).filter(|_| !destinations.is_empty());
            let taken = match &report {
                Some(report) => self.send(&due, report, &destinations, now).await?,
                None => false,
            };
            let is_old = today.yesterday().is_ok_and(|yesterday| due.day < yesterday);
            if !taken && (report.is_none() || is_old) {
                self.store.mark_tls_reported(due.day, &due.domain, now).await?;
            }
        }
        Ok(())
    }

    fn compose(&self, due: &TlsReportDue, results: &[PolicyResults]) -> Option<Report> {
        let rows = rows(results);
        let draft = Draft {
            reporter: &self.reporter,
            domain: &due.domain,
            day: due.day,
            id: ReportId::new(rand::rng().random()),
            rows: &rows,
        };
        match draft.compose() {
            Ok(report) => Some(report),
            Err(error) => {
                tracing::error!(%error, domain = due.domain, "a report on transport security can't be composed");
                None
            }
        }
    }

    /// To the first destination that takes it (§3: one is enough). A report that is marked is never sent a second time.
    async fn send(
        &self,
        due: &TlsReportDue,
        report: &Report,
        destinations: &[Rua],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        for destination in destinations.iter().take(MOST_TRIED) {
            match destination {
                Rua::Mailto(address) => {
                    if self.store.mark_tls_reported(due.day, &due.domain, now).await? {
                        self.queue(report, address, now).await?;
                    }
                    return Ok(true);
                }
                Rua::Https(url) => match self.courier.post(url.as_str(), MEDIA_TYPE, report.gzip()).await {
                    Ok(()) => {
                        self.store.mark_tls_reported(due.day, &due.domain, now).await?;
                        return Ok(true);
                    }
                    Err(error) => {
                        tracing::warn!(error, domain = due.domain, "a report was not taken over HTTPS");
                    }
                },
            }
        }
        Ok(false)
    }

    async fn queue(&self, report: &Report, to: &tlsrpt::Address, now: Timestamp) -> Result<(), StoreError> {
        let mail = report.mail(to, now);
        let raw = match self.signer.sign(&mail, now) {
            Ok(field) => [field, mail].concat(),
            Err(error) => {
                tracing::error!(%error, "a report can't be signed, and is not sent");
                return Ok(());
            }
        };
        let to = to.to_string();
        let Ok(parsed) = Address::parse(&to) else { return Ok(()) };
        let listing = listing(&raw);
        let message = NewMessage {
            facts: MessageFacts {
                queue_id: new_queue_id(),
                origin: guarantee::Origin::Report,
                account: None,
                // RFC 5321 §4.5.5: it is no notification, and whoever reads the contact's mail learns of a wrong `rua`.
                reverse_path: ReversePath::Address(self.reporter.contact().to_string()),
                ret: None,
                envid: None,
                smtputf8: false,
                eight_bit: !raw.is_ascii(),
                // §3: reports are delivered despite what they report.
                wish: guarantee::Wish::TlsOptional,
                accepted_at: now,
            },
            message_id: listing.message_id,
            subject: listing.subject,
            recipients: vec![NewRecipient {
                next_hop: self.local.next_hop(parsed.domain().as_str()),
                address: to,
                notify: NotifyOn::Never,
                orcpt: None,
            }],
            content: raw.into(),
            end_to_end: false,
            sent_copy: None,
            replaces: None,
        };
        self.store.accept(message).await?;
        self.wake.notify_one();
        Ok(())
    }
}

fn rows(results: &[PolicyResults]) -> Vec<ResultRow> {
    let mut rows = Vec::new();
    for PolicyResults { policy, successes, failures } in results {
        if *successes > 0 {
            rows.push(ResultRow { policy: policy.clone(), outcome: Outcome::Success, count: *successes });
        }
        for failed in failures {
            let host = failed.host.as_ref();
            let failure = Failure {
                receiving_mx_hostname: host.map(|host| host.name.clone()),
                receiving_ip: host.map(|host| host.address),
                failure_reason_code: Some(failed.detail.clone()).filter(|detail| !detail.is_empty()),
                ..Failure::of(failed.result)
            };
            let outcome = Outcome::Failure(failure);
            rows.push(ResultRow { policy: policy.clone(), outcome, count: failed.count });
        }
    }
    rows
}

#[cfg(test)]
mod tests;
