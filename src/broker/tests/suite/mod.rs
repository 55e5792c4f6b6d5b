//! What the broker's tests share.
#![allow(dead_code)] // each test binary uses its part

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use drover_broker::{
    Batch, Broker, BrokerConfig, DeadMessage, Disposition, Handler, Outgoing, PublishError, Target, WorkerError,
    WorkerOptions,
};
use drover_messages::{Message, PlanJob, Queue};
use futures_util::future::BoxFuture;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use uuid::Uuid;

/// Longer than anything takes that works, on a slow and busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Short delays, so that tests need not wait long for a retry.
pub(crate) fn config(url: Option<&str>, prefix: &str) -> BrokerConfig {
    BrokerConfig {
        url: url.map(|url| url.parse().expect("a URL")),
        queue_prefix: prefix.to_owned(),
        retry_delays: [100, 300, 1_000].map(Duration::from_millis).to_vec(),
        ..BrokerConfig::default()
    }
}

/// A handler made of a function.
pub(crate) struct Fn1<F>(pub(crate) F);

impl<M: Send + 'static, F> Handler<M> for Fn1<F>
where
    F: Fn(Batch<M>) -> BoxFuture<'static, Vec<Disposition>> + Send + Sync + 'static,
{
    fn handle(&self, batch: Batch<M>) -> impl Future<Output = Vec<Disposition>> + Send {
        (self.0)(batch)
    }
}

/// What handlers saw, in order.
pub(crate) struct Seen<T>(Arc<Mutex<Vec<T>>>);

impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Clone> Seen<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn push(&self, item: T) {
        self.0.lock().expect("no test panics with it").push(item);
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.0.lock().expect("no test panics with it").clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().expect("no test panics with it").len()
    }

    pub(crate) async fn reach(&self, count: usize) {
        drover_testkit::wait_until(PATIENCE, "handlers to see enough", async || self.count() >= count).await;
    }
}

/// A worker that runs until it is stopped.
pub(crate) struct Running {
    stop: CancellationToken,
    task: AbortOnDropHandle<Result<(), WorkerError>>,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.end().await.expect("a stopped worker ends well");
    }

    pub(crate) fn cancel(&self) {
        self.stop.cancel();
    }

    /// Waits for the end.
    pub(crate) async fn end(self) -> Result<(), WorkerError> {
        let ended = tokio::time::timeout(PATIENCE, self.task).await;
        ended.expect("the worker ends").expect("the worker does not panic")
    }

    /// Drops the worker instead of stopping it.
    pub(crate) async fn abort(self) {
        self.task.abort();
        assert!(self.task.await.is_err_and(|error| error.is_cancelled()));
    }
}

pub(crate) fn start<M, F>(broker: &Broker, queue: Queue, options: WorkerOptions, handler: F) -> Running
where
    M: Message,
    F: Fn(Batch<M>) -> BoxFuture<'static, Vec<Disposition>> + Send + Sync + 'static,
{
    let stop = CancellationToken::new();
    let run = drover_broker::run_worker(broker.clone(), queue, options, Arc::new(Fn1(handler)), stop.clone());
    Running { stop, task: AbortOnDropHandle::new(tokio::spawn(run)) }
}

/// A worker that says the same of every job and notes its id.
pub(crate) fn start_noting(
    broker: &Broker,
    queue: Queue,
    options: WorkerOptions,
    seen: &Seen<i64>,
    disposition: Disposition,
) -> Running {
    let seen = seen.clone();
    start(broker, queue, options, move |batch: Batch<PlanJob>| {
        for delivery in &batch {
            seen.push(delivery.message.job_id);
        }
        Box::pin(std::future::ready(Disposition::for_all(batch.len(), &disposition)))
    })
}

pub(crate) fn outgoing(target: Target, body: Vec<u8>) -> Outgoing {
    Outgoing { message_id: Uuid::new_v4(), target, body, trace: None, expires_after: None }
}

pub(crate) fn job(queue: Queue, job_id: i64) -> Outgoing {
    outgoing(Target::Queue(queue), PlanJob { job_id }.encode().expect("it encodes"))
}

/// Publishes as the relay does: what the broker refused is published again. A queue that is being made refuses what it
/// cannot register with its leader in time, so the first message may come too early on a busy machine.
pub(crate) async fn publish_all(broker: &Broker, mut messages: Vec<Outgoing>) {
    let publishing = async {
        while !messages.is_empty() {
            let results = broker.publish(messages.clone()).await;
            let refused =
                messages.drain(..).zip(results).enumerate().filter_map(|(index, (message, result))| match result {
                    Ok(()) => None,
                    Err(PublishError::Rejected) => Some(message),
                    Err(error) => panic!("message {index}: {error}"),
                });
            messages = refused.collect();
        }
    };
    tokio::time::timeout(PATIENCE, publishing).await.expect("the broker takes every message");
}

/// The dead messages with these ids, in this order, once all are there.
pub(crate) async fn dead_messages(broker: &Broker, queue: Queue, ids: &[Uuid]) -> Vec<DeadMessage> {
    drover_testkit::wait_for(PATIENCE, "the dead messages", async || {
        let dead = broker.peek_dead(queue, 1_000).await.ok()?;
        ids.iter().map(|id| dead.iter().find(|message| message.message_id == Some(*id)).cloned()).collect()
    })
    .await
}

pub(crate) async fn wait_depth(broker: &Broker, queue: Queue, expected: u64) {
    drover_testkit::wait_until(PATIENCE, "the queue's depth", async || {
        broker.depth(queue).await.is_ok_and(|depth| depth == expected)
    })
    .await;
}
