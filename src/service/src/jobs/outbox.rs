//! Leaves messages to the relay, in the transaction of what they are about.

use std::time::Duration;

use drover_domain::JobKind;
use drover_messages::{DeviceSet, DispatchCommands, Message, PlanJob, Queue};
use drover_store::{
    Job, StoreError, Tx,
    commands::Devices,
    jobs::{self, JobRules},
    outbox,
};
use drover_telemetry::spans;

use crate::{Service, random_uuid};

impl Service {
    /// How long a planner may leave a job alone before it is called again: what a dispatcher may with a chunk, for both are
    /// how long a message that got lost holds up work.
    pub(crate) fn plan_lease(&self) -> Duration {
        self.options().dispatch_lease
    }

    /// Tells a planner about a job.
    pub(crate) async fn post_plan(
        &self,
        tx: &Tx<'_>,
        kind: JobKind,
        message: &PlanJob,
        trace: &str,
    ) -> Result<(), StoreError> {
        self.post(tx, Queue::Jobs(kind), message, trace).await
    }

    /// Tells a planner about a job that there is something to plan or release of, and the timekeeper to do so again should
    /// the message get lost.
    pub(crate) async fn call_planner(&self, tx: &Tx<'_>, job: &Job) -> Result<(), StoreError> {
        jobs::set_plan_due(tx, job.id, Some(self.plan_lease())).await?;
        self.post_plan(tx, job.kind, &PlanJob { job_id: job.id.0 }, &job.trace_context).await
    }

    /// As [`call_planner`](Self::call_planner), of a job of which only its rules are known.
    pub(crate) async fn call_planner_for(&self, tx: &Tx<'_>, job: &JobRules) -> Result<(), StoreError> {
        jobs::set_plan_due(tx, job.id, Some(self.plan_lease())).await?;
        self.post_plan(tx, job.kind, &PlanJob { job_id: job.id.0 }, &job.trace_context).await
    }

    /// Tells a dispatcher about a chunk.
    pub(crate) async fn post_dispatch(
        &self,
        tx: &Tx<'_>,
        kind: JobKind,
        message: &DispatchCommands,
        trace: &str,
    ) -> Result<(), StoreError> {
        self.post(tx, Queue::Dispatch(kind), message, trace).await
    }

    async fn post<M: Message>(
        &self,
        tx: &Tx<'_>,
        queue: Queue,
        message: &M,
        trace_context: &str,
    ) -> Result<(), StoreError> {
        let message_id = random_uuid(self.inner.entropy.as_ref());
        let (queue, body) = (queue.to_string(), message.encode()?);
        let trace_context = &*spans::cause(trace_context);
        outbox::insert(tx, &outbox::NewMessage { message_id, queue: &queue, body: &body, trace_context }).await
    }
}

/// The devices as they travel.
pub(crate) fn device_set(devices: Devices) -> DeviceSet {
    match devices {
        Devices::Range(first, last) => DeviceSet::Range { first, last },
        Devices::List(ids) => DeviceSet::List { ids },
    }
}
