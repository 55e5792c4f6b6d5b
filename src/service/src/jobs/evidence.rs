//! Evidence: reports that moved nothing, for whoever wonders what a device did. Some of it is kept, for a while.

use std::collections::{BTreeMap, HashMap};

use drover_domain::JobId;
use drover_store::{
    StoreError, Tx,
    reports::{self, Pile, UnappliedReport},
};

use crate::{Service, ServiceError};

/// Reports forgotten in one statement.
const BATCH: i64 = 1000;
/// Reports kept of one attempt of one command. A device that says the same for ever must not fill the table, and the
/// first hundred tell as much as a million.
const PILE_MAX: i64 = 100;

/// Keeps evidence, unless there is enough of its kind. Returns how many reports were not kept. Transactions that run at
/// the same time do not see each other, so a pile may come out a little higher.
pub(crate) async fn keep(tx: &Tx<'_>, evidence: Vec<UnappliedReport<'_>>) -> Result<u64, StoreError> {
    let mut by_job: BTreeMap<JobId, Vec<UnappliedReport<'_>>> = BTreeMap::new();
    for report in evidence {
        by_job.entry(report.command.job).or_default().push(report);
    }
    let mut dropped = 0;
    for (job, mut reports) in by_job {
        let mut devices: Vec<i64> = reports.iter().map(|report| report.command.device.0).collect();
        devices.sort_unstable();
        devices.dedup();
        let mut piles: HashMap<Pile, i64> = reports::piles(tx, job, &devices).await?.into_iter().collect();
        let offered = reports.len();
        reports.retain(|report| {
            let height = piles.entry(report.pile()).or_default();
            *height += 1;
            *height <= PILE_MAX
        });
        dropped += (offered - reports.len()) as u64;
        reports::insert_unapplied(tx, &reports).await?;
    }
    Ok(dropped)
}

impl Service {
    /// Forgets a batch of the evidence that is too old, from the report behind `after` on; 0 is the beginning. Returns
    /// where to go on, when there may be more.
    pub async fn forget_old_evidence(&self, after: i64) -> Result<Option<i64>, ServiceError> {
        let Some(age) = self.options().evidence_retention else { return Ok(None) };
        let (gone, next) = reports::forget_unapplied(&self.store().client().await?, age, after, BATCH).await?;
        metrics::counter!("drover_evidence_forgotten_total").increment(gone);
        Ok(next)
    }
}
