//! The worker's lifecycle: built of apalis parts, ended by a token.

mod backend;
mod feeder;
mod layers;
mod settle;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use apalis::layers::{TimeoutLayer, WorkerBuilderExt, catch_panic::CatchPanicLayer};
use apalis_core::{error::WorkerError as ApalisError, worker::builder::WorkerBuilder};
use drover_messages::{Message, Queue};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{Activity, Broker, BrokerError, Handler, WorkerError, feed::FeedOptions};
use backend::{FeedBackend, SessionEnd};
use layers::{HandlerService, SpanLayer, panic_error};
use settle::SettleLayer;

/// How a worker takes and handles messages.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// The worker's name, in logs and in the broker's list of consumers.
    pub name: String,
    /// How many deliveries may be here unsettled. At least `batch_max * (concurrency + 1)`, or batches stay short.
    pub prefetch: u16,
    /// The most deliveries a handler gets at once.
    pub batch_max: usize,
    /// How long a batch waits to fill up once its first delivery is there.
    pub batch_wait: Duration,
    /// How many batches are handled at a time.
    pub concurrency: usize,
    /// A handler that takes longer is cancelled and its batch retried.
    pub handler_timeout: Duration,
    /// A delivery that was retried that often is dead the next time.
    pub max_retries: u32,
    /// Counts what the worker handles.
    pub activity: Activity,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            name: "worker".into(),
            prefetch: 16,
            batch_max: 1,
            batch_wait: Duration::ZERO,
            concurrency: 4,
            handler_timeout: Duration::from_mins(1),
            max_retries: 20,
            activity: Activity::default(),
        }
    }
}

/// Handles a queue's messages until `stop` is cancelled. Then takes no more, lets the handlers in flight finish,
/// settles what they say, gives the rest back to the broker, and returns.
///
/// A broker that goes away is waited for. The only early end is an error that no waiting heals.
pub async fn run_worker<M, H>(
    broker: Broker,
    queue: Queue,
    options: WorkerOptions,
    handler: Arc<H>,
    stop: CancellationToken,
) -> Result<(), WorkerError>
where
    M: Message,
    H: Handler<M>,
{
    let worker = options.name.clone();
    let feed = broker.consume(queue, FeedOptions { name: worker.clone(), prefetch: options.prefetch.max(1) });
    let control = feed.control.clone();
    let session_end = SessionEnd::default();
    // One batch waits ready. It is formed only when the one before it is taken, so it grows while handlers are busy.
    let (batches_in, batches) = mpsc::channel(1);
    let shape = feeder::Shape {
        queue,
        batch_max: options.batch_max.max(1),
        batch_wait: options.batch_wait,
        config: broker.config().clone(),
    };
    let feeder = tokio::spawn(feeder::run::<M>(
        shape,
        feed.deliveries,
        batches_in,
        feed.settles.clone(),
        control.clone(),
        session_end.ended.clone(),
    ));
    let settle = SettleLayer::new(queue, feed.settles, &options);
    let outcome = Arc::clone(&session_end.outcome);
    let ended = session_end.ended.clone();
    let backend = FeedBackend::new(batches, settle, control.clone(), feed.task, feeder, session_end);

    // Outermost first. A permit is taken before a batch is, so that waiting for one costs the handler no time. The
    // panic is caught inside, or the timeout would have nothing to hold.
    let apalis_worker = WorkerBuilder::new(&*worker)
        .backend(backend)
        .layer(SpanLayer::new(&worker))
        .concurrency(options.concurrency.max(1))
        .layer(TimeoutLayer::new(options.handler_timeout))
        .layer(CatchPanicLayer::with_panic_handler(panic_error))
        .build(HandlerService::new(handler));
    let stopped = async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = ended.cancelled() => {}
        }
        control.stop.cancel();
        Ok::<(), ApalisError>(())
    };
    let run = apalis_worker.run_until(stopped).await;
    let outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (outcome, run) {
        (Some(Outcome::Failed(source)), _) => Err(WorkerError::Broker { worker, source }),
        (Some(Outcome::Panicked), _) => Err(WorkerError::Panicked { worker }),
        (None, Err(source)) => Err(WorkerError::Runtime { worker, source }),
        (None, Ok(())) => Ok(()),
    }
}

/// How a session ended other than by request.
#[derive(Debug)]
enum Outcome {
    Failed(BrokerError),
    Panicked,
}

type SharedOutcome = Arc<Mutex<Option<Outcome>>>;
