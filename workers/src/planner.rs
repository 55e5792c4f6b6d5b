//! The planner: a job becomes commands.

use std::time::Duration;

use drover_broker::{Batch, Broker, Disposition, Handler};
use drover_domain::{JobId, JobKind};
use drover_messages::{PlanJob, Queue};
use drover_service::{Service, ServiceError};
use drover_telemetry::spans;
use tracing::Span;

use crate::patience::{failed, while_unavailable};

/// Chunks planned for one message. What is left goes behind the other jobs that wait.
const MAX_CHUNKS: u32 = 10;
/// Chunks that may wait for a dispatcher. The backlog is rows: the broker is given no more than some seconds of work, so
/// that no command is handed out a second time only because it waits in line.
const WAITING_MAX: u64 = 20;

/// Handles messages that name a job to plan.
pub(crate) struct Planner {
    service: Service,
    broker: Broker,
    kind: JobKind,
}

impl Planner {
    pub(crate) fn new(service: Service, broker: Broker, kind: JobKind) -> Self {
        Self { service, broker, kind }
    }

    async fn plan(&self, job: JobId) -> Result<(), ServiceError> {
        // A broker that does not answer has enough to do.
        let waiting = self.broker.depth(Queue::Dispatch(self.kind)).await.unwrap_or(u64::MAX);
        if waiting >= WAITING_MAX {
            metrics::counter!("drover_planner_waits_total", "kind" => self.kind.as_str()).increment(1);
            return self.service.plan_later(job).await;
        }
        let planning = self.service.plan_job(job, MAX_CHUNKS).await?;
        tracing::debug!(%job, ?planning, "planned");
        Ok(())
    }
}

impl Handler<PlanJob> for Planner {
    async fn handle(&self, batch: Batch<PlanJob>) -> Vec<Disposition> {
        let mut dispositions = Vec::with_capacity(batch.len());
        for delivery in &batch {
            let job = JobId(delivery.message.job_id);
            spans::note(&Span::current(), "drover.job.id", job.0);
            dispositions.push(match while_unavailable(|| self.plan(job)).await {
                Ok(()) => Disposition::Done,
                Err(error) => {
                    tracing::warn!(%job, %error, "planning failed and is tried again");
                    failed(&error, Duration::from_secs(1))
                }
            });
        }
        dispositions
    }
}
