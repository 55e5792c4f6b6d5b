//! A version is distributed: the devices of organisations are given it. What rests on no publication is not.

use drover_domain::{ClientVersionId, JobEvent, JobId, JobKind, JobState, Policy};
use drover_messages::{PlanJob, TraceContext};
use drover_store::{
    StoreError, Tx, audiences,
    audiences::Audience,
    clients::{
        publications::{self, ClientJob, Coverage, NewClientJob, Subject},
        targets::TargetOrganisation,
    },
    jobs,
};

use super::{
    PublishRequest, Target,
    subject::{self, Named},
};
use crate::{Operator, Service, ServiceError, jobs::seconds};

/// Automatic tries of a distribution that says nothing about them.
const DEFAULT_RETRIES: i16 = 3;

impl Service {
    /// Distributes a published version to organisations: a job for each. The call takes as long for one device as for a million:
    /// who gets it is planned afterwards.
    pub async fn distribute_version(
        &self,
        operator: &Operator,
        version: ClientVersionId,
        request: PublishRequest,
        trace: TraceContext,
    ) -> Result<Vec<JobId>, ServiceError> {
        operator.require_write()?;
        let distribute = || self.distribute_once(operator, version, &request, trace);
        self.store().retrying("distribute_version", distribute).await
    }

    async fn distribute_once(
        &self,
        operator: &Operator,
        version: ClientVersionId,
        request: &PublishRequest,
        trace: TraceContext,
    ) -> Result<Vec<JobId>, ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let subject = subject::offerable(&tx, operator, version).await?;
        let targets = subject::targets(&tx, operator, &subject, &request.targets).await?;
        let mut made = Vec::with_capacity(targets.len());
        for (target, organisation) in subject::apart(&targets)? {
            let Some(coverage) = publications::lock_coverage(&tx, version, &organisation.path).await? else {
                let reason =
                    format!("version {version} is not published to {}: publish it there first", organisation.code);
                return Err(ServiceError::conflict(reason));
            };
            let how = (request.force, trace);
            made.push(self.distribute(&tx, operator, &subject, (target, organisation), &coverage, how).await?);
        }
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(%version, by = operator.login_id, targets = made.len(), trace_id = trace.trace_id(), "version distributed");
        Ok(made)
    }

    /// Distributes a publication to everything that it reaches within the operator's own reach: now, until it ends there.
    pub async fn distribute_publication(
        &self,
        operator: &Operator,
        publication: JobId,
        force: bool,
        trace: TraceContext,
    ) -> Result<Vec<JobId>, ServiceError> {
        operator.require_write()?;
        let distribute = || self.distribute_publication_once(operator, publication, force, trace);
        self.store().retrying("distribute_publication", distribute).await
    }

    async fn distribute_publication_once(
        &self,
        operator: &Operator,
        publication: JobId,
        force: bool,
        trace: TraceContext,
    ) -> Result<Vec<JobId>, ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let found = self.lock_publication(&tx, operator, publication).await?;
        if found.state != JobState::Running {
            return Err(ServiceError::conflict(format!("publication {publication} is {}", found.state.as_str())));
        }
        let subject = subject::offerable(&tx, operator, found.version).await?;
        let now = self.inner.clock.now();
        let still = |target: &Target| target.expires_at.is_none_or(|expires_at| expires_at > now);
        let reached: Vec<(Target, TargetOrganisation)> =
            within_reach(operator, &found).into_iter().filter(|(target, _)| still(target)).collect();
        let targets: Vec<Named<'_>> =
            reached.iter().map(|(target, organisation)| (target, organisation.clone())).collect();
        let mut made = Vec::with_capacity(targets.len());
        for (target, organisation) in subject::outermost(&targets) {
            let coverage = Coverage { publication, expires_at: target.expires_at };
            made.push(
                self.distribute(&tx, operator, &subject, (target, organisation), &coverage, (force, trace)).await?,
            );
        }
        if made.is_empty() {
            return Err(ServiceError::conflict(format!("publication {publication} reaches nobody any more")));
        }
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(job = %publication, by = operator.login_id, targets = made.len(), trace_id = trace.trace_id(), "publication distributed");
        Ok(made)
    }

    /// Makes the distribution to one organisation, and starts it now or at its time.
    pub(super) async fn distribute(
        &self,
        tx: &Tx<'_>,
        operator: &Operator,
        subject: &Subject,
        (target, organisation): (&Target, &TargetOrganisation),
        coverage: &Coverage,
        (force, trace): (bool, TraceContext),
    ) -> Result<JobId, ServiceError> {
        self.check_times(target)?;
        let retry_limit = target.retry_limit.unwrap_or(DEFAULT_RETRIES);
        if !(0..=DEFAULT_RETRIES).contains(&retry_limit) {
            return Err(ServiceError::invalid("retryTimes", format!("is from 0 to {DEFAULT_RETRIES}")));
        }
        // The clock of a job starts with it.
        let from = target.start_at.unwrap_or_else(|| self.inner.clock.now());
        let ends = [target.expires_at, coverage.expires_at].into_iter().flatten().min();
        let lasts_s = ends.map(|ends| i32::try_from((ends - from).num_seconds()).unwrap_or(i32::MAX));
        if lasts_s.is_some_and(|lasts_s| lasts_s <= 0) {
            return Err(ServiceError::invalid("startTime", "is after the publication's end"));
        }
        let longest_s = seconds(self.options().job_timeout);
        let name = format!("{} {} → {}", subject.app_name, subject.version_name, organisation.name);
        let trace_context = trace.to_string();
        let new = NewClientJob {
            kind: JobKind::Distribute,
            tenant: operator.tenant,
            subject,
            publication: Some(coverage.publication),
            name: &name,
            policy: Policy {
                retry_limit,
                attempt_timeout_s: seconds(self.options().attempt_timeout),
                job_timeout_s: lasts_s.unwrap_or(longest_s),
            },
            proof_required: target.proof_required,
            force,
            operator: operator.id,
            created_by: &operator.name,
            organisation: operator.organisation.id,
            trace_context: &trace_context,
        };
        let job = publications::insert(tx, &new).await?;
        audiences::insert(tx, job, &Audience::Organisation(organisation.id), &operator.name).await?;
        if target.start_at.is_some() {
            jobs::apply(tx, job, JobEvent::Schedule, target.start_at).await?;
        } else {
            jobs::apply(tx, job, JobEvent::Start, None).await?;
            jobs::set_plan_due(tx, job, Some(self.plan_lease())).await?;
            self.post_plan(tx, JobKind::Distribute, &PlanJob { job_id: job.0 }, &trace_context).await?;
        }
        metrics::counter!("drover_jobs_created_total", "kind" => JobKind::Distribute.as_str()).increment(1);
        Ok(job)
    }

    /// A publication that reaches something within the operator's reach, or all of it; locked.
    pub(super) async fn lock_publication(
        &self,
        tx: &Tx<'_>,
        operator: &Operator,
        id: JobId,
    ) -> Result<ClientJob, ServiceError> {
        let found = publications::lock(tx, operator.tenant, JobKind::Publish, id).await?;
        let is_seen = |publication: &ClientJob| publication.reached.iter().any(|(at, _)| operator.sees(&at.path));
        found.filter(is_seen).ok_or_else(|| ServiceError::not_found("publication", id))
    }
}

/// What a publication reaches within an operator's reach: organisations below it, or its own when all of it is reached.
fn within_reach(operator: &Operator, publication: &ClientJob) -> Vec<(Target, TargetOrganisation)> {
    let target = |organisation: TargetOrganisation, expires_at| {
        let organisation_code = organisation.code.clone();
        let target = Target {
            organisation_code,
            expires_at,
            start_at: None,
            retry_limit: None,
            proof_required: false,
            os: None,
        };
        (target, organisation)
    };
    let own = &operator.organisation;
    let reached = publication.reached.iter().filter_map(|(organisation, expires_at)| {
        if operator.reaches(&organisation.path) {
            Some(target(organisation.clone(), *expires_at))
        } else if organisation.path.contains(&own.path) {
            let (code, name, path) = (own.code.clone(), own.name.clone(), own.path.clone());
            Some(target(TargetOrganisation { id: own.id, code, name, path }, *expires_at))
        } else {
            None
        }
    });
    reached.collect()
}
