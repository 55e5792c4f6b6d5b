//! The timekeeper's work: deadlines pass, pauses end, jobs start at their time. All by the database's clock.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use drover_domain::{CommandState, Event, JobEvent, JobState};
use drover_messages::{DispatchAction, DispatchCommands, PlanJob};
use drover_store::{
    StoreError, Tx,
    commands::{self, Devices, Due, Happening, Moved},
    jobs::{self, JobRules},
    outcomes,
    tallies::Tally,
    timers,
};

use crate::{
    Service, ServiceError,
    jobs::moved::{ended, observe},
    jobs::outbox::device_set,
};

/// Jobs started in one transaction.
const START_BATCH: i64 = 100;
/// How long a timer that cannot be served leaves the others in peace.
const PUT_OFF: Duration = Duration::from_mins(1);
/// How long the commands of a job that is held are left alone, unless its time is over sooner.
const HELD_LOOK: Duration = Duration::from_hours(24);
/// The longest that a command waits to be handed out again to a device that nobody listens for.
const MAX_LEASE: Duration = Duration::from_mins(15);

impl Service {
    /// Serves one timer that has fired, in one transaction; `false` when there is none. Timers that another timekeeper
    /// holds are passed over.
    pub async fn serve_timer(&self) -> Result<bool, ServiceError> {
        let claimed = AtomicI64::new(0);
        let served = self.store().retrying("serve_timer", || self.serve_timer_once(&claimed)).await;
        match (served, claimed.into_inner()) {
            (Err(error), id) if id != 0 && !error.is_unavailable() => {
                metrics::counter!("drover_timers_put_off_total").increment(1);
                tracing::error!(timer = id, %error, "a timer cannot be served and is put off");
                timers::put_off(&self.store().client().await?, id, PUT_OFF).await?;
                Ok(true)
            }
            (served, _) => Ok(served?),
        }
    }

    /// Notes the timer it works on in `claimed`.
    async fn serve_timer_once(&self, claimed: &AtomicI64) -> Result<bool, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let Some(timer) = timers::claim_fired(&tx).await? else { return Ok(false) };
        claimed.store(timer.id, Ordering::Relaxed);
        let mut due = commands::due(&tx, timer.job, &timer.devices).await?;
        let mut tally = Tally::default();
        let mut all_moved = Vec::new();
        let rules = jobs::rules(&tx, &[timer.job.0]).await?.pop();
        if let Some(rules) = &rules {
            due.sort_unstable_by_key(|due| (due.attempt, due.state == CommandState::Queued, due.device));
            for group in due.chunk_by(|a, b| {
                (a.attempt, a.state == CommandState::Queued) == (b.attempt, b.state == CommandState::Queued)
            }) {
                all_moved.extend(self.serve_group(&tx, rules, group, &mut tally).await?);
            }
        }
        timers::rearm(&tx, &timer).await?;
        tally.write(&tx, self.store().tally_shard()).await?;
        tx.commit().await?;
        if let Some(rules) = rules {
            observe(rules.kind, None, &all_moved);
        }
        Ok(true)
    }

    /// Serves commands of one attempt that are due, either all queued or all under way.
    async fn serve_group(
        &self,
        tx: &Tx<'_>,
        rules: &JobRules,
        group: &[Due],
        tally: &mut Tally,
    ) -> Result<Vec<Moved>, StoreError> {
        let (attempt, devices) = (group[0].attempt, group.iter().map(|due| due.device).collect::<Vec<_>>());
        let is_queued = group[0].state == CommandState::Queued;
        if is_queued && !rules.is_expired && rules.state == JobState::Paused {
            commands::hold(tx, rules.id, &devices, HELD_LOOK).await?;
            return Ok(Vec::new());
        }
        if is_queued && !rules.is_expired && !rules.state.is_stopped() {
            let lease = self.dispatch_lease(rules.policy);
            let pauses = (lease, MAX_LEASE.min(rules.policy.attempt_timeout()));
            let leased = commands::lease_again(tx, rules.id, attempt, &devices, pauses).await?;
            if rules.state == JobState::Running && !leased.is_empty() {
                let message = DispatchCommands {
                    job_id: rules.id.0,
                    action: DispatchAction::Send { attempt },
                    devices: device_set(Devices::List(leased)),
                };
                self.post_dispatch(tx, rules.kind, &message, &rules.trace_context).await?;
            }
            return Ok(Vec::new());
        }
        // An attempt may have failed, and the next one have been queued, while its job was being stopped.
        let event = if is_queued && rules.state.is_stopped() { Event::Withdrawn } else { Event::DeadlinePassed };
        let happening = Happening {
            attempt: Some(attempt),
            rules: rules.of_commands(),
            due_only: true,
            attempt_timeout: rules.policy.attempt_timeout(),
            retry_after: self.options().backoff.after(attempt, self.chance()),
            ..Happening::new(rules.id, &devices, event)
        };
        let moved = commands::apply(tx, &happening, tally).await?;
        outcomes::insert(tx, &ended(&moved), tally).await?;
        metrics::counter!("drover_command_deadlines_passed_total", "kind" => rules.kind.as_str())
            .increment(moved.len() as u64);
        Ok(moved)
    }

    /// Starts the scheduled jobs whose time has come, and cancels those whose time is over already. Returns how many.
    pub async fn start_due_jobs(&self) -> Result<usize, ServiceError> {
        Ok(self.store().retrying("start_due_jobs", || self.start_due_jobs_once()).await?)
    }

    async fn start_due_jobs_once(&self) -> Result<usize, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let due = jobs::due(&tx, START_BATCH).await?;
        let ids: Vec<i64> = due.iter().map(|job| job.0).collect();
        let mut rules = jobs::rules(&tx, &ids).await?;
        rules.sort_by_key(|job| ids.iter().position(|id| *id == job.id.0));
        for job in rules {
            // Nobody was there to start it before its time was over.
            let event = if job.is_expired { JobEvent::Cancel } else { JobEvent::Start };
            jobs::apply(&tx, job.id, event, None).await?;
            jobs::set_plan_due(&tx, job.id, Some(self.plan_lease())).await?;
            self.post_plan(&tx, job.kind, &PlanJob { job_id: job.id.0 }, &job.trace_context).await?;
            tracing::info!(job = %job.id, is_expired = job.is_expired, "the time of a scheduled job has come");
        }
        tx.commit().await?;
        Ok(due.len())
    }

    /// Calls the planner again for jobs that it should have finished with or come back to: its message was lost, or the
    /// dispatchers had enough to do. Returns how many.
    pub async fn call_overdue_planners(&self) -> Result<usize, ServiceError> {
        Ok(self.store().retrying("call_overdue_planners", || self.call_overdue_planners_once()).await?)
    }

    async fn call_overdue_planners_once(&self) -> Result<usize, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let overdue: Vec<i64> =
            jobs::plan_overdue(&tx, START_BATCH, self.plan_lease()).await?.into_iter().map(|job| job.0).collect();
        for job in jobs::rules(&tx, &overdue).await? {
            self.post_plan(&tx, job.kind, &PlanJob { job_id: job.id.0 }, &job.trace_context).await?;
        }
        tx.commit().await?;
        Ok(overdue.len())
    }
}
