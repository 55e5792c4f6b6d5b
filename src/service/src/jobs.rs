//! Jobs: they come to be, change, start and go. Below are what becomes of them: commands are planned, handed out, reported on,
//! cancelled and tried again.

pub(crate) mod applying;
pub(crate) mod audience;
pub(crate) mod cancel;
pub(crate) mod check;
pub(crate) mod chosen;
pub(crate) mod dispatching;
pub(crate) mod evidence;
pub(crate) mod finishing;
pub(crate) mod inbox;
pub(crate) mod lists;
pub(crate) mod moved;
pub(crate) mod order;
pub(crate) mod outbox;
pub(crate) mod planning;
pub(crate) mod progress;
pub(crate) mod proof;
pub(crate) mod recording;
pub(crate) mod recovery;
pub(crate) mod retry;
pub(crate) mod timekeeping;
pub(crate) mod traced;

use chrono::{DateTime, Utc};
use drover_domain::{FirmwareId, JobEvent, JobId, JobKind, JobState, Policy};
use drover_messages::TraceContext;
use drover_store::{StoreError, Tx, audiences, firmwares, jobs, jobs::JobChange};

use crate::{FirmwareJob, Page, Paged, Product, Service, ServiceError, enrolment::check_text};

/// A firmware job to be made.
#[derive(Debug, Clone)]
pub struct NewFirmwareJob {
    /// What it brings.
    pub firmware: FirmwareId,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Who makes it.
    pub created_by: String,
    /// Automatic tries after the first; none when absent.
    pub retry_limit: Option<i16>,
    /// How long a device may take for one attempt, in seconds; the installation's default when absent.
    pub attempt_timeout_s: Option<i32>,
    /// How long the whole job may take from its start, in seconds: when that is over, what never reached a device has timed
    /// out. The installation's default when absent.
    pub job_timeout_s: Option<i32>,
}

pub(crate) fn seconds(duration: std::time::Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

impl Service {
    /// Makes a draft of a firmware job.
    pub async fn create_firmware_job(
        &self,
        product: &Product,
        new: NewFirmwareJob,
        trace: TraceContext,
    ) -> Result<FirmwareJob, ServiceError> {
        check_text("name", &new.name)?;
        check_text("created_by", &new.created_by)?;
        let policy = Policy {
            retry_limit: new.retry_limit.unwrap_or(0),
            attempt_timeout_s: new.attempt_timeout_s.unwrap_or_else(|| seconds(self.options().attempt_timeout)),
            job_timeout_s: new.job_timeout_s.unwrap_or_else(|| seconds(self.options().job_timeout)),
        };
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let firmware = firmwares::get(&tx, product.id, new.firmware).await?;
        let firmware = firmware.ok_or_else(|| ServiceError::not_found("firmware", new.firmware))?;
        let row = jobs::NewJob {
            kind: JobKind::Firmware,
            name: &new.name,
            description: &new.description,
            policy,
            created_by: &new.created_by,
            trace_context: &trace.to_string(),
        };
        let id = jobs::insert(&tx, product, &firmware, &row).await?;
        let job = jobs::get(&tx, product.id, id).await?.ok_or_else(|| ServiceError::not_found("job", id))?;
        tx.commit().await.map_err(StoreError::from)?;
        metrics::counter!("drover_jobs_created_total", "kind" => job.kind.as_str()).increment(1);
        tracing::info!(job = %id, trace_id = trace.trace_id(), "job created");
        Ok(job)
    }

    /// A product's job.
    pub async fn job(&self, product: &Product, id: JobId) -> Result<FirmwareJob, ServiceError> {
        let found = jobs::get(&self.store().client().await?, product.id, id).await?;
        found.ok_or_else(|| ServiceError::not_found("job", id))
    }

    /// One page of a product's jobs, newest first, whose name contains `search`.
    pub async fn jobs(
        &self,
        product: &Product,
        search: Option<&str>,
        page: Page,
    ) -> Result<Paged<FirmwareJob>, ServiceError> {
        Ok(jobs::page(&self.store().client().await?, product.id, search, page).await?)
    }

    /// Changes a job that has not started.
    pub async fn change_job(&self, product: &Product, id: JobId, change: JobChange) -> Result<(), ServiceError> {
        for (field, text) in [("name", &change.name), ("updated_by", &change.updated_by)] {
            check_text(field, text.as_deref().unwrap_or_default())?;
        }
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let job = self.lock_job(&tx, product, id).await?;
        if !job.state.is_unstarted() {
            return Err(ServiceError::conflict(format!("job {id} has started and can no longer be changed")));
        }
        jobs::update(&tx, id, &change).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(job = %id, by = change.updated_by.as_deref().unwrap_or_default(), "job changed");
        Ok(())
    }

    /// Hides a job that is not under way. Its rows stay as evidence.
    pub async fn delete_job(&self, product: &Product, id: JobId, updated_by: Option<&str>) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let job = self.lock_job(&tx, product, id).await?;
        if matches!(job.state, JobState::Running | JobState::Paused) {
            return Err(ServiceError::conflict(format!("job {id} is under way and cannot be deleted")));
        }
        // A hidden job must not start by itself, nor keep its devices from others. The planner ends its commands.
        if jobs::apply(&tx, id, JobEvent::Cancel, None).await? {
            self.call_planner(&tx, &job).await?;
        }
        jobs::delete(&tx, id, updated_by).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(job = %id, by = updated_by.unwrap_or_default(), "job deleted");
        Ok(())
    }

    /// Starts a job, now or at a time.
    pub async fn start_job(&self, product: &Product, id: JobId, at: Option<DateTime<Utc>>) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let job = self.lock_job(&tx, product, id).await?;
        let event = if at.is_some() { JobEvent::Schedule } else { JobEvent::Start };
        if job.state.after(event).is_none() {
            return Err(ServiceError::conflict(format!("job {id} is {} and cannot be started", job.state.as_str())));
        }
        if !audiences::exists(&tx, id).await? {
            return Err(ServiceError::conflict(format!("no device has joined job {id}")));
        }
        jobs::apply(&tx, id, event, at).await?;
        if event == JobEvent::Start {
            self.call_planner(&tx, &job).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(job = %id, ?at, "job started");
        Ok(())
    }

    /// A product's job, locked against every other change of it.
    pub(crate) async fn lock_job(
        &self,
        tx: &Tx<'_>,
        product: &Product,
        id: JobId,
    ) -> Result<FirmwareJob, ServiceError> {
        jobs::lock(tx, product.id, id).await?.ok_or_else(|| ServiceError::not_found("job", id))
    }
}
