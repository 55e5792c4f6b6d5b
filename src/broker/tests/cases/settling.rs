//! What becomes of deliveries.

use std::time::Duration;

use drover_broker::{Batch, Disposition, WorkerOptions};
use drover_messages::{PlanJob, Queue, TraceContext};

use super::World;
use crate::suite::{Seen, dead_messages, job, publish_all, start, start_noting};

const NOW: Duration = Duration::ZERO;

pub(super) async fn a_retry_comes_back_with_one_attempt_more(world: World, queue: Queue) {
    let mut message = job(queue, 5);
    message.trace = Some(TraceContext::root(3, 4));
    let (id, trace) = (message.message_id, message.trace);
    let seen = Seen::new();
    let note = seen.clone();
    let worker = start(&world.broker, queue, WorkerOptions::default(), move |batch: Batch<PlanJob>| {
        let first = batch[0].clone();
        let disposition = match first.broker_attempt {
            0 => Disposition::Retry { after: NOW, reason: "busy".into() },
            1 => Disposition::Retry { after: Duration::from_millis(200), reason: "still busy".into() },
            _ => Disposition::Done,
        };
        note.push((first.message_id, first.trace, first.broker_attempt, tokio::time::Instant::now()));
        Box::pin(async { vec![disposition] })
    });
    publish_all(&world.broker, vec![message]).await;
    seen.reach(3).await;
    worker.stop().await;
    let seen = seen.all();
    for (attempt, (seen_id, seen_trace, seen_attempt, _)) in (0..).zip(&seen) {
        assert_eq!((*seen_id, *seen_trace, *seen_attempt), (Some(id), trace, attempt));
    }
    let pauses = [seen[1].3 - seen[0].3, seen[2].3 - seen[1].3];
    assert!(pauses[0] >= Duration::from_millis(90) && pauses[1] >= Duration::from_millis(290), "{pauses:?}");
    assert_eq!(world.broker.depth(queue).await.expect("a depth"), 0);
}

pub(super) async fn too_many_retries_end_in_the_dead_letter_queue(world: World, queue: Queue) {
    let seen = Seen::new();
    let retry = Disposition::Retry { after: NOW, reason: "busy".into() };
    let options = WorkerOptions { max_retries: 2, ..WorkerOptions::default() };
    let worker = start_noting(&world.broker, queue, options, &seen, retry);
    let message = job(queue, 1);
    let id = message.message_id;
    publish_all(&world.broker, vec![message]).await;
    let dead = dead_messages(&world.broker, queue, &[id]).await;
    worker.stop().await;
    assert_eq!(seen.all(), [1, 1, 1]);
    assert_eq!(dead[0].reason, "gave up after 2 retries: busy");
    assert_eq!(dead[0].broker_attempt, 2);
}

pub(super) async fn what_a_handler_calls_dead_is_dead(world: World, queue: Queue) {
    let seen = Seen::new();
    let long = "no such job; ".repeat(500);
    let dead = Disposition::Dead { reason: long.clone() };
    let worker = start_noting(&world.broker, queue, WorkerOptions::default(), &seen, dead);
    let message = job(queue, 1);
    let (id, body) = (message.message_id, message.body.clone());
    publish_all(&world.broker, vec![message]).await;
    let dead = dead_messages(&world.broker, queue, &[id]).await;
    worker.stop().await;
    assert_eq!((dead[0].message_id, &dead[0].body[..]), (Some(id), &body[..]));
    assert!(!dead[0].reason.is_empty() && long.starts_with(&dead[0].reason));
    // Looking changes nothing.
    assert_eq!(dead_messages(&world.broker, queue, &[id]).await, dead);
}

pub(super) async fn dispositions_are_carried_out_one_by_one(world: World, queue: Queue) {
    let seen = Seen::new();
    let note = seen.clone();
    let options = WorkerOptions {
        prefetch: 100,
        batch_max: 30,
        batch_wait: Duration::from_millis(200),
        concurrency: 2,
        ..WorkerOptions::default()
    };
    let worker = start(&world.broker, queue, options, move |batch: Batch<PlanJob>| {
        let say = |delivery: &drover_broker::Delivery<PlanJob>| match delivery.message.job_id % 3 {
            _ if delivery.broker_attempt > 0 => Disposition::Done,
            0 => Disposition::Done,
            1 => Disposition::Retry { after: NOW, reason: "busy".into() },
            _ => Disposition::Dead { reason: format!("job {}", delivery.message.job_id) },
        };
        let dispositions = batch.iter().map(say).collect();
        batch.into_iter().for_each(|delivery| note.push((delivery.message.job_id, delivery.broker_attempt)));
        Box::pin(async { dispositions })
    });
    let jobs: Vec<_> = (0..90).map(|id| job(queue, id)).collect();
    let doomed: Vec<_> = jobs.iter().skip(2).step_by(3).map(|job| job.message_id).collect();
    publish_all(&world.broker, jobs).await;
    seen.reach(120).await;
    let dead = dead_messages(&world.broker, queue, &doomed).await;
    worker.stop().await;
    let mut seen = seen.all();
    seen.sort_unstable();
    let expected = (0..90).flat_map(|id| (0..=u32::from(id % 3 == 1)).map(move |attempt| (id, attempt)));
    assert_eq!(seen, expected.collect::<Vec<_>>());
    let reasons: Vec<_> = dead.into_iter().map(|message| message.reason).collect();
    assert_eq!(reasons, (0..30).map(|n| format!("job {}", n * 3 + 2)).collect::<Vec<_>>());
    assert_eq!(world.broker.depth(queue).await.expect("a depth"), 0);
}

/// A worker that goes wrong on the first attempt, and notes attempts.
async fn heals<F>(world: World, queue: Queue, options: WorkerOptions, first: F)
where
    F: Fn() -> futures_util::future::BoxFuture<'static, Vec<Disposition>> + Send + Sync + 'static,
{
    let seen = Seen::new();
    let note = seen.clone();
    let options =
        WorkerOptions { batch_max: 2, batch_wait: Duration::from_secs(2), concurrency: 1, prefetch: 4, ..options };
    let worker = start(&world.broker, queue, options, move |batch: Batch<PlanJob>| {
        for delivery in &batch {
            note.push((delivery.message.job_id, delivery.broker_attempt));
        }
        match batch[0].broker_attempt {
            0 => first(),
            _ => Box::pin(async move { Disposition::for_all(batch.len(), &Disposition::Done) }),
        }
    });
    publish_all(&world.broker, vec![job(queue, 1), job(queue, 2)]).await;
    seen.reach(4).await;
    worker.stop().await;
    let mut seen = seen.all();
    seen.sort_unstable();
    assert_eq!(seen, [(1, 0), (1, 1), (2, 0), (2, 1)]);
    assert_eq!(world.broker.depth(queue).await.expect("a depth"), 0);
}

pub(super) async fn a_panic_retries_the_batch(world: World, queue: Queue) {
    heals(world, queue, WorkerOptions::default(), || Box::pin(async { panic!("on purpose") })).await;
}

pub(super) async fn a_timeout_cancels_the_handler_and_retries_the_batch(world: World, queue: Queue) {
    let options = WorkerOptions { handler_timeout: Duration::from_millis(50), ..WorkerOptions::default() };
    heals(world, queue, options, || Box::pin(std::future::pending())).await;
}

pub(super) async fn a_miscounting_handler_has_its_batch_retried(world: World, queue: Queue) {
    heals(world, queue, WorkerOptions::default(), || Box::pin(async { vec![Disposition::Done; 7] })).await;
}
