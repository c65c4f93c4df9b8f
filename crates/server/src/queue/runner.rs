//! Claims due work and gives each job a task of its own, within bounds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use delivery::Courier;
use jiff::{SignedDuration, Timestamp};
use store::{Job, NextHop, Progress, RecipientId, RecipientOutcome, Store, StoreError};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{report::Reporter, watch::Watch};
use crate::{check::Checks, events::Events, forwardings::Forwardings, local::Local};

/// Jobs under way at the same time.
const MAX_JOBS: usize = 200;

/// Jobs for one domain under way at the same time: what most receivers put up with.
const MAX_JOBS_PER_HOP: usize = 20;

/// How often the database is asked whether an operator's command has changed it.
const LOOK_OUTSIDE: Duration = Duration::from_secs(1);

/// After a database failure the runner waits so long.
const REST: Duration = Duration::from_secs(1);

/// Upkeep of the database happens so often.
const PURGE_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// What the runner works with.
#[derive(Clone)]
pub struct RunnerParts {
    /// The queue.
    pub store: Arc<dyn Store>,
    /// The way out.
    pub courier: Courier,
    /// Reports failures.
    pub reporter: Reporter,
    /// Remembers what hosts showed.
    pub watch: Watch,
    /// Watches over users' forwardings.
    pub forwardings: Forwardings,
    /// What users were told ahead of their mail.
    pub checks: Checks,
    /// Tells users' pages.
    pub events: Events,
    /// What is at home here.
    pub local: Arc<Local>,
    /// New work has come.
    pub wake: Arc<Notify>,
    /// How long finished messages, stops and evidence are kept.
    pub keep: SignedDuration,
}

/// The queue runner.
pub struct Runner {
    parts: RunnerParts,
    under_way: Arc<UnderWay>,
    jobs: JoinSet<()>,
    purged_at: Timestamp,
}

impl Runner {
    /// A runner at rest.
    pub fn new(parts: RunnerParts) -> Self {
        Self { parts, under_way: Arc::default(), jobs: JoinSet::new(), purged_at: Timestamp::MIN }
    }

    /// Works until the shutdown, then lets the jobs under way finish.
    pub async fn run(mut self, shutdown: CancellationToken) {
        self.parts.reporter.catch_up().await;
        while !shutdown.is_cancelled() {
            let pause = match self.round().await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::error!(%error, "the queue can't be read");
                    REST
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.parts.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
                Some(_ended) = self.jobs.join_next(), if !self.jobs.is_empty() => {}
            }
        }
        while self.jobs.join_next().await.is_some() {}
        self.parts.courier.close_idle().await;
    }

    /// Starts what can be started now; gives how long nothing else is due.
    async fn round(&mut self) -> Result<Duration, StoreError> {
        while self.jobs.try_join_next().is_some() {}
        let now = Timestamp::now();
        self.purge(now).await?;
        // Asked so that an operator's `queue retry` is seen; the claim below finds what it made due.
        self.parts.store.changed_outside().await?;
        let room = MAX_JOBS.saturating_sub(self.jobs.len());
        let busy = self.under_way.busy();
        if room > 0 {
            for job in self.parts.store.claim_due(now, room, &busy).await? {
                self.start(job);
            }
        }
        let busy = self.under_way.busy();
        let next = self.parts.store.next_due(&busy).await?;
        Ok(match next {
            Some(at) if self.jobs.len() < MAX_JOBS => until(now, at).min(LOOK_OUTSIDE),
            Some(_) | None => LOOK_OUTSIDE,
        })
    }

    fn start(&mut self, job: Job) {
        let place = Place::take(Arc::clone(&self.under_way), job.next_hop.clone());
        let parts = self.parts.clone();
        self.jobs.spawn(async move {
            parts.work(job).await;
            drop(place);
        });
    }

    async fn purge(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if now.duration_since(self.purged_at) >= PURGE_EVERY {
            self.parts
                .store
                .purge(now, now.saturating_sub(self.parts.keep).unwrap_or(Timestamp::MIN))
                .await?;
            self.purged_at = now;
        }
        Ok(())
    }
}

impl RunnerParts {
    /// One job to its end. Whatever fails on our side leaves the recipients due again.
    async fn work(&self, job: Job) {
        let recipients: Vec<RecipientId> = job.recipients.iter().map(|recipient| recipient.id).collect();
        let queue_id = job.facts.queue_id.clone();
        let worked = match &job.next_hop {
            NextHop::Local => self.deliver_locally(&job).await,
            NextHop::Domain(domain) => self.deliver_remotely(&job, domain).await,
        };
        if let Err(error) = worked {
            tracing::error!(%error, queue_id, "a delivery could not be recorded");
            tokio::time::sleep(REST).await;
            if let Err(error) = self.store.release(&recipients).await {
                tracing::error!(%error, queue_id, "recipients could not be given back; a restart will");
            }
        }
    }

    /// Records outcomes, tells the account's pages, and has failures reported.
    pub(super) async fn record(
        &self,
        queue_id: &str,
        outcomes: Vec<RecipientOutcome>,
    ) -> Result<(), StoreError> {
        if outcomes.is_empty() {
            return Ok(());
        }
        let progress = self.store.record(queue_id, outcomes, Timestamp::now()).await?;
        self.follow_up(queue_id, progress).await;
        Ok(())
    }

    /// What follows from a record.
    pub(super) async fn follow_up(&self, queue_id: &str, progress: Progress) {
        self.reporter.follow(queue_id, &progress);
        let Some(account) = progress.account else { return };
        if let Some(stop) = progress.stop {
            self.events.publish(&account, api::Event::Stop(stop));
        }
        match self.store.message_status(&account, queue_id).await {
            Ok(Some(status)) => self.events.publish(&account, api::Event::Delivery(status)),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, queue_id, "a status could not be read"),
        }
    }
}

fn until(now: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
}

/// Jobs under way, by next hop.
#[derive(Default)]
struct UnderWay(Mutex<HashMap<NextHop, usize>>);

impl UnderWay {
    fn busy(&self) -> Vec<NextHop> {
        let hops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hops.iter().filter(|(_, count)| **count >= MAX_JOBS_PER_HOP).map(|(hop, _)| hop.clone()).collect()
    }
}

struct Place {
    under_way: Arc<UnderWay>,
    hop: NextHop,
}

impl Place {
    fn take(under_way: Arc<UnderWay>, hop: NextHop) -> Self {
        *under_way.0.lock().unwrap_or_else(PoisonError::into_inner).entry(hop.clone()).or_insert(0) += 1;
        Self { under_way, hop }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut hops = self.under_way.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = hops.get_mut(&self.hop) {
            *count -= 1;
            if *count == 0 {
                hops.remove(&self.hop);
            }
        }
    }
}
