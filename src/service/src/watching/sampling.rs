//! How jobs go and how fast commands move, kept by the timekeeper so that pages can show what was.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use drover_domain::{JobId, TenantId};
use drover_store::{
    StoreError,
    samples::{self, JobReading, Pace},
};

use crate::{Service, ServiceError};

/// Jobs of which samples are taken in one transaction.
const JOBS_MAX: i64 = 500;
/// Jobs whose commands are read for the pace of their tenants.
const READINGS_MAX: i64 = 5000;
/// Between two samples of the pace, whoever takes them.
const PACE_STEP: Duration = Duration::from_millis(4500);
/// A reading that is older says nothing about the pace now.
const READING_AGE_MAX: TimeDelta = TimeDelta::seconds(60);
/// How long the pace is kept.
const PACE_RETENTION: Duration = Duration::from_hours(24);
/// Samples forgotten in one statement.
const SWEEP_BATCH: i64 = 5000;

/// Where the commands of jobs stood when a sampler looked last.
#[derive(Debug, Clone)]
pub struct PaceReading {
    read_at: DateTime<Utc>,
    jobs: HashMap<JobId, Moved>,
}

/// How far a job's commands had come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Moved {
    /// Handed over, whatever became of them.
    sent: i64,
    ended: i64,
}

impl Moved {
    fn of(reading: &JobReading) -> Self {
        Self { sent: reading.counts.total() - reading.counts.waiting(), ended: reading.counts.ended() }
    }
}

impl Service {
    /// Takes a sample of every job whose turn has come, one process at a time. Returns how many.
    pub async fn sample_jobs(&self) -> Result<u64, ServiceError> {
        Ok(self.store().retrying("sample_jobs", || self.sample_jobs_once()).await?)
    }

    async fn sample_jobs_once(&self) -> Result<u64, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        if !samples::take_turn(&tx).await? {
            return Ok(0);
        }
        let taken = samples::take(&tx, JOBS_MAX).await?;
        tx.commit().await?;
        Ok(taken)
    }

    /// Keeps how fast every tenant's commands have moved since `before`, the sampler's own last reading, unless another one
    /// just did. Returns the reading to compare the next one with.
    pub async fn sample_pace(&self, before: Option<&PaceReading>) -> Result<Option<PaceReading>, ServiceError> {
        Ok(self.store().retrying("sample_pace", || self.sample_pace_once(before)).await?)
    }

    async fn sample_pace_once(&self, before: Option<&PaceReading>) -> Result<Option<PaceReading>, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let (read_at, readings) = samples::readings(&tx, READINGS_MAX).await?;
        if readings.is_empty() {
            return Ok(None);
        }
        let kept = before.filter(|before| read_at - before.read_at <= READING_AGE_MAX);
        if let Some(before) = kept
            && samples::take_turn(&tx).await?
            && !samples::is_pace_known(&tx, PACE_STEP).await?
        {
            samples::insert_pace(&tx, &pace(before, read_at, &readings)).await?;
            tx.commit().await?;
        }
        let jobs = readings.iter().map(|reading| (reading.job, Moved::of(reading))).collect();
        Ok(Some(PaceReading { read_at, jobs }))
    }

    /// Forgets some of the pace of more than a day ago. Returns whether there may be more.
    pub async fn forget_old_pace(&self) -> Result<bool, ServiceError> {
        let gone = samples::forget_pace(&self.store().client().await?, PACE_RETENTION, SWEEP_BATCH).await?;
        Ok(i64::try_from(gone) == Ok(SWEEP_BATCH))
    }
}

/// How fast commands moved between two readings. A job that was not there before counts from its start, if that was since; a
/// command that is tried again goes out again, which the tallies do not tell, so nothing is less than 0.
fn pace(before: &PaceReading, read_at: DateTime<Utc>, readings: &[JobReading]) -> Vec<Pace> {
    let mut of_tenants: BTreeMap<TenantId, (Moved, i64)> = BTreeMap::new();
    for reading in readings {
        let now = Moved::of(reading);
        let is_new = reading.started_at >= before.read_at;
        let then = before.jobs.get(&reading.job).copied().unwrap_or(if is_new { Moved::default() } else { now });
        let (moved, open) = of_tenants.entry(reading.tenant).or_default();
        moved.sent += (now.sent - then.sent).max(0);
        moved.ended += (now.ended - then.ended).max(0);
        *open += reading.counts.open();
    }
    let seconds = (read_at - before.read_at).to_std().unwrap_or_default().as_secs_f64().max(0.001);
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // a figure to look at
    let rate = |count: i64| (count as f64 / seconds) as f32;
    let pace = |(tenant, (moved, open)): (TenantId, (Moved, i64))| Pace {
        tenant,
        sent_per_s: rate(moved.sent),
        finished_per_s: rate(moved.ended),
        open,
    };
    of_tenants.into_iter().map(pace).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use drover_domain::{CommandState as S, StateCounts};

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn reading(job: i64, tenant: i64, started_at: i64, counts: &[(S, i64)]) -> JobReading {
        let counts: StateCounts = counts.iter().copied().collect();
        JobReading { job: JobId(job), tenant: TenantId(tenant), started_at: at(started_at), counts }
    }

    fn before(second: i64, readings: &[JobReading]) -> PaceReading {
        PaceReading { read_at: at(second), jobs: readings.iter().map(|r| (r.job, Moved::of(r))).collect() }
    }

    #[test]
    fn what_left_and_what_ended_between_two_readings_counts() {
        let then = before(100, &[reading(1, 7, 0, &[(S::Queued, 90), (S::Sent, 10)])]);
        let now = [
            reading(1, 7, 0, &[(S::Queued, 40), (S::Sent, 40), (S::Succeeded, 15), (S::Failed, 5)]),
            // Began since: all of it counts.
            reading(2, 7, 101, &[(S::Planned, 5), (S::Downloading, 10)]),
            // Was there and not looked at: nothing can be said.
            reading(3, 8, 50, &[(S::Succeeded, 1000)]),
        ];
        let of = |tenant, sent_per_s, finished_per_s, open| Pace {
            tenant: TenantId(tenant),
            sent_per_s,
            finished_per_s,
            open,
        };
        assert_eq!(pace(&then, at(105), &now), [of(7, 12.0, 4.0, 95), of(8, 0.0, 0.0, 0)]);
    }

    #[test]
    fn commands_that_are_tried_again_take_nothing_away() {
        let then = before(0, &[reading(1, 7, 0, &[(S::Failed, 50), (S::Sent, 10)])]);
        let now = [reading(1, 7, 0, &[(S::Queued, 50), (S::Succeeded, 10)])];
        assert!(pace(&then, at(10), &now)[0].sent_per_s.abs() < f32::EPSILON);
        assert!(pace(&then, at(10), &now)[0].finished_per_s.abs() < f32::EPSILON);
    }
}
