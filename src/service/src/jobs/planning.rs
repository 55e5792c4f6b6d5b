//! The planner's work: a job's audience becomes commands, and a started job's commands are let go, chunk by chunk.

use std::time::Duration;

use drover_domain::{CommandState, Event, JobId, JobKind, JobState};
use drover_messages::{DispatchAction, DispatchCommands, PlanJob};
use drover_store::{
    StoreError, Tx, audiences,
    commands::{self, Devices, Happening},
    control::retries,
    jobs, outcomes,
    tallies::Tally,
    timers,
};

use crate::{Job, Service, ServiceError, jobs::moved::ended, jobs::outbox::device_set};

/// How far the planner came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planning {
    /// There is nothing left to plan or release.
    Done,
    /// There may be more; the planner was sent another message for it.
    Continued,
}

/// Whether a job's commands are to wait until it goes on. Once its time is over they end as those of any other job.
pub(crate) const fn is_held(job: &Job) -> bool {
    matches!(job.state, JobState::Paused) && !job.is_expired
}

/// What a moment is.
const MOMENT: Duration = Duration::from_millis(500);

impl Service {
    /// Plans and releases up to `max_chunks` chunks of a job, each in a transaction of its own under the job's lock: killed
    /// anywhere, run twice or by two at once, it comes to the same. What is left is continued by another message, so that a
    /// large job does not keep the small ones waiting.
    pub async fn plan_job(&self, id: JobId, max_chunks: u32) -> Result<Planning, ServiceError> {
        for _ in 0..max_chunks {
            if !self.store().retrying("plan_step", || self.plan_step(id)).await? {
                return Ok(Planning::Done);
            }
        }
        self.store().retrying("continue_planning", || self.continue_planning(id)).await?;
        Ok(Planning::Continued)
    }

