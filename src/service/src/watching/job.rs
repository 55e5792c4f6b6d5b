//! One job, as its page shows it.

use chrono::{DateTime, TimeDelta, Utc};
use drover_domain::{JobId, JobState, StateCounts};
use drover_store::{
    failures::{self, Failures},
    samples::{self, JobSample},
    watching::{
        job::{self, Audience, JobMore, RetryWish},
        jobs::{self, JobSummary},
    },
};

use crate::{Actor, Service, ServiceError};

/// Reasons of failure that are shown by name.
pub(crate) const REASONS_MAX: i64 = 20;
/// Calls that asked for somebody, and wishes to try again, that are shown.
const LINES_MAX: i64 = 20;
/// The pace is that of the time since the newest sample that is older than this.
const PACE_SPAN: TimeDelta = TimeDelta::seconds(15);

/// A job, as its page shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobDetail {
    /// What its list says.
    pub summary: JobSummary,
    /// What more there is to say.
    pub more: JobMore,
    /// Whom it is for: the first calls that said so.
    pub audiences: Vec<Audience>,
    /// Who had it try again, newest first.
    pub retries: Vec<RetryWish>,
    /// Why attempts did not succeed.
    pub failures: Failures,
    /// How it went.
    pub samples: Vec<JobSample>,
    /// How fast it goes.
    pub pace: JobPace,
}

/// How fast a job goes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct JobPace {
    /// Commands that ended, a second, lately; of a job that has ended, all the time. `None`: too early to say.
    pub per_s: Option<f64>,
    /// When it will have ended if it goes on so.
    pub ends_at: Option<DateTime<Utc>>,
}

impl JobPace {
    /// The pace of a job, `now`, when its commands stand at `counts`.
    pub fn of(
        (state, started_at, finished_at): (JobState, Option<DateTime<Utc>>, Option<DateTime<Utc>>),
        counts: &StateCounts,
        samples: &[JobSample],
        now: DateTime<Utc>,
    ) -> Self {
        let Some(started_at) = started_at else { return Self::default() };
        let rate = |ended: i64, span: TimeDelta| {
            #[allow(clippy::cast_precision_loss)] // a figure to look at
            span.to_std().ok().filter(|span| !span.is_zero()).map(|span| ended as f64 / span.as_secs_f64())
        };
        if let Some(finished_at) = finished_at {
            return Self { per_s: rate(counts.ended(), finished_at - started_at), ends_at: None };
        }
        let then = samples.iter().rev().find(|sample| now - sample.at >= PACE_SPAN);
        let (at, ended) = match then {
            Some(sample) => (sample.at, sample.succeeded + sample.failed),
            None if now - started_at >= PACE_SPAN / 5 => (started_at, 0),
            None => return Self::default(),
        };
        let per_s = rate((counts.ended() - ended).max(0), now - at);
        let left = match (state, per_s) {
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // a figure to look at
            (JobState::Running, Some(per_s)) if per_s > 0.0 => Some((counts.open() as f64 / per_s) as i64),
            _ => None,
        };
        // Beyond ten years nobody would believe it.
        let ends_at = left.filter(|left| *left < 10 * 365 * 86_400).map(|left| now + TimeDelta::seconds(left));
        Self { per_s, ends_at }
    }
}

impl Service {
    /// A job within reach, with what its page shows.
    pub async fn job_detail(&self, actor: &Actor, id: JobId) -> Result<JobDetail, ServiceError> {
        let client = self.store().client().await?;
        let gone = || ServiceError::not_found("job", id);
        let summary = jobs::get(&client, &actor.reach, id).await?.ok_or_else(gone)?;
        let more = job::more(&client, &summary).await?.ok_or_else(gone)?;
        let audiences = job::audiences(&client, id, LINES_MAX).await?;
        let retries = job::retries(&client, id, LINES_MAX).await?;
        let failures = failures::of_job(&client, id, REASONS_MAX).await?;
        let samples = samples::of_jobs(&client, &[id.0]).await?.remove(&id).unwrap_or_default();
        let times = (summary.state, summary.started_at, summary.finished_at);
        let pace = JobPace::of(times, &summary.counts, &samples, more.read_at);
        Ok(JobDetail { summary, more, audiences, retries, failures, samples, pace })
    }

    /// A job within reach, as a list shows it.
    pub async fn job_summary(&self, actor: &Actor, id: JobId) -> Result<JobSummary, ServiceError> {
        let client = self.store().client().await?;
        jobs::get(&client, &actor.reach, id).await?.ok_or_else(|| ServiceError::not_found("job", id))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use drover_domain::CommandState as S;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn sample(second: i64, ended: i64) -> JobSample {
        JobSample { at: at(second), planned: 0, queued: 0, under_way: 0, succeeded: ended - 1, failed: 1 }
    }

    fn counts(ended: i64, open: i64) -> StateCounts {
        [(S::Succeeded, ended), (S::Sent, open)].into_iter().collect()
    }

    #[test]
    fn the_pace_is_that_of_the_last_moments() {
        let samples = [sample(10, 100), sample(80, 1000), sample(98, 1100)];
        let running = (JobState::Running, Some(at(0)), None);
        let pace = JobPace::of(running, &counts(1200, 500), &samples, at(100));
        assert_eq!(pace, JobPace { per_s: Some(10.0), ends_at: Some(at(150)) });
        // Held: it goes on some time, nobody knows when.
        let paused = (JobState::Paused, Some(at(0)), None);
        assert_eq!(JobPace::of(paused, &counts(1200, 500), &samples, at(100)).ends_at, None);
        // Nothing ends: no end to be seen.
        let stuck = JobPace::of(running, &counts(1000, 500), &samples, at(100));
        assert_eq!(stuck, JobPace { per_s: Some(0.0), ends_at: None });
    }

    #[test]
    fn a_job_that_just_began_has_no_pace_and_one_that_ended_its_own() {
        let running = (JobState::Running, Some(at(0)), None);
        assert_eq!(JobPace::of(running, &counts(0, 10), &[], at(1)), JobPace::default());
        assert_eq!(JobPace::of(running, &counts(20, 20), &[], at(5)).ends_at, Some(at(10)));
        assert_eq!(JobPace::of((JobState::Scheduled, None, None), &counts(0, 10), &[], at(99)), JobPace::default());
        let ended = (JobState::Completed, Some(at(0)), Some(at(50)));
        assert_eq!(JobPace::of(ended, &counts(100, 0), &[], at(9999)), JobPace { per_s: Some(2.0), ends_at: None });
        let at_once = (JobState::Completed, Some(at(0)), Some(at(0)));
        assert_eq!(JobPace::of(at_once, &counts(100, 0), &[], at(9999)), JobPace::default());
    }
}
