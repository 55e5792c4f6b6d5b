//! Runs the worker roles of a process until it is told to stop, and drains them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use drover_broker::{Activity, Broker, Handler, WorkerError, WorkerOptions, run_worker};
use drover_domain::JobKind;
use drover_messages::{Message, Queue};
use drover_service::{Entropy, Service};
use drover_store::Store;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    Role, Roles,
    channels::{Channels, PollChannel, TopicChannel},
    dispatcher::Dispatcher,
    gauges,
    heart::{Heart, Place},
    ingest::Ingest,
    planner::Planner,
    queues::{Standing, Watcher},
    relay::Relay,
    sampler,
    sessions::{self, DeviceSessions},
    sweeper, timekeeper,
};

/// What the roles work with.
#[derive(Clone)]
pub struct Deps {
    /// The use cases.
    pub service: Service,
    /// The database: the relay and the gauges read it directly.
    pub store: Store,
    /// The broker.
    pub broker: Broker,
    /// Where devices are connected.
    pub sessions: DeviceSessions,
    /// Chance, for ids and jitter.
    pub entropy: Arc<dyn Entropy>,
    /// Where the process runs, for operators.
    pub place: Place,
}

/// How the roles work.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Jobs planned at a time, for each kind.
    pub plan_concurrency: usize,
    /// Chunks dispatched at a time, for each kind.
    pub dispatch_concurrency: usize,
    /// Batches of reports recorded at a time.
    pub ingest_concurrency: usize,
    /// Reports recorded in one transaction at the most.
    pub report_batch_max: usize,
    /// How long a batch of reports waits to fill up.
    pub report_batch_wait: Duration,
    /// How often the timekeeper looks.
    pub tick: Duration,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            plan_concurrency: 2,
            dispatch_concurrency: 4,
            ingest_concurrency: 2,
            report_batch_max: 500,
            report_batch_wait: Duration::from_millis(10),
            tick: Duration::from_millis(250),
        }
    }
}

/// Why the roles ended other than on request.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A worker cannot go on.
    #[error(transparent)]
    Worker(Box<WorkerError>),
    /// A role panicked.
    #[error("a role ended unexpectedly")]
    Role(#[from] JoinError),
}

/// Runs `roles` until `stop` is cancelled, then drains: what is in flight ends, the rest stays for others. When one role
/// cannot go on, all end, and the first reason is the answer: a process that lacks a role must not look alive.
///
/// Asked by an operator to take no more work, it does the same and goes on to beat, and to say what the rows say, until it is asked to work again.
pub async fn run(roles: &Roles, deps: Deps, settings: WorkerSettings, stop: CancellationToken) -> Result<(), RunError> {
    let activity = Activity::default();
    let (heart, standing) =
        Heart::new(deps.store.clone(), deps.place.clone(), roles, activity.clone(), deps.entropy.as_ref());
    let (is_drained, ended) = (heart.is_drained(), CancellationToken::new());
    let beating = tokio::spawn(heart.run(Arc::clone(&deps.entropy), ended.clone()));
    let saying =
        gauges::run(roles.clone(), deps.service.clone(), deps.store.clone(), Arc::clone(&deps.entropy), ended.clone());
    let saying = tokio::spawn(saying);
    let crew = Crew { roles, deps: &deps, settings: &settings, activity, standing };
    let result = crew.work_when_asked(&is_drained, &stop).await;
    ended.cancel();
    saying.await?;
    beating.await?;
    result
}

/// The roles of a process and what they share.
struct Crew<'a> {
    roles: &'a Roles,
    deps: &'a Deps,
    settings: &'a WorkerSettings,
    activity: Activity,
    standing: Standing,
}