    async fn plan_step(&self, id: JobId) -> Result<bool, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let Some((job, cursor)) = jobs::lock_for_planning(&tx, id).await? else { return Ok(false) };
        let mut tally = Tally::default();
        let more = self.next_step(&tx, &job, cursor, &mut tally).await?;
        if !more && is_held(&job) {
            // Then what was never released ends as what was.
            jobs::set_plan_due_at_expiry(&tx, id).await?;
        } else {
            jobs::set_plan_due(&tx, id, more.then_some(self.plan_lease())).await?;
        }
        tally.write(&tx, self.store().tally_shard()).await?;
        tx.commit().await?;
        Ok(more)
    }

    /// Returns whether there may be another step.
    async fn next_step(
        &self,
        tx: &Tx<'_>,
        job: &Job,
        cursor: Option<i64>,
        tally: &mut Tally,
    ) -> Result<bool, StoreError> {
        if job.state.is_terminal() {
            audiences::close(tx, job.id).await?;
            retries::close(tx, job.id).await?;
            return match cursor {
                Some(after) => self.stop_next_chunk(tx, job, after, tally).await,
                None => Ok(false),
            };
        }
        // Who a push is for is seen when it begins: until then, reviews give nobody who joins what it brings.
        if job.kind == JobKind::Push && job.state == JobState::Scheduled {
            return Ok(false);
        }
        if self.plan_next_chunk(tx, job, tally).await? {
            return Ok(true);
        }
        if is_held(job) || !matches!(job.state, JobState::Running | JobState::Paused) {
            return Ok(false);
        }
        if job.is_expired {
            // Nothing is tried again any more.
            retries::close(tx, job.id).await?;
        } else if self.retry_next_chunk(tx, job, tally).await? {
            return Ok(true);
        }
        match cursor {
            Some(after) => self.release_next_chunk(tx, job, after, tally).await,
            None => Ok(false),
        }
    }

    /// Has the planner called again for a job in a moment: for now the dispatchers have enough to do.
    pub async fn plan_later(&self, id: JobId) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        jobs::set_plan_due(&tx, id, Some(MOMENT)).await?;
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }

    async fn continue_planning(&self, id: JobId) -> Result<(), StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        for job in jobs::rules(&tx, &[id.0]).await? {
            self.post_plan(&tx, job.kind, &PlanJob { job_id: id.0 }, &job.trace_context).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn release_next_chunk(
        &self,
        tx: &Tx<'_>,
        job: &Job,
        after: i64,
        tally: &mut Tally,
    ) -> Result<bool, StoreError> {
        let limit = i64::from(self.options().plan_chunk);
        let policy = (job.policy.retry_limit, self.dispatch_lease(job.policy));
        if let Some(resumed_at) = job.resumed_at
            && let Some((first, last, _)) = commands::chunk_after(tx, job.id, after, limit).await?
        {
            timers::ring_between(tx, job.id, first, last).await?;
            commands::make_queued_due_before(tx, job.id, (first, last), resumed_at).await?;
            self.leave_to_newer(tx, job, (first, last), tally).await?;
        }
        let chunk = commands::release_chunk(tx, job.id, after, limit, policy).await?;
        let Some(chunk) = chunk else {
            jobs::set_released_to(tx, job.id, None).await?;
            return Ok(false);
        };
        tally.enter(job.id, CommandState::Planned, -chunk.released);
        tally.enter(job.id, CommandState::Queued, chunk.released);
        if chunk.released > 0 {
            self.begin(tx, job, Devices::Range(chunk.first, chunk.last), tally).await?;
        }
        let is_last = chunk.looked_at < limit;
        jobs::set_released_to(tx, job.id, (!is_last).then_some(chunk.last)).await?;
        Ok(!is_last)
    }

    /// What was planned before its job was held gives way to what its devices were given meanwhile: to go on does not send anybody
    /// back to something older.
    async fn leave_to_newer(
        &self,
        tx: &Tx<'_>,
        job: &Job,
        between: (i64, i64),
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        let overtaken = commands::overtaken(tx, job.id, between).await?;
        let moved = commands::apply(tx, &Happening::new(job.id, &overtaken, Event::Superseded), tally).await?;
        outcomes::insert(tx, &ended(&moved), tally).await
    }

    /// Hands out commands in their first attempt. When the time of their job is over they only wait for their deadline: nobody is
    /// sent them, so they take nothing's place.
    pub(crate) async fn begin(
        &self,
        tx: &Tx<'_>,
        job: &Job,
        devices: Devices,
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        if !job.is_expired {
            return self.hand_out(tx, job, 1, devices, tally).await;
        }
        for devices in self.chunks(devices) {
            timers::insert(tx, job.id, &devices, self.dispatch_lease(job.policy)).await?;
        }
        Ok(())
    }

    /// Sends released commands to the dispatcher, sets the timer that hands them out again should they get lost, and ends
    /// what other jobs still have out for the same devices.
    pub(crate) async fn hand_out(
        &self,
        tx: &Tx<'_>,
        job: &Job,
        attempt: i16,
        devices: Devices,
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        let outdated = commands::outdated(tx, job.id, &devices).await?;
        for older in outdated.chunk_by(|a, b| a.job == b.job) {
            let ids: Vec<i64> = older.iter().map(|command| command.device.0).collect();
            let moved = commands::apply(tx, &Happening::new(older[0].job, &ids, Event::Superseded), tally).await?;
            outcomes::insert(tx, &ended(&moved), tally).await?;
        }
        let action = DispatchAction::Send { attempt };
        for devices in self.chunks(devices) {
            timers::insert(tx, job.id, &devices, self.dispatch_lease(job.policy)).await?;
            let message = DispatchCommands { job_id: job.id.0, action, devices: device_set(devices) };
            self.post_dispatch(tx, job.kind, &message, &job.trace_context).await?;
        }
        Ok(())
    }

    /// The same devices, in lists that one message and one timer can carry.
    pub(crate) fn chunks(&self, devices: Devices) -> Vec<Devices> {
        match devices {
            Devices::List(ids) => {
                let size = self.options().plan_chunk.max(1) as usize;
                ids.chunks(size).map(|chunk| Devices::List(chunk.to_vec())).collect()
            }
            range @ Devices::Range(..) => vec![range],
        }
    }

    /// Cancels the next chunk of a job that was stopped.
    async fn stop_next_chunk(&self, tx: &Tx<'_>, job: &Job, after: i64, tally: &mut Tally) -> Result<bool, StoreError> {
        let open: Vec<CommandState> = CommandState::open().collect();
        let limit = i64::from(self.options().plan_chunk);
        let devices = commands::in_states(tx, job.id, after, &open, limit).await?;
        let wish = if job.kind.leaves_what_is_under_way() { Event::Withdrawn } else { Event::CancelRequested };
        self.cancel_devices(tx, job, &devices, wish, tally).await?;
        let last = devices.last().copied().filter(|_| i64::try_from(devices.len()).is_ok_and(|found| found == limit));
        jobs::set_released_to(tx, job.id, last).await?;
        Ok(last.is_some())
    }
}
