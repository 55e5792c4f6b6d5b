//! The loop that reads, as long as anybody looks.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use drover_domain::{
    JobId, JobState, TenantId,
    alarm::{self, JobView, QueueView, Signs, WorkerView},
};
use drover_store::{
    StoreError,
    failures::{self, Failures},
    samples::{self, JobSample},
    watching::live::{self, LiveJob, LivePace, LiveQueue, LiveWorker},
};
use tokio::time::{Instant, sleep, timeout};

use crate::watching::job::REASONS_MAX;

use super::{
    AGGREGATIONS, DURATION, Shared,
    course::Motion,
    snapshot::{JobNow, Snapshot, Watched},
};

/// How long a reading may take.
const LIMIT: Duration = Duration::from_secs(5);
/// The longest pause after readings that failed.
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// A pause is at least this many times as long as the reading before it: what looking costs stays a small part of what there
/// is, however many jobs are going on.
const PAUSE_SHARE: u32 = 10;
/// What changes slowly is read once in so many rounds.
const SLOW_ROUNDS: u64 = 10;

/// What is read in a round.
struct Found {
    at: chrono::DateTime<chrono::Utc>,
    jobs: Vec<LiveJob>,
    queues: Vec<LiveQueue>,
    workers: Vec<LiveWorker>,
    outbox: (i64, f64),
    failures: BTreeMap<JobId, Failures>,
}

/// What changes slowly, as it was read last.
#[derive(Default)]
struct Slow {
    pace: Arc<BTreeMap<TenantId, Vec<LivePace>>>,
    samples: BTreeMap<JobId, Arc<Vec<JobSample>>>,
}

/// Reads until nobody looks any more.
pub(super) async fn run(shared: Arc<Shared>) {
    let (mut slow, mut failures) = (Slow::default(), 0_u32);
    for round in 0.. {
        let began = Instant::now();
        let read = timeout(LIMIT, read(&shared, round, &mut slow)).await;
        let took = began.elapsed();
        let problem = match read {
            Ok(Ok(found)) => {
                publish(&shared, found, &slow);
                None
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {} s", LIMIT.as_secs())),
        };
        let result = if problem.is_none() { "ok" } else { "failed" };
        metrics::counter!(AGGREGATIONS, "result" => result).increment(1);
        metrics::histogram!(DURATION).record(took.as_secs_f64());
        let pause = match problem {
            None => {
                if failures > 0 {
                    tracing::info!("dashboards show what is going on again");
                }
                failures = 0;
                shared.interval.max(took * PAUSE_SHARE).saturating_sub(took)
            }
            Some(problem) => {
                if failures == 0 {
                    tracing::warn!(problem, "dashboards show what was going on before: it cannot be read");
                    publish_old(&shared);
                }
                failures += 1;
                back_off(&shared, failures)
            }
        };
        sleep(pause).await;
        if !shared.goes_on() {
            return;
        }
    }
}

/// Doubling, and spread, so that processes do not come back together.
fn back_off(shared: &Shared, failures: u32) -> Duration {
    let mut bytes = [0; 4];
    shared.entropy.fill(&mut bytes);
    let chance = f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX);
    shared.interval.saturating_mul(1 << failures.min(10)).min(PAUSE_MAX).mul_f64(0.5 + chance / 2.0)
}

async fn read(shared: &Shared, round: u64, slow: &mut Slow) -> Result<Found, StoreError> {
    let client = shared.store.client().await?;
    let watched = shared.watched();
    let (at, jobs) = live::jobs(&client, &watched).await?;
    let found = Found {
        at,
        jobs,
        queues: live::queues(&client).await?,
        workers: live::workers(&client).await?,
        outbox: live::outbox(&client).await?,
        failures: if watched.is_empty() {
            BTreeMap::new()
        } else {
            failures::of_jobs(&client, &watched, REASONS_MAX).await?
        },
    };
    if round.is_multiple_of(SLOW_ROUNDS) {
        slow.pace = Arc::new(live::pace(&client).await?);
    }
    // Who comes to a job's page need not wait for its course.
    let is_new = |job: &i64| !slow.samples.contains_key(&JobId(*job));
    if !watched.is_empty() && (round.is_multiple_of(SLOW_ROUNDS) || watched.iter().any(is_new)) {
        let mut read = samples::of_jobs(&client, &watched).await?;
        let samples = |id: &i64| (JobId(*id), Arc::new(read.remove(&JobId(*id)).unwrap_or_default()));
        slow.samples = watched.iter().map(samples).collect();
    }
    Ok(found)
}

