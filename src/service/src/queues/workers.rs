//! The processes at work.

use std::time::Duration;

use drover_store::{
    StoreError,
    queues::workers::{self, WorkerRecord},
};
use uuid::Uuid;

use crate::{Action, Actor, Service, ServiceError, audit::Subject};

/// A process that was not heard of for so long is gone, in seconds.
const GONE_AFTER_S: f64 = 15.0;
/// And is forgotten after so long.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(24);

/// How a process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It takes work.
    Working,
    /// It was asked to take no more and has some in hand.
    Draining,
    /// It takes none and has none.
    Drained,
    /// It was not heard of for a while.
    Gone,
}

impl Condition {
    /// Every condition.
    pub const ALL: [Self; 4] = [Self::Working, Self::Draining, Self::Drained, Self::Gone];

    /// The condition's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Draining => "draining",
            Self::Drained => "drained",
            Self::Gone => "gone",
        }
    }

    fn of(worker: &WorkerRecord) -> Self {
        match (worker.silent_s >= GONE_AFTER_S, worker.drain_asked_at, worker.drained_at) {
            (true, _, _) => Self::Gone,
            (false, None, _) => Self::Working,
            (false, Some(_), None) => Self::Draining,
            (false, Some(_), Some(_)) => Self::Drained,
        }
    }
}

/// A process as operators see it.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerView {
    /// What it says of itself.
    pub worker: WorkerRecord,
    /// How it stands.
    pub condition: Condition,
}

impl From<WorkerRecord> for WorkerView {
    fn from(worker: WorkerRecord) -> Self {
        Self { condition: Condition::of(&worker), worker }
    }
}

impl Service {
    /// Every process that was heard of lately, by its start.
    pub async fn workers(&self, actor: &Actor) -> Result<Vec<WorkerView>, ServiceError> {
        actor.require_installation()?;
        Ok(workers::list(&self.store().client().await?).await?.into_iter().map(WorkerView::from).collect())
    }

    /// One process.
    pub async fn worker(&self, actor: &Actor, id: Uuid) -> Result<WorkerView, ServiceError> {
        actor.require_installation()?;
        let found = workers::get(&self.store().client().await?, id).await?;
        found.map(WorkerView::from).ok_or_else(|| ServiceError::not_found("worker", id))
    }

    /// Asks a process to take no more work. What it has in hand ends; it goes on to answer HTTP.
    pub async fn drain_worker(&self, actor: &Actor, id: Uuid) -> Result<WorkerView, ServiceError> {
        self.switch_worker(actor, id, Action::WorkerDrained).await
    }

    /// Asks a process to take work again.
    pub async fn resume_worker(&self, actor: &Actor, id: Uuid) -> Result<WorkerView, ServiceError> {
        self.switch_worker(actor, id, Action::WorkerResumed).await
    }

    async fn switch_worker(&self, actor: &Actor, id: Uuid, action: Action) -> Result<WorkerView, ServiceError> {
        actor.require_write()?;
        let WorkerView { worker, .. } = self.worker(actor, id).await?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let is_changed = match action {
            Action::WorkerDrained => workers::ask_to_drain(&tx, id).await?,
            _ => workers::ask_to_resume(&tx, id).await?,
        };
        if is_changed {
            let subject = Subject { kind: "worker", id: id.to_string(), owner: None };
            let detail = format!("{} on {}", worker.roles, worker.host);
            self.note(&tx, actor, action, &subject, (None, &detail)).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        drop(client);
        self.worker(actor, id).await
    }

    /// Forgets processes that were not heard of for a day. Returns how many.
    pub async fn forget_silent_workers(&self) -> Result<u64, ServiceError> {
        Ok(workers::forget_silent(&self.store().client().await?, FORGOTTEN_AFTER).await?)
    }
}
