//! The planner: a job becomes commands.

use std::time::Duration;

use drover_broker::{Batch, Disposition, Handler};
use drover_domain::JobId;
use drover_messages::PlanJob;
use drover_service::Service;

/// Chunks planned for one message. What is left goes behind the other jobs that wait.
const MAX_CHUNKS: u32 = 50;

/// Handles messages that name a job to plan.
pub(crate) struct Planner {
    service: Service,
}

impl Planner {
    pub(crate) fn new(service: Service) -> Self {
        Self { service }
    }
}

impl Handler<PlanJob> for Planner {
    async fn handle(&self, batch: Batch<PlanJob>) -> Vec<Disposition> {
        let mut dispositions = Vec::with_capacity(batch.len());
        for delivery in &batch {
            let job = JobId(delivery.message.job_id);
            dispositions.push(match self.service.plan_job(job, MAX_CHUNKS).await {
                Ok(planning) => {
                    tracing::debug!(%job, ?planning, "planned");
                    Disposition::Done
                }
                Err(error) => {
                    tracing::warn!(%job, %error, "planning failed and is tried again");
                    Disposition::Retry { after: Duration::from_secs(1), reason: error.to_string() }
                }
            });
        }
        dispositions
    }
}