fn publish(shared: &Shared, found: Found, slow: &Slow) {
    let now = Instant::now();
    let Found { at, jobs, queues, workers, outbox, failures } = found;
    let motions = shared.course().take(now, &jobs);
    let signs = Signs {
        is_database_away: false,
        queues: queues.iter().map(queue_view).collect(),
        workers: workers.iter().map(worker_view).collect(),
        outbox: (outbox.0.unsigned_abs(), seconds(outbox.1)),
        jobs: jobs.iter().zip(&motions).map(|(job, motion)| job_view(job, motion)).collect(),
    };
    let watched = failures.into_iter().map(|(job, failures)| (job, Watched { failures, ..Watched::default() }));
    let mut watched: BTreeMap<JobId, Watched> = watched.collect();
    for (job, samples) in &slow.samples {
        watched.entry(*job).or_default().samples = Arc::clone(samples);
    }
    let of = |state: JobState| jobs.iter().filter(|job| job.state == state).count();
    let most = usize::try_from(live::JOBS_MAX).unwrap_or(usize::MAX);
    let is_cut = of(JobState::Running) >= most || of(JobState::Scheduled) + of(JobState::Paused) >= most;
    let snapshot = Snapshot {
        number: shared.latest.borrow().number + 1,
        at: Some(at),
        is_old: false,
        is_cut,
        queues,
        workers,
        outbox,
        jobs: jobs.into_iter().zip(motions).map(|(job, motion)| job_now(job, motion)).collect(),
        alarms: alarm::alarms(&signs),
        pace: Arc::clone(&slow.pace),
        watched,
        taken: Some(now),
    };
    shared.latest.send_replace(Arc::new(snapshot));
}

/// Says that what was read last is old.
fn publish_old(shared: &Shared) {
    shared.latest.send_modify(|latest| {
        let alarms = alarm::alarms(&Signs { is_database_away: true, ..Signs::default() });
        // Of the rest nothing is known now.
        let alarms = alarms.into_iter().filter(|alarm| *alarm == alarm::Alarm::DatabaseAway).collect();
        *latest = Arc::new(Snapshot { number: latest.number + 1, is_old: true, alarms, ..(**latest).clone() });
    });
}

fn job_now(job: LiveJob, motion: Motion) -> JobNow {
    let Motion { sent_per_s, finished_per_s, ended_lately, still } = motion;
    JobNow { job, sent_per_s, finished_per_s, ended_lately, still }
}

fn job_view(job: &LiveJob, motion: &Motion) -> JobView {
    JobView { id: job.id, state: job.state, open: job.counts.open().unsigned_abs(), still: motion.still }
}

fn queue_view(queue: &LiveQueue) -> QueueView {
    QueueView {
        name: queue.name.clone(),
        is_paused: queue.paused_at.is_some(),
        ready: queue.ready.map(i64::unsigned_abs),
        consumers: queue.consumers.map(i64::unsigned_abs),
        dead: queue.dead.unsigned_abs(),
        age: queue.age_s.map(seconds),
    }
}

fn worker_view(worker: &LiveWorker) -> WorkerView {
    WorkerView {
        roles: worker.roles.split(',').map(|role| role.trim().to_owned()).collect(),
        age: seconds(worker.age_s),
        is_drained: worker.drain_asked_at.is_some(),
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default()
}
