//! Watching a job until it has ended.

use std::time::Duration;

use anyhow::{Context, bail};
use drover_domain::{CommandState, JobId};
use drover_service::{JobProgress, Service, ServiceError};
use tokio::time::{Instant, sleep};

/// A job that moves nothing for so long will not.
const STALL_LIMIT: Duration = Duration::from_mins(2);
/// Looks in a row that may fail: the database may be away for a moment.
const FAILURES_MAX: u32 = 10;
/// The pause after a look that failed; it doubles with every further one.
const FAILURE_PAUSE: Duration = Duration::from_millis(200);
/// The longest.
const FAILURE_PAUSE_MAX: Duration = Duration::from_secs(5);

/// A job to watch.
pub(crate) struct Course<'a> {
    /// The use cases.
    pub(crate) service: &'a Service,
    /// The job.
    pub(crate) job: JobId,
    /// Its devices.
    pub(crate) devices: usize,
    /// How often to look.
    pub(crate) look: Duration,
}

impl Course<'_> {
    /// Shows every look, until each device has its outcome.
    pub(crate) async fn until_ended(&self, mut show: impl FnMut(&JobProgress)) -> anyhow::Result<JobProgress> {
        let devices = i64::try_from(self.devices).unwrap_or(i64::MAX);
        let (mut last, mut moved_at) = (JobProgress::default(), Instant::now());
        loop {
            let progress = self.progress().await?;
            show(&progress);
            if progress.ended() >= devices {
                return Ok(progress);
            }
            if progress != last {
                moved_at = Instant::now();
            } else if moved_at.elapsed() > STALL_LIMIT {
                bail!(
                    "job {}: nothing has moved for {STALL_LIMIT:?}; {} of {devices} devices have an outcome",
                    self.job,
                    progress.ended()
                );
            }
            last = progress;
            sleep(self.look).await;
        }
    }

    async fn progress(&self) -> anyhow::Result<JobProgress> {
        let mut failures = 0;
        loop {
            match self.service.job_progress(self.job).await {
                Err(ServiceError::Unavailable(error)) if failures < FAILURES_MAX => {
                    tracing::debug!(%error, "the database cannot be looked at");
                    let whole = FAILURE_PAUSE.saturating_mul(1 << failures).min(FAILURE_PAUSE_MAX);
                    sleep(whole.mul_f64(rand::random_range(0.5..=1.0))).await;
                    failures += 1;
                }
                done => return done.with_context(|| format!("looking at job {}", self.job)),
            }
        }
    }
}

/// What a look at a job shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Glance {
    pub(super) under_way: i64,
    pub(super) ended: u64,
    pub(super) succeeded: i64,
    pub(super) unsuccessful: i64,
    pub(super) per_s: f64,
    pub(super) elapsed: Duration,
}

impl Glance {
    pub(super) fn of(progress: &JobProgress, elapsed: Duration) -> Self {
        let (ended, succeeded) = (progress.ended(), progress.of(CommandState::Succeeded));
        Self {
            under_way: progress.under_way(),
            ended: ended.unsigned_abs(),
            succeeded,
            unsuccessful: ended - succeeded,
            per_s: rate(ended, elapsed),
            elapsed,
        }
    }
}

/// So many in that time, in a second.
pub(super) fn rate(count: i64, elapsed: Duration) -> f64 {
    let seconds = elapsed.as_secs_f64();
    if seconds > 0.0 { f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / seconds } else { 0.0 }
}
