//! A reading of what is going on, and what of it somebody may see.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use drover_domain::{CommandState, JobId, JobState, StateCounts, TenantId, alarm::Alarm};
use drover_store::{
    failures::Failures,
    people::reach::Reach,
    samples::JobSample,
    watching::live::{LiveJob, LivePace, LiveQueue, LiveWorker},
};
use tokio::time::Instant;

/// A reading of what is going on.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Which reading it is, from 1; 0: there was none yet.
    pub number: u64,
    /// When it was, by the database's clock; `None`: there was none yet.
    pub at: Option<DateTime<Utc>>,
    /// Whether the database did not answer since: the rest is from before.
    pub is_old: bool,
    /// Whether there are more jobs going on than are read: the newest are here, and sums are of these.
    pub is_cut: bool,
    /// The queues.
    pub queues: Vec<LiveQueue>,
    /// The processes that gave word in the last hour.
    pub workers: Vec<LiveWorker>,
    /// Messages on their way to the broker, and the age of the oldest in seconds.
    pub outbox: (i64, f64),
    pub(super) jobs: Vec<JobNow>,
    pub(super) alarms: Vec<Alarm>,
    pub(super) pace: Arc<BTreeMap<TenantId, Vec<LivePace>>>,
    pub(super) watched: BTreeMap<JobId, Watched>,
    pub(super) taken: Option<Instant>,
}

/// A job, and how it moves.
#[derive(Debug, Clone, PartialEq)]
pub struct JobNow {
    /// The job.
    pub job: LiveJob,
    /// Commands that go out, a second.
    pub sent_per_s: f64,
    /// Commands that end, a second.
    pub finished_per_s: f64,
    /// How commands ended in the last minute.
    pub ended_lately: StateCounts,
    /// For how long, at least, nothing has moved.
    pub still: Duration,
}

/// What is read of a job whose page somebody looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched {
    /// Why attempts did not succeed, the most frequent reasons first.
    pub failures: Failures,
    /// How it went, in the order of time; some seconds old.
    pub samples: Arc<Vec<JobSample>>,
}

/// Sums over the jobs that somebody may see.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Jobs that have not ended, by state.
    pub jobs: BTreeMap<JobState, usize>,
    /// Their commands by state, and those of jobs that ended in the last minute.
    pub counts: StateCounts,
    /// Commands that go out, a second.
    pub sent_per_s: f64,
    /// Commands that end, a second.
    pub finished_per_s: f64,
    /// How commands ended in the last minute.
    pub ended_lately: StateCounts,
    /// The running job that was started first of those that have commands no channel has taken.
    pub oldest_waiting: Option<WaitingLongest>,
}

/// A job that has commands no channel has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingLongest {
    /// The job.
    pub job: JobId,
    /// Its name.
    pub name: String,
    /// When it was started.
    pub since: DateTime<Utc>,
    /// How many commands wait.
    pub waiting: i64,
}

impl Snapshot {
    /// The jobs that have not ended or did lately, the newest first.
    pub fn jobs<'a>(&'a self, reach: &'a Reach) -> impl Iterator<Item = &'a JobNow> {
        self.jobs.iter().rev().filter(|now| is_within(reach, now))
    }

    /// A job that has not ended, did lately, or is looked at.
    pub fn job(&self, reach: &Reach, job: JobId) -> Option<&JobNow> {
        let place = self.jobs.binary_search_by_key(&job, |now| now.job.id).ok()?;
        self.jobs.get(place).filter(|now| is_within(reach, now))
    }

    /// More about a job that is looked at.
    pub fn watched(&self, reach: &Reach, job: JobId) -> Option<&Watched> {
        self.job(reach, job)?;
        self.watched.get(&job)
    }

    /// Sums over what is within reach.
    pub fn figures(&self, reach: &Reach) -> Figures {
        let mut figures = Figures::default();
        for now in self.jobs(reach) {
            let job = &now.job;
            figures.sent_per_s += now.sent_per_s;
            figures.finished_per_s += now.finished_per_s;
            figures.ended_lately.add_all(&now.ended_lately);
            // A job that ended and is merely looked at is no part of what is going on.
            if job.state.is_terminal() && job.counts.open() == 0 && now.ended_lately.total() == 0 {
                continue;
            }
            figures.counts.add_all(&job.counts);
            if !job.state.is_terminal() {
                *figures.jobs.entry(job.state).or_default() += 1;
            }
            if let (JobState::Running, Some(since), waiting @ 1..) =
                (job.state, job.started_at, job.counts.of(CommandState::Queued))
                && figures.oldest_waiting.as_ref().is_none_or(|oldest| since < oldest.since)
            {
                figures.oldest_waiting = Some(WaitingLongest { job: job.id, name: job.name.clone(), since, waiting });
            }
        }
        figures
    }

    /// What must be looked at: of the installation for those who run it, of jobs for those who see them.
    pub fn alarms<'a>(&'a self, reach: &'a Reach) -> impl Iterator<Item = &'a Alarm> {
        self.alarms.iter().filter(move |alarm| match alarm.job() {
            Some(job) => self.job(reach, job).is_some(),
            None => *reach == Reach::Installation || **alarm == Alarm::DatabaseAway,
        })
    }

    /// How fast commands went out and ended in the last hour: of the tenant, or of all together. Nothing for those who see a
    /// part of a tenant: it is kept for the whole.
    pub fn pace(&self, reach: &Reach) -> Vec<LivePace> {
        match reach {
            Reach::Installation => {
                let mut all: BTreeMap<DateTime<Utc>, LivePace> = BTreeMap::new();
                for pace in self.pace.values().flatten() {
                    let sum = all.entry(pace.at).or_insert(LivePace {
                        at: pace.at,
                        sent_per_s: 0.0,
                        finished_per_s: 0.0,
                        open: 0,
                    });
                    sum.sent_per_s += pace.sent_per_s;
                    sum.finished_per_s += pace.finished_per_s;
                    sum.open += pace.open;
                }
                all.into_values().collect()
            }
            Reach::Part(scope) if reach.has_root() => self.pace.get(&scope.tenant).cloned().unwrap_or_default(),
            Reach::Part(_) => Vec::new(),
        }
    }

    pub(super) fn is_younger_than(&self, age: Duration) -> bool {
        self.taken.is_some_and(|taken| taken.elapsed() < age)
    }
}

fn is_within(reach: &Reach, now: &JobNow) -> bool {
    reach.has(now.job.tenant, now.job.path.as_ref())
}
