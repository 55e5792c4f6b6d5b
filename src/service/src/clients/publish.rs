//! A version is published: organisations see it from now on.

use chrono::{DateTime, Utc};
use drover_domain::{ClientVersionId, JobEvent, JobId, JobKind, Os, Policy};
use drover_messages::TraceContext;
use drover_store::{
    StoreError, Tx, audiences,
    clients::publications::{self, Coverage, NewClientJob, Subject},
    jobs,
};

use super::subject::{self, Named};
use crate::{Operator, Service, ServiceError};

/// A wish to publish or distribute a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishRequest {
    /// Whether the user of a device may not put it off.
    pub force: bool,
    /// Whether a publication is distributed too.
    pub distribute: bool,
    /// To whom.
    pub targets: Vec<Target>,
}

/// An organisation with everything below it, and what holds for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The organisation, by the callers' name.
    pub organisation_code: String,
    /// When the offer ends; `None`: when it is cancelled.
    pub expires_at: Option<DateTime<Utc>>,
    /// When a distribution starts; `None`: now.
    pub start_at: Option<DateTime<Utc>>,
    /// Automatic tries after the first; `None`: as the installation has it.
    pub retry_limit: Option<i16>,
    /// Whether a device's success counts only when it was seen running the version.
    pub proof_required: bool,
    /// The system that the caller believes the version to be for.
    pub os: Option<Os>,
}

impl Service {
    /// Publishes a version to organisations, and distributes it to their devices when that is asked for too. Returns the
    /// publication.
    pub async fn publish_version(
        &self,
        operator: &Operator,
        version: ClientVersionId,
        request: PublishRequest,
        trace: TraceContext,
    ) -> Result<JobId, ServiceError> {
        operator.require_write()?;
        let publish = || self.publish_once(operator, version, &request, trace);
        self.store().retrying("publish_version", publish).await
    }

    async fn publish_once(
        &self,
        operator: &Operator,
        version: ClientVersionId,
        request: &PublishRequest,
        trace: TraceContext,
    ) -> Result<JobId, ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let subject = subject::offerable(&tx, operator, version).await?;
        let targets = subject::targets(&tx, operator, &subject, &request.targets).await?;
        let publication = self.publish(&tx, operator, &subject, &targets, trace).await?;
        if request.distribute {
            for (target, organisation) in subject::apart(&targets)? {
                let coverage = Coverage { publication, expires_at: target.expires_at };
                self.distribute(&tx, operator, &subject, (target, organisation), &coverage, (request.force, trace))
                    .await?;
            }
        }
        tx.commit().await.map_err(StoreError::from)?;
        metrics::counter!("drover_jobs_created_total", "kind" => JobKind::Publish.as_str()).increment(1);
        tracing::info!(job = %publication, %version, by = operator.login_id, targets = targets.len(), distribute = request.distribute, trace_id = trace.trace_id(), "version published");
        Ok(publication)
    }

    /// The job of a publication runs for as long as the version is offered by it; it has no commands.
    async fn publish(
        &self,
        tx: &Tx<'_>,
        operator: &Operator,
        subject: &Subject,
        targets: &[Named<'_>],
        trace: TraceContext,
    ) -> Result<JobId, ServiceError> {
        let mut latest = Some(self.inner.clock.now());
        for (target, _) in targets {
            self.check_times(target)?;
            latest = latest.zip(target.expires_at).map(|(latest, expires_at)| latest.max(expires_at));
        }
        let name = format!("{} {}", subject.app_name, subject.version_name);
        let new = NewClientJob {
            kind: JobKind::Publish,
            tenant: operator.tenant,
            subject,
            publication: None,
            name: &name,
            policy: Policy {
                retry_limit: 0,
                attempt_timeout_s: i32::MAX,
                job_timeout_s: latest.map_or(i32::MAX, |latest| self.seconds_until(latest)),
            },
            proof_required: false,
            force: false,
            operator: operator.id,
            created_by: &operator.name,
            organisation: operator.organisation.id,
            trace_context: &trace.to_string(),
        };
        let publication = publications::insert(tx, &new).await?;
        let reached: Vec<_> =
            targets.iter().map(|(target, organisation)| (organisation.id, target.expires_at)).collect();
        audiences::insert_reached(tx, publication, &reached, &operator.name).await?;
        jobs::apply(tx, publication, JobEvent::Start, None).await?;
        jobs::set_released_to(tx, publication, None).await?;
        Ok(publication)
    }

    /// Refuses times that are over.
    pub(super) fn check_times(&self, target: &Target) -> Result<(), ServiceError> {
        let now = self.inner.clock.now();
        if target.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(ServiceError::invalid("expirationTime", "is over"));
        }
        if target.start_at.is_some_and(|start_at| start_at <= now) {
            return Err(ServiceError::invalid("startTime", "is over"));
        }
        if let (Some(start_at), Some(expires_at)) = (target.start_at, target.expires_at)
            && start_at >= expires_at
        {
            return Err(ServiceError::invalid("startTime", "is not before expirationTime"));
        }
        Ok(())
    }

    /// Seconds from now until `time`, one at least.
    pub(super) fn seconds_until(&self, time: DateTime<Utc>) -> i32 {
        let seconds = (time - self.inner.clock.now()).num_seconds();
        i32::try_from(seconds).unwrap_or(i32::MAX).max(1)
    }
}
