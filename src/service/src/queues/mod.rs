//! Queues, what is dead in them, and the workers: the installation's, for those who run it.

pub(crate) mod dead_letters;
pub(crate) mod workers;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use drover_domain::JobKind;
use drover_messages::Queue;
use drover_store::{
    queues::{self, QueueRecord, QueueSample},
    stats,
};

use crate::{Action, Actor, Service, ServiceError, audit::Subject};

pub use dead_letters::{DeadLetterFilter, Dealt, Matching};
pub use workers::{Condition, WorkerView};

/// States of commands that have yet to go out.
const WAITING: [&str; 2] = ["planned", "queued"];

/// A queue as operators see it.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueView {
    /// Which.
    pub queue: Queue,
    /// Since when workers take nothing from it.
    pub paused_at: Option<DateTime<Utc>>,
    /// Who paused it; empty when nobody did.
    pub paused_by: String,
    /// What was last seen of it; `None`: nobody has looked yet.
    pub sample: Option<QueueSample>,
    /// When.
    pub sampled_at: Option<DateTime<Utc>>,
    /// Messages that no worker could handle and that are kept.
    pub dead_letters: i64,
}

impl QueueView {
    fn of(queue: Queue, record: Option<QueueRecord>) -> Self {
        let Some(record) = record else {
            let (paused_by, dead_letters) = (String::new(), 0);
            return Self { queue, paused_at: None, paused_by, sample: None, sampled_at: None, dead_letters };
        };
        let QueueRecord { paused_at, paused_by, sample, sampled_at, dead_letters, .. } = record;
        Self { queue, paused_at, paused_by, sample, sampled_at, dead_letters }
    }
}

/// The queue of a name.
pub(crate) fn named(name: &str) -> Result<Queue, ServiceError> {
    Queue::parse(name).ok_or_else(|| ServiceError::not_found("queue", name))
}

fn subject(queue: Queue) -> Subject {
    Subject { kind: "queue", id: queue.to_string(), owner: None }
}

impl Service {
    /// Every queue, as it was last seen.
    pub async fn queues(&self, actor: &Actor) -> Result<Vec<QueueView>, ServiceError> {
        actor.require_installation()?;
        let records = queues::list(&self.store().client().await?).await?;
        let mut records: HashMap<String, QueueRecord> =
            records.into_iter().map(|record| (record.name.clone(), record)).collect();
        Ok(Queue::all().map(|queue| QueueView::of(queue, records.remove(&queue.to_string()))).collect())
    }

    /// One queue, as it was last seen.
    pub async fn queue(&self, actor: &Actor, name: &str) -> Result<QueueView, ServiceError> {
        let queue = named(name)?;
        let found = self.queues(actor).await?.into_iter().find(|view| view.queue == queue);
        found.ok_or_else(|| ServiceError::not_found("queue", name))
    }

    /// How many commands wait for what goes through a queue, `None` for one of reports: whoever pauses it keeps them
    /// waiting.
    pub async fn commands_behind(&self, actor: &Actor, name: &str) -> Result<Option<i64>, ServiceError> {
        actor.require_installation()?;
        let kind: JobKind = match named(name)? {
            Queue::Jobs(kind) | Queue::Dispatch(kind) => kind,
            Queue::Reports => return Ok(None),
        };
        let counts = stats::active_commands(&self.store().client().await?).await?;
        let waits = |count: &&stats::Count| count.kind == kind.as_str() && WAITING.contains(&count.state.as_str());
        Ok(Some(counts.iter().filter(waits).map(|count| count.count).sum()))
    }

    /// Has workers take nothing from a queue: what they have in hand ends, and the rest waits. One that is paused stays so.
    pub async fn pause_queue(&self, actor: &Actor, name: &str) -> Result<QueueView, ServiceError> {
        self.switch_queue(actor, name, Action::QueuePaused).await
    }

    /// Has workers take from a queue again.
    pub async fn resume_queue(&self, actor: &Actor, name: &str) -> Result<QueueView, ServiceError> {
        self.switch_queue(actor, name, Action::QueueResumed).await
    }

    async fn switch_queue(&self, actor: &Actor, name: &str, action: Action) -> Result<QueueView, ServiceError> {
        actor.require_installation()?;
        actor.require_write()?;
        let queue = named(name)?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(drover_store::StoreError::from)?;
        let is_changed = match action {
            Action::QueuePaused => queues::pause(&tx, name, &actor.name).await?,
            _ => queues::resume(&tx, name).await?,
        };
        if is_changed {
            self.note(&tx, actor, action, &subject(queue), (None, "")).await?;
        }
        tx.commit().await.map_err(drover_store::StoreError::from)?;
        drop(client);
        self.queue(actor, name).await
    }
}
