//! The oracle: compares every job's rows with each other.

use drover_domain::JobId;
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
        let (mut report, mut after) = (CheckReport::default(), JobId(0));
        loop {
            let mut client = self.store().client().await?;
            let jobs = check::jobs(&client, after, BATCH).await?;
            let Some(last) = jobs.last() else { return Ok(report) };
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
}
