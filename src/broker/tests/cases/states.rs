//! What can be seen of queues and workers.

use std::time::Duration;

use drover_broker::{Activity, Batch, Disposition, QueueState, WorkerOptions};
use drover_messages::{PlanJob, Queue};
use drover_testkit::wait_for;
use tokio_util::sync::CancellationToken;

use super::World;
use crate::suite::{PATIENCE, job, publish_all, start};

async fn state(world: &World, queue: Queue, what: &str, is_so: impl Fn(&QueueState) -> bool) -> QueueState {
    wait_for(PATIENCE, what, async || {
        let states = world.broker.queue_states().await.ok()?;
        assert_eq!(states.len(), Queue::all().count());
        states.into_iter().find(|state| state.queue == queue).filter(&is_so)
    })
    .await
}

pub(super) async fn a_queue_tells_what_waits_in_it_and_beside_it(world: World, queue: Queue) {
    publish_all(&world.broker, (0..4).map(|id| job(queue, id)).collect()).await;
    let before = state(&world, queue, "four that wait", |state| state.ready == 4).await;
    assert_eq!((before.consumers, before.retrying, before.dead), (0, 0, 0));
    let go = CancellationToken::new();
    let gate = go.clone();
    // The first is dead, the second waits for another try, the third is held until the end, the fourth is not taken.
    let options = WorkerOptions { prefetch: 1, concurrency: 1, ..WorkerOptions::default() };
    let worker = start(&world.broker, queue, options, move |batch: Batch<PlanJob>| {
        let gate = gate.clone();
        Box::pin(async move {
            match batch[0].message.job_id {
                0 => vec![Disposition::Dead { reason: "no".into() }],
                1 => vec![Disposition::Retry { after: Duration::from_hours(1), reason: "busy".into() }],
                _ => {
                    gate.cancelled().await;
                    vec![Disposition::Done]
                }
            }
        })
    });
    let held = state(&world, queue, "one that is held", |state| {
        (state.ready, state.consumers, state.dead) == (1, 1, 1) && state.retrying == 1
    })
    .await;
    if let Some(unacked) = held.unacked {
        assert_eq!(unacked, 1);
    }
    go.cancel();
    state(&world, queue, "the retried one to be handled", |state| state.ready + state.retrying == 0).await;
    worker.stop().await;
    state(&world, queue, "no consumer", |state| state.consumers == 0).await;
    world.broker.take_dead(queue, 9).await.expect("the dead one").forget().await.expect("it goes");
    state(&world, queue, "nothing", |state| state.dead == 0).await;
}

pub(super) async fn activity_counts_what_is_handled(world: World, queue: Queue) {
    let activity = Activity::default();
    let go = CancellationToken::new();
    let gate = go.clone();
    let options = WorkerOptions {
        batch_max: 2,
        batch_wait: Duration::from_secs(2),
        concurrency: 1,
        activity: activity.clone(),
        ..WorkerOptions::default()
    };
    let worker = start(&world.broker, queue, options, move |batch: Batch<PlanJob>| {
        let gate = gate.clone();
        Box::pin(async move {
            gate.cancelled().await;
            Disposition::for_all(batch.len(), &Disposition::Done)
        })
    });
    publish_all(&world.broker, vec![job(queue, 1), job(queue, 2)]).await;
    drover_testkit::wait_until(PATIENCE, "both to be in hand", async || activity.in_flight() == 2).await;
    assert_eq!(activity.handled(), 0);
    go.cancel();
    drover_testkit::wait_until(PATIENCE, "both to be handled", async || activity.handled() == 2).await;
    worker.stop().await;
    assert_eq!(activity.in_flight(), 0);
}
