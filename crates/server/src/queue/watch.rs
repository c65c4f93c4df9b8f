//! What follows from what a domain's hosts showed: the memory, the watch over our own line, the results to report.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use guarantee::{Cause, FADES_AFTER, Line, Loss, Origin, Sighted, Sighting, Wish, recognise};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use store::{Job, Store, StoreError};

/// While the line is suspect, the operator is told again after so long.
const ALARM_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// Watches the way out.
#[derive(Clone)]
pub struct Watch {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    reporting: Reporting,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    line: Line,
    alarmed_at: Option<Timestamp>,
}

/// Whether results are collected for the receiving domains (RFC 8460).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reporting {
    /// They are.
    On,
    /// Nobody asked for it.
    Off,
}

/// What is to become of a stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It is one, for this cause.
    Stop(Cause),
    /// It is held back: the mail waits.
    Hold(Cause),
}

impl Watch {
    /// A watch that has seen nothing yet.
    pub fn new(store: Arc<dyn Store>, reporting: Reporting) -> Self {
        Self { inner: Arc::new(Inner { store, reporting, state: Mutex::default() }) }
    }

    /// Watches our own line by what an attempt's connections showed; before anything is ruled. Only the mail of accounts
    /// counts: where other mail goes, reports of incoming mail for one, strangers choose.
    pub async fn look(&self, job: &Job, sightings: &[Sighting], now: Timestamp) {
        for sighting in sightings.iter().filter(|_| job.facts.account.is_some()) {
            if let Err(error) = self.note_line(sighting, now).await {
                tracing::error!(%error, "the memory can't be read");
            }
        }
    }

    /// Remembers and counts what an attempt's connections showed. A database failure is only logged: what became of the
    /// mail is recorded beside.
    pub async fn remember(&self, job: &Job, sightings: &[Sighting], now: Timestamp) {
        if let Err(error) = self.try_remember(job, sightings, now).await {
            tracing::error!(%error, "what a domain's hosts showed could not be remembered");
        }
    }

    async fn try_remember(
        &self,
        job: &Job,
        sightings: &[Sighting],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.inner.store.remember(job.facts.account.as_deref(), sightings, now).await?;
        // RFC 8460 §3: the delivery of a report is not itself reported.
        let counts = job.facts.origin != Origin::Report || job.facts.wish != Wish::TlsOptional;
        if self.inner.reporting == Reporting::On && counts && !sightings.is_empty() {
            let day = now.to_zoned_datetime(TimeZone::UTC).date();
            self.inner.store.count_tls_results(day, sightings).await?;
        }
        Ok(())
    }

    async fn note_line(&self, sighting: &Sighting, now: Timestamp) -> Result<(), StoreError> {
        let Some(host) = &sighting.host else { return Ok(()) };
        let had_tls = match &sighting.outcome {
            Sighted::NoTls { .. } => {
                let since = now.saturating_sub(FADES_AFTER).unwrap_or(Timestamp::MIN);
                self.inner.store.had_tls(&sighting.domain, since).await?
            }
            Sighted::Tls { .. } | Sighted::Flawed { .. } | Sighted::NoPolicy { .. } => false,
        };
        if let Some(loss) = Loss::of(&sighting.outcome, had_tls) {
            self.state().line.note(&sighting.domain, host.address, loss, now);
        }
        Ok(())
    }

    /// What is to become of a stop of this account's mail: while our own line is suspect, nobody's missing TLS is certain;
    /// else it is named a possible downgrade if this account's mail has met better there.
    pub async fn rule(&self, account: Option<&str>, domain: &str, cause: Cause, now: Timestamp) -> Ruling {
        if cause.is_loss_of_tls() && self.is_suspect(now) {
            return Ruling::Hold(Cause::OwnLine { last: Box::new(cause) });
        }
        let remembered = match (account, cause.host()) {
            (Some(account), Some(host)) => self.inner.store.remembered(account, domain, &host.name).await,
            _ => Ok(None),
        };
        match remembered {
            Ok(remembered) => Ruling::Stop(recognise(cause, remembered.as_ref(), now)),
            Err(error) => {
                tracing::error!(%error, "the memory can't be read");
                Ruling::Stop(cause)
            }
        }
    }

    fn is_suspect(&self, now: Timestamp) -> bool {
        let mut state = self.state();
        if !state.line.is_suspect(now) {
            state.alarmed_at = None;
            return false;
        }
        if state.alarmed_at.is_none_or(|at| now.duration_since(at) >= ALARM_EVERY) {
            state.alarmed_at = Some(now);
            tracing::error!(
                "unrelated destinations have lost TLS within ten minutes: somebody may be tampering with this server's \
                 line to the network; no mail is stopped for want of TLS until it is back"
            );
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
