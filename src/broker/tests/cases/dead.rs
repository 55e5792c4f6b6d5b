//! Dead messages that somebody takes to keep them elsewhere, and sends again.

use drover_broker::{Batch, Disposition, Target, WorkerOptions};
use drover_messages::{DeviceReport, Queue, TraceContext};
use drover_testkit::wait_for;

use super::World;
use crate::suite::{PATIENCE, Seen, dead_messages, job, outgoing, publish_all, start, start_noting, wait_depth};

pub(super) async fn taken_messages_go_when_they_are_forgotten_and_stay_when_they_are_not(world: World, queue: Queue) {
    let broker = &world.broker;
    let mut jobs: Vec<_> = (0..5).map(|id| job(queue, id)).collect();
    jobs[0].trace = Some(TraceContext::root(3, 4));
    let ids: Vec<_> = jobs.iter().map(|job| job.message_id).collect();
    let seen = Seen::new();
    let dead = Disposition::Dead { reason: "no such job".into() };
    let options = WorkerOptions { concurrency: 1, ..WorkerOptions::default() };
    let worker = start_noting(broker, queue, options, &seen, dead);
    publish_all(broker, jobs.clone()).await;
    let buried = dead_messages(broker, queue, &ids).await;
    worker.stop().await;
    let all = broker.take_dead(queue, 100).await.expect("they are taken");
    assert_eq!(all.messages().len(), 5);
    assert_eq!(broker.take_dead(queue, 100).await.expect("an empty batch").messages(), [], "two never have the same");
    let first = all.messages().iter().find(|message| message.message_id == Some(ids[0])).expect("the first");
    assert_eq!(
        (&first.body[..], first.reason.as_str(), first.trace),
        (&jobs[0].body[..], "no such job", jobs[0].trace)
    );
    drop(all);
    // Dropped, they are back.
    assert_eq!(dead_messages(broker, queue, &ids).await, buried);
    let some = wait_for(PATIENCE, "all to be back", async || {
        broker.take_dead(queue, 3).await.ok().filter(|taken| taken.messages().len() == 3)
    })
    .await;
    let gone: Vec<_> = some.messages().iter().map(|message| message.message_id).collect();
    some.forget().await.expect("they are forgotten");
    let rest = broker.take_dead(queue, 100).await.expect("the rest");
    assert_eq!(rest.messages().len(), 2);
    assert!(rest.messages().iter().all(|message| !gone.contains(&message.message_id)));
    rest.forget().await.expect("they are forgotten");
    assert_eq!(broker.peek_dead(queue, 10).await.expect("a look"), []);
}

pub(super) async fn a_report_that_is_sent_again_keeps_its_device(world: World, queue: Queue) {
    let broker = &world.broker;
    // Other cases left some behind.
    broker.take_dead(queue, 1_000).await.expect("those of others").forget().await.expect("they go");
    let body = br#"{"command_id":1,"attempt":1,"status":"failed"}"#.to_vec();
    let seen = Seen::new();
    let note = seen.clone();
    let worker = start(broker, queue, WorkerOptions::default(), move |batch: Batch<DeviceReport>| {
        let delivery = &batch[0];
        note.push((delivery.message.device_uuid.clone(), delivery.broker_attempt));
        let disposition = match note.count() {
            1 => Disposition::Retry { after: std::time::Duration::ZERO, reason: "busy".into() },
            2 => Disposition::Dead { reason: "no".into() },
            _ => Disposition::Done,
        };
        Box::pin(async { vec![disposition] })
    });
    publish_all(broker, vec![outgoing(Target::Topic("devices.again.reports".into()), body)]).await;
    let taken = wait_for(PATIENCE, "the report to be dead", async || {
        broker.take_dead(queue, 10).await.ok().filter(|taken| !taken.messages().is_empty())
    })
    .await;
    let dead = taken.messages()[0].clone();
    assert_eq!((dead.routing_key.as_str(), dead.broker_attempt), ("devices.again.reports", 1));
    taken.forget().await.expect("it is forgotten");
    let again = outgoing(Target::QueueUnder { queue, routing_key: dead.routing_key }, dead.body.to_vec());
    publish_all(broker, vec![again]).await;
    seen.reach(3).await;
    worker.stop().await;
    let of_device = |attempt| ("again".to_owned(), attempt);
    assert_eq!(seen.all(), [of_device(0), of_device(1), of_device(0)]);
    wait_depth(broker, queue, 0).await;
}