impl Crew<'_> {
    /// Works until `stop`, but for the times when operators ask for none.
    async fn work_when_asked(&self, is_drained: &AtomicBool, stop: &CancellationToken) -> Result<(), RunError> {
        while stop.run_until_cancelled(self.standing.work()).await.is_some() {
            is_drained.store(false, Ordering::Relaxed);
            let working = stop.child_token();
            let mut work = std::pin::pin!(self.work(working.clone()));
            tokio::select! {
                ended = &mut work => return ended,
                () = self.standing.drain() => {}
            }
            tracing::info!("an operator asked this process to take no more work: what is in flight ends");
            working.cancel();
            work.await?;
            is_drained.store(true, Ordering::Relaxed);
            tracing::info!("drained");
        }
        Ok(())
    }

    /// Works until `stop`.
    async fn work(&self, stop: CancellationToken) -> Result<(), RunError> {
        let Self { roles, deps, settings, .. } = *self;
        let mut tasks: JoinSet<Result<(), WorkerError>> = JoinSet::new();
        let mut start = Starter { tasks: &mut tasks, crew: self, stop: &stop };
        for kind in JobKind::ALL {
            if roles.has(Role::Plan) {
                let options = WorkerOptions {
                    name: format!("plan.{}", kind.as_str()),
                    prefetch: prefetch(settings.plan_concurrency),
                    concurrency: settings.plan_concurrency,
                    ..WorkerOptions::default()
                };
                start.worker(Queue::Jobs(kind), options, Planner::new(deps.service.clone(), deps.broker.clone(), kind));
            }
            if roles.has(Role::Dispatch) {
                let options = WorkerOptions {
                    name: format!("dispatch.{}", kind.as_str()),
                    prefetch: prefetch(settings.dispatch_concurrency),
                    concurrency: settings.dispatch_concurrency,
                    ..WorkerOptions::default()
                };
                let channels = Channels {
                    topic: TopicChannel::new(deps.broker.clone(), Arc::clone(&deps.entropy)),
                    poll: PollChannel::new(deps.service.clone()),
                };
                start.worker(Queue::Dispatch(kind), options, Dispatcher::new(deps.service.clone(), channels));
            }
        }
        if roles.has(Role::Ingest) {
            let options = WorkerOptions {
                name: "ingest".into(),
                prefetch: u16::try_from(settings.report_batch_max * (settings.ingest_concurrency + 2))
                    .unwrap_or(u16::MAX),
                batch_max: settings.report_batch_max,
                batch_wait: settings.report_batch_wait,
                concurrency: settings.ingest_concurrency,
                ..WorkerOptions::default()
            };
            start.worker(Queue::Reports, options, Ingest::new(deps.service.clone()));
        }
        if roles.has(Role::Timekeep) {
            tasks.spawn(timekeeper::run(deps.service.clone(), settings.tick, Arc::clone(&deps.entropy), stop.clone()));
            let sessions =
                sessions::run(deps.service.clone(), deps.sessions.clone(), Arc::clone(&deps.entropy), stop.clone());
            tasks.spawn(sessions);
            tasks.spawn(sweeper::run(deps.service.clone(), Arc::clone(&deps.entropy), stop.clone()));
            tasks.spawn(sampler::run(deps.service.clone(), Arc::clone(&deps.entropy), stop.clone()));
        }
        if roles.has(Role::Relay) {
            let relay = Relay::new(deps.store.clone(), deps.broker.clone(), deps.entropy.as_ref());
            tasks.spawn(relay.run(Arc::clone(&deps.entropy), stop.clone()));
            let watcher = Watcher::new(deps.store.clone(), deps.broker.clone());
            tasks.spawn(watcher.run(Arc::clone(&deps.entropy), stop.clone()));
        }
        let mut first_failure = None;
        while let Some(ended) = tasks.join_next().await {
            let result = ended
                .map_err(RunError::from)
                .and_then(|result| result.map_err(|error| RunError::Worker(Box::new(error))));
            if let Err(error) = result {
                stop.cancel();
                first_failure.get_or_insert(error);
            }
        }
        if let Some(error) = first_failure {
            return Err(error);
        }
        // Who plays no role that works has only this to wait for.
        stop.cancelled().await;
        Ok(())
    }
}

/// One waits while each is handled, so that a worker is never idle for a round trip.
fn prefetch(concurrency: usize) -> u16 {
    u16::try_from(2 * concurrency).unwrap_or(u16::MAX)
}

struct Starter<'a> {
    tasks: &'a mut JoinSet<Result<(), WorkerError>>,
    crew: &'a Crew<'a>,
    stop: &'a CancellationToken,
}

impl Starter<'_> {
    fn worker<M: Message, H: Handler<M>>(&mut self, queue: Queue, options: WorkerOptions, handler: H) {
        let options = WorkerOptions { activity: self.crew.activity.clone(), ..options };
        let (broker, standing) = (self.crew.deps.broker.clone(), self.crew.standing.clone());
        self.tasks.spawn(work_while_open(broker, standing, queue, options, Arc::new(handler), self.stop.clone()));
    }
}

/// Takes from a queue until `stop`, but for the times when it is paused: then what is in flight ends, and what waits here
/// goes back to the broker.
async fn work_while_open<M: Message, H: Handler<M>>(
    broker: Broker,
    standing: Standing,
    queue: Queue,
    options: WorkerOptions,
    handler: Arc<H>,
    stop: CancellationToken,
) -> Result<(), WorkerError> {
    while stop.run_until_cancelled(standing.open(queue)).await.is_some() {
        let working = stop.child_token();
        let work = run_worker(broker.clone(), queue, options.clone(), Arc::clone(&handler), working.clone());
        let mut work = std::pin::pin!(work);
        tokio::select! {
            ended = &mut work => return ended,
            () = standing.paused(queue) => {}
        }
        working.cancel();
        work.await?;
        tracing::info!(%queue, "paused by an operator: nothing is taken from the queue");
    }
    Ok(())
}
