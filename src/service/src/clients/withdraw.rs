//! What is offered is taken back: a distribution, a publication with what rests on it, a version everywhere. What no device has
//! yet is stopped; what is under way goes on.

use drover_domain::{ClientVersionId, JobEvent, JobId, JobKind, JobState};
use drover_store::{
    StoreError, Tx,
    clients::publications::{self, ClientJob},
    jobs,
};

use super::subject;
use crate::{Operator, Service, ServiceError};

impl Service {
    /// Cancels a distribution. To do so again is no error.
    pub async fn cancel_distribution(&self, operator: &Operator, id: JobId) -> Result<(), ServiceError> {
        operator.require_write()?;
        self.store().retrying("cancel_distribution", || self.cancel_distribution_once(operator, id)).await
    }

    async fn cancel_distribution_once(&self, operator: &Operator, id: JobId) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let found = publications::lock(&tx, operator.tenant, JobKind::Distribute, id).await?;
        let found = found.filter(|job| job.reached.iter().all(|(target, _)| operator.reaches(&target.path)));
        let found = found.ok_or_else(|| ServiceError::not_found("distribution", id))?;
        if has_ended(&found)? {
            return Ok(());
        }
        self.stop(&tx, &[id]).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(job = %id, by = operator.login_id, "distribution cancelled");
        Ok(())
    }

    /// Cancels a publication and the distributions that rest on it. To do so again is no error.
    pub async fn cancel_publication(&self, operator: &Operator, id: JobId) -> Result<(), ServiceError> {
        operator.require_write()?;
        self.store().retrying("cancel_publication", || self.cancel_publication_once(operator, id)).await
    }

    async fn cancel_publication_once(&self, operator: &Operator, id: JobId) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let found = self.lock_publication(&tx, operator, id).await?;
        if !found.reached.iter().all(|(target, _)| operator.reaches(&target.path)) {
            let reason = format!("publication {id} reaches beyond this operator's organisation");
            return Err(ServiceError::Forbidden { reason });
        }
        if has_ended(&found)? {
            return Ok(());
        }
        let mut stopped = publications::lock_open(&tx, found.version, Some(id)).await?;
        stopped.push(id);
        self.stop(&tx, &stopped).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(job = %id, by = operator.login_id, distributions = stopped.len() - 1, "publication cancelled");
        Ok(())
    }

    /// Withdraws a version everywhere and for good. To do so again is no error.
    pub async fn obsolete_version(&self, operator: &Operator, version: ClientVersionId) -> Result<(), ServiceError> {
        operator.require_write()?;
        self.store().retrying("obsolete_version", || self.obsolete_once(operator, version)).await
    }

    async fn obsolete_once(&self, operator: &Operator, version: ClientVersionId) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let subject = subject::visible(&tx, operator, version, true).await?;
        operator.require_reach(&subject.owner)?;
        if subject.is_void {
            return Ok(());
        }
        publications::make_void(&tx, version).await?;
        let stopped = publications::lock_open(&tx, version, None).await?;
        self.stop(&tx, &stopped).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(%version, by = operator.login_id, jobs = stopped.len(), "version withdrawn");
        Ok(())
    }

    /// Stops jobs that the caller has locked; planners end what is left of their commands.
    async fn stop(&self, tx: &Tx<'_>, ids: &[JobId]) -> Result<(), StoreError> {
        for id in ids {
            jobs::apply(tx, *id, JobEvent::Cancel, None).await?;
        }
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        for job in jobs::rules(tx, &ids).await?.into_iter().filter(|job| job.kind == JobKind::Distribute) {
            self.call_planner_for(tx, &job).await?;
        }
        Ok(())
    }
}

/// Whether a job was cancelled before; one that ended by itself cannot be.
fn has_ended(job: &ClientJob) -> Result<bool, ServiceError> {
    match job.state {
        state if state.is_stopped() => Ok(true),
        JobState::Completed => Err(ServiceError::conflict(format!("{} has ended", job.id))),
        _ => Ok(false),
    }
}
