//! How workers end.

use std::{collections::BTreeSet, sync::Arc};

use drover_broker::{Batch, BrokerError, Disposition, PublishError, WorkerError, WorkerOptions};
use drover_messages::{PlanJob, Queue};
use tokio::sync::Semaphore;

use super::World;
use crate::suite::{Running, Seen, job, publish_all, start, start_noting, wait_depth};

const JOBS: i64 = 30;

/// A worker whose handlers wait at a gate, once four of them do.
async fn held_at_a_gate(world: &World, queue: Queue, done: &Seen<i64>) -> (Running, Arc<Semaphore>) {
    let (gate, began) = (Arc::new(Semaphore::new(0)), Seen::new());
    let options = WorkerOptions { prefetch: 20, concurrency: 4, ..WorkerOptions::default() };
    let parts = (Arc::clone(&gate), began.clone(), done.clone());
    let worker = start(&world.broker, queue, options, move |batch: Batch<PlanJob>| {
        let (gate, began, done) = parts.clone();
        Box::pin(async move {
            began.push(());
            let _permit = gate.acquire().await;
            done.push(batch[0].message.job_id);
            vec![Disposition::Done]
        })
    });
    publish_all(&world.broker, (0..JOBS).map(|id| job(queue, id)).collect()).await;
    began.reach(4).await;
    // The worker has taken all it may.
    wait_depth(&world.broker, queue, 10).await;
    (worker, gate)
}

pub(super) async fn a_stopped_worker_finishes_what_it_handles_and_gives_back_the_rest(world: World, queue: Queue) {
    let done = Seen::new();
    let (worker, gate) = held_at_a_gate(&world, queue, &done).await;
    worker.cancel();
    gate.add_permits(100);
    worker.end().await.expect("a good end");
    let first: BTreeSet<_> = done.all().into_iter().collect();
    // Those that were waiting, and perhaps some whose batch was formed when the gate opened.
    assert!(first.len() >= 4 && first.len() < 20 && first.len() == done.count(), "{first:?}");
    let rest = Seen::new();
    let remaining = usize::try_from(JOBS).expect("it is small") - first.len();
    wait_depth(&world.broker, queue, remaining as u64).await;
    let worker = start_noting(&world.broker, queue, WorkerOptions::default(), &rest, Disposition::Done);
    rest.reach(remaining).await;
    worker.stop().await;
    let second: BTreeSet<_> = rest.all().into_iter().collect();
    assert_eq!((second.len(), rest.count()), (remaining, remaining), "nothing twice");
    assert_eq!(&first | &second, (0..JOBS).collect(), "nothing lost");
    assert_eq!(world.broker.depth(queue).await.expect("a depth"), 0);
}

pub(super) async fn a_dropped_worker_gives_everything_back(world: World, queue: Queue) {
    let done = Seen::new();
    let (worker, _gate) = held_at_a_gate(&world, queue, &done).await;
    worker.abort().await;
    wait_depth(&world.broker, queue, 30).await;
    assert_eq!(done.count(), 0);
    let redelivered = Seen::new();
    let note = redelivered.clone();
    let worker = start(&world.broker, queue, WorkerOptions::default(), move |batch: Batch<PlanJob>| {
        note.push(batch[0].redelivered);
        Box::pin(async { vec![Disposition::Done] })
    });
    redelivered.reach(30).await;
    worker.stop().await;
    assert_eq!(redelivered.all().iter().filter(|redelivered| **redelivered).count(), 20);
}

pub(super) async fn a_closed_broker_ends_its_workers(world: World, _: Queue) {
    let broker = world.another("test.closed", |config| config);
    let queue = Queue::Reports;
    broker.declare_topology().await.expect("the queues can be declared");
    let seen = Seen::new();
    let worker = start_noting(&broker, queue, WorkerOptions::default(), &seen, Disposition::Done);
    publish_all(&broker, vec![job(queue, 1)]).await;
    seen.reach(1).await;
    assert!(broker.health().connected);
    broker.close().await;
    let error = worker.end().await.expect_err("it had no choice");
    assert!(matches!(error, WorkerError::Broker { source: BrokerError::Closed, .. }), "{error}");
    let results = broker.publish(vec![job(queue, 2)]).await;
    assert!(matches!(results[..], [Err(PublishError::Connection(BrokerError::Closed))]), "{results:?}");
    assert!(!broker.health().connected);
}
