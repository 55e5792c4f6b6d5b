//! The oracle: compares every job's rows with each other.

use drover_domain::{ApplicationId, JobId};
use drover_store::{StoreError, check, check::Violation};

use crate::{Service, ServiceError};

/// Jobs looked at in one step.
const BATCH: i64 = 100;

/// What the oracle found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Jobs looked at.
    pub jobs: usize,
    /// Commands looked at.
    pub devices: i64,
    /// Of those, ended.
    pub terminal: i64,
    /// Of those, under way.
    pub open: i64,
    /// What breaks a rule.
    pub violations: Vec<Violation>,
}

impl Service {
    /// Compares every job's rows with each other, each job at one moment. Work may go on meanwhile.
    pub async fn check(&self) -> Result<CheckReport, ServiceError> {
        let mut report = CheckReport::default();
        self.check_jobs(&mut report).await?;
        self.check_applications(&mut report).await?;
        Ok(report)
    }

    async fn check_jobs(&self, report: &mut CheckReport) -> Result<(), ServiceError> {
        let mut after = JobId(0);
        loop {
            let mut client = self.store().client().await?;
            let jobs = check::jobs(&client, after, BATCH).await?;
            let Some(last) = jobs.last() else { return Ok(()) };
            after = *last;
            for job in jobs {
                let snapshot = client
                    .build_transaction()
                    .read_only(true)
                    .isolation_level(drover_store::IsolationLevel::RepeatableRead);
                let tx = snapshot.start().await.map_err(StoreError::from)?;
                let totals = check::totals(&tx, job).await?;
                report.jobs += 1;
                report.devices += totals.devices;
                report.terminal += totals.terminal;
                report.open += totals.open;
                report.violations.extend(check::job(&tx, job).await?);
                tx.commit().await.map_err(StoreError::from)?;
            }
        }
    }

    async fn check_applications(&self, report: &mut CheckReport) -> Result<(), ServiceError> {
        let mut after = ApplicationId(0);
        loop {
            let mut client = self.store().client().await?;
            let applications = check::applications(&client, after, BATCH).await?;
            let Some((last, _)) = applications.last() else { return Ok(()) };
            after = *last;
            for (application, newest) in applications {
                let snapshot = client
                    .build_transaction()
                    .read_only(true)
                    .isolation_level(drover_store::IsolationLevel::RepeatableRead);
                let tx = snapshot.start().await.map_err(StoreError::from)?;
                report.violations.extend(check::application(&tx, application, newest).await?);
                tx.commit().await.map_err(StoreError::from)?;
            }
        }
    }
}
