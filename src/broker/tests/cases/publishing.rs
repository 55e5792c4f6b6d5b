//! How messages leave.

use std::time::Duration;

use drover_broker::{BrokerHealth, Disposition, MAX_BODY_BYTES, PublishError, Target, WorkerOptions};
use drover_messages::{Queue, TraceContext};
use tokio::task::JoinSet;

use super::World;
use crate::suite::{Seen, job, outgoing, publish_all, start_noting, wait_depth};

pub(super) async fn an_idle_broker_is_healthy_and_an_empty_publish_is_fine(world: World, queue: Queue) {
    publish_all(&world.broker, vec![]).await;
    assert_eq!(world.broker.health(), BrokerHealth { connected: true, last_error: None, blocked: false });
    assert_eq!(world.broker.depth(queue).await.expect("a depth"), 0);
}

pub(super) async fn what_cannot_be_published_fails_alone(world: World, queue: Queue) {
    let large = outgoing(Target::Queue(queue), vec![b' '; MAX_BODY_BYTES + 1]);
    let odd = outgoing(Target::Topic("x".repeat(256)), vec![]);
    let results = world.broker.publish(vec![job(queue, 1), large, odd, job(queue, 2)]).await;
    assert!(
        matches!(results[..], [Ok(()), Err(PublishError::TooLarge { .. }), Err(PublishError::InvalidTarget), Ok(())]),
        "{results:?}"
    );
    wait_depth(&world.broker, queue, 2).await;
}

pub(super) async fn many_publish_at_a_time(world: World, queue: Queue) {
    let mut callers = JoinSet::new();
    for caller in 0..20 {
        let broker = world.broker.clone();
        callers.spawn(async move {
            for round in 0..5 {
                let first = caller * 1_000 + round * 50;
                publish_all(&broker, (first..first + 50).map(|id| job(queue, id)).collect()).await;
            }
        });
    }
    callers.join_all().await;
    let seen = Seen::new();
    let options = WorkerOptions {
        prefetch: 1_000,
        batch_max: 100,
        batch_wait: Duration::from_millis(5),
        concurrency: 4,
        ..WorkerOptions::default()
    };
    let worker = start_noting(&world.broker, queue, options, &seen, Disposition::Done);
    seen.reach(5_000).await;
    worker.stop().await;
    let mut seen = seen.all();
    seen.sort_unstable();
    let expected: Vec<_> = (0..20).flat_map(|caller| (0..250).map(move |id| caller * 1_000 + id)).collect();
    assert_eq!(seen, expected);
    assert_eq!(world.broker.depth(queue).await.expect("a depth"), 0);
}

pub(super) async fn topics_reach_subscribers_and_unroutable_ones_fail(world: World, _: Queue) {
    let mut all = world.broker.subscribe_topic("fleet.*.commands", 100).await.expect("a subscription");
    let mut one = world.broker.subscribe_topic("fleet.d1.#", 100).await.expect("a subscription");
    let to = |key: &str, body: &str| outgoing(Target::Topic(key.into()), body.into());
    let mut first = to("fleet.d1.commands", "a");
    let trace = TraceContext::root(5, 6);
    first.trace = Some(trace);
    let messages = vec![
        first,
        to("fleet.commands", "b"),
        to("fleet.d2.commands", "c"),
        to("nobody.d2.commands", "d"),
        to("fleet.d1.x.y", "e"),
    ];
    let results = world.broker.publish(messages).await;
    assert!(
        matches!(
            results[..],
            [Ok(()), Err(PublishError::Unroutable { .. }), Ok(()), Err(PublishError::Unroutable { .. }), Ok(())]
        ),
        "{results:?}"
    );
    let mut caught = Vec::new();
    for stream in [&mut all, &mut one] {
        for _ in 0..2 {
            let message = stream.recv().await.expect("a message");
            caught.push((message.routing_key, message.body, message.headers.get("traceparent").cloned()));
        }
    }
    let traceparent = Some(trace.to_string());
    let expected = [
        ("fleet.d1.commands", "a", traceparent.clone()),
        ("fleet.d2.commands", "c", None),
        ("fleet.d1.commands", "a", traceparent),
        ("fleet.d1.x.y", "e", None),
    ];
    assert_eq!(caught, expected.map(|(key, body, trace)| (key.to_owned(), body.into(), trace)));
    // Who leaves is soon not there any more.
    drop(all);
    drover_testkit::wait_until(crate::suite::PATIENCE, "the subscription to end", async || {
        let results = world.broker.publish(vec![to("fleet.d2.commands", "f")]).await;
        matches!(results[..], [Err(PublishError::Unroutable { .. })])
    })
    .await;
    assert!(world.broker.publish(vec![to("fleet.d1.commands", "g")]).await[0].is_ok());
}
