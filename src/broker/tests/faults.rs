//! What a failing RabbitMQ must not do to Drover. In-process there is nothing that could fail so.

mod suite;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use drover_broker::{
    Batch, Broker, BrokerConfig, BrokerError, Disposition, PublishError, Target, WorkerError, WorkerOptions,
};
use drover_messages::{PlanJob, Queue};
use drover_testkit::{RabbitNode, wait_until};
use tokio::{sync::Semaphore, task::JoinSet};

use suite::{PATIENCE, Seen, config, job, outgoing, publish_all, start, start_noting, wait_depth};

fn first_queue() -> Queue {
    Queue::all().next().expect("there are queues")
}

fn impatient(url: &str, prefix: &str) -> Broker {
    Broker::rabbit(BrokerConfig { publish_deadline: Duration::from_secs(2), ..config(Some(url), prefix) })
}

/// Publishes and expects failure within the deadline.
async fn fails_in_time(broker: &Broker, queue: Queue) -> PublishError {
    let began = Instant::now();
    let result = broker.publish(vec![job(queue, 0)]).await.remove(0);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(4), "it took {took:?}");
    result.expect_err("there is no broker")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_broker_loses_nothing() {
    const JOBS: i64 = 2_000;
    let mut node = RabbitNode::start().await;
    let broker = impatient(&node.url(), "test.killed");
    let queue = first_queue();
    broker.declare_topology().await.expect("the queues can be declared");
    publish_all(&broker, (0..JOBS).map(|id| job(queue, id)).collect()).await;
    let (gate, seen) = (Arc::new(Semaphore::new(300)), Seen::new());
    let options = WorkerOptions { prefetch: 100, concurrency: 8, ..WorkerOptions::default() };
    let parts = (Arc::clone(&gate), seen.clone());
    let worker = start(&broker, queue, options, move |batch: Batch<PlanJob>| {
        let (gate, seen) = parts.clone();
        Box::pin(async move {
            if let Ok(permit) = gate.acquire().await {
                permit.forget();
            }
            seen.push(batch[0].message.job_id);
            vec![Disposition::Done]
        })
    });
    seen.reach(300).await;

    node.kill9();
    wait_until(PATIENCE, "the loss to be noticed", async || !broker.health().connected).await;
    let error = fails_in_time(&broker, queue).await;
    assert!(matches!(error, PublishError::Connection(_)), "{error:?}");
    assert!(broker.health().last_error.is_some());
    let unknown = impatient("amqp://guest:guest@127.0.0.1:1/%2f", "test.nowhere");
    fails_in_time(&unknown, queue).await;
    let error = unknown.declare_topology().await.expect_err("there is no broker");
    assert!(!error.is_fatal(), "{error}");

    node.restart().await;
    gate.add_permits(1_000_000);
    wait_until(PATIENCE, "every job to be handled", async || {
        seen.all().into_iter().collect::<BTreeSet<_>>() == (0..JOBS).collect()
    })
    .await;
    wait_until(PATIENCE, "health", async || broker.health().connected).await;
    publish_all(&broker, vec![job(queue, JOBS)]).await;
    wait_until(PATIENCE, "the last job", async || seen.all().contains(&JOBS)).await;
    worker.stop().await;
    wait_depth(&broker, queue, 0).await;
    // Only what was unsettled when the broker died may come twice.
    let twice = seen.count() - usize::try_from(JOBS + 1).expect("it is small");
    assert!(twice <= 200, "{twice} twice");
    assert_eq!(broker.peek_dead(queue, 1).await.expect("a look"), []);
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_a_living_broker_heal_or_are_told() {
    let node = RabbitNode::start().await;
    closed_connections_heal(&node).await;
    who_only_declared_is_well_again(&node).await;
    a_blocked_connection_times_out(&node).await;
    returns_are_told_from_confirms_under_load(&node).await;
    changed_arguments_are_fatal(&node).await;
    a_wrong_password_is_fatal_and_not_shown(&node).await;
    a_failed_look_hurts_nobody(&node).await;
    what_keeps_coming_back_is_dead(&node).await;
}

async fn closed_connections_heal(node: &RabbitNode) {
    let broker = Broker::rabbit(config(Some(&node.url()), "test.closed"));
    let queue = first_queue();
    broker.declare_topology().await.expect("the queues can be declared");
    let mut topic = broker.subscribe_topic("healing.#", 10).await.expect("a subscription");
    let seen = Seen::new();
    let worker = start_noting(&broker, queue, WorkerOptions::default(), &seen, Disposition::Done);
    for round in 0..2 {
        // Publishing goes on meanwhile, and what failed is published again, as the relay does.
        let publishing = async {
            let mut pending: Vec<i64> = (round * 1_000..(round + 1) * 1_000).collect();
            while !pending.is_empty() {
                let some: Vec<_> = pending.drain(..pending.len().min(100)).collect();
                let results = broker.publish(some.iter().map(|id| job(queue, *id)).collect()).await;
                pending.extend(some.into_iter().zip(results).filter(|(_, result)| result.is_err()).map(|(id, _)| id));
            }
        };
        tokio::join!(publishing, node.close_all_connections());
        wait_until(PATIENCE, "every job", async || {
            seen.all().into_iter().collect::<BTreeSet<_>>() == (0..(round + 1) * 1_000).collect()
        })
        .await;
        wait_until(PATIENCE, "the subscription to come back", async || {
            broker.publish(vec![outgoing(Target::Topic("healing.x".into()), vec![])]).await[0].is_ok()
        })
        .await;
        assert_eq!(topic.recv().await.expect("a message").routing_key, "healing.x");
    }
    worker.stop().await;
    wait_depth(&broker, queue, 0).await;
    broker.close().await;
    assert!(topic.recv().await.is_none());
}

/// Nobody lives on the connection that the queues were declared over, so nobody makes it again.
async fn who_only_declared_is_well_again(node: &RabbitNode) {
    let broker = Broker::rabbit(config(Some(&node.url()), "test.declared"));
    broker.declare_topology().await.expect("the queues can be declared");
    wait_until(PATIENCE, "health", async || broker.health().connected).await;
    node.close_all_connections().await;
    wait_until(PATIENCE, "publishing", async || broker.publish(vec![job(first_queue(), 1)]).await[0].is_ok()).await;
    wait_until(PATIENCE, "health again", async || broker.health().connected).await;
    broker.close().await;
}

async fn a_blocked_connection_times_out(node: &RabbitNode) {
    let broker = impatient(&node.url(), "test.blocked");
    let queue = first_queue();
    broker.declare_topology().await.expect("the queues can be declared");
    publish_all(&broker, vec![job(queue, 1)]).await;
    node.set_memory_alarm(true).await;
    for _ in 0..2 {
        let error = fails_in_time(&broker, queue).await;
        assert!(matches!(error, PublishError::TimedOut), "{error:?}");
    }
    let health = broker.health();
    assert!(health.connected && health.blocked, "{health:?}");
    // Consumers have a connection of their own, which is not blocked.
    let seen = Seen::new();
    let worker = start_noting(&broker, queue, WorkerOptions::default(), &seen, Disposition::Done);
    seen.reach(1).await;
    worker.stop().await;
    node.set_memory_alarm(false).await;
    wait_until(PATIENCE, "the alarm to end", async || !broker.health().blocked).await;
    publish_all(&broker, vec![job(queue, 2)]).await;
    broker.close().await;
}

async fn returns_are_told_from_confirms_under_load(node: &RabbitNode) {
    let broker = Broker::rabbit(config(Some(&node.url()), "test.returns"));
    let queue = first_queue();
    broker.declare_topology().await.expect("the queues can be declared");
    // The queue has its leader before the load begins.
    publish_all(&broker, vec![job(queue, 0)]).await;
    let mut callers = JoinSet::new();
    for caller in 0..8_u32 {
        let broker = broker.clone();
        callers.spawn(async move {
            let nobody = |n: u32| outgoing(Target::Topic(format!("nobody.{n}")), b"x".to_vec());
            let unroutable = |n: u32| n.wrapping_mul(2_654_435_761).rotate_left(caller) % 3 == 0;
            let messages = (0..1_000).map(|n| if unroutable(n) { nobody(n) } else { job(queue, n.into()) });
            let results = broker.publish(messages.collect()).await;
            for (n, result) in (0..).zip(results) {
                match result {
                    Ok(()) => assert!(!unroutable(n), "message {n} of caller {caller} went nowhere"),
                    Err(PublishError::Unroutable { reply }) => assert!(unroutable(n), "message {n}: {reply}"),
                    Err(error) => panic!("message {n}: {error}"),
                }
            }
            (0..1_000).filter(|n| !unroutable(*n)).count() as u64
        });
    }
    let routable: u64 = callers.join_all().await.into_iter().sum();
    wait_depth(&broker, queue, 1 + routable).await;
    broker.close().await;
}

async fn changed_arguments_are_fatal(node: &RabbitNode) {
    let queue = first_queue();
    let vhost = "other";
    node.ctl(&["add_vhost", vhost]).await;
    node.ctl(&["set_permissions", "--vhost", vhost, "guest", ".*", ".*", ".*"]).await;
    // A policy cannot do it: a queue of another type stands in the way.
    let code = format!(
        "rabbit_amqqueue:declare({{resource, <<\"{vhost}\">>, queue, <<\"test.changed.{queue}\">>}}, true, false, [], none, <<\"test\">>)."
    );
    node.ctl(&["eval", &code]).await;
    let broker = Broker::rabbit(config(Some(&node.url_of(vhost)), "test.changed"));
    for _ in 0..2 {
        let error = broker.declare_topology().await.expect_err("the queue is another");
        assert!(matches!(error, BrokerError::Fatal { .. }), "{error}");
        assert!(error.to_string().contains("PRECONDITION_FAILED"), "{error}");
    }
    let worker = start_noting(&broker, queue, WorkerOptions::default(), &Seen::new(), Disposition::Done);
    let error = worker.end().await.expect_err("it cannot consume");
    assert!(matches!(error, WorkerError::Broker { source: BrokerError::Fatal { .. }, .. }), "{error}");
    broker.close().await;
}

async fn a_wrong_password_is_fatal_and_not_shown(node: &RabbitNode) {
    let url = node.url().replace("guest:guest", "guest:hunter2");
    let broker = impatient(&url, "test.password");
    let error = broker.declare_topology().await.expect_err("the password is wrong");
    assert!(error.is_fatal(), "{error}");
    let health = broker.health();
    let shown = format!("{error} {error:?} {broker:?} {health:?}");
    assert!(shown.contains("ACCESS_REFUSED") && !shown.contains("hunter2"), "{shown}");
    fails_in_time(&broker, first_queue()).await;
    broker.close().await;
}

async fn a_failed_look_hurts_nobody(node: &RabbitNode) {
    let broker = Broker::rabbit(config(Some(&node.url()), "test.look"));
    let queue = first_queue();
    let seen = Seen::new();
    let worker = start_noting(&broker, queue, WorkerOptions::default(), &seen, Disposition::Done);
    // The worker declares its own queue; nobody has declared this one.
    let error = broker.depth(Queue::Reports).await.expect_err("there is no such queue");
    assert!(error.to_string().contains("NOT_FOUND"), "{error}");
    wait_until(PATIENCE, "the worker's queue", async || broker.depth(queue).await.is_ok()).await;
    publish_all(&broker, vec![job(queue, 1)]).await;
    seen.reach(1).await;
    worker.stop().await;
    broker.close().await;
}

/// A message that takes its worker down each time: no handler is left to say that it is dead.
async fn what_keeps_coming_back_is_dead(node: &RabbitNode) {
    let broker = Broker::rabbit(config(Some(&node.url()), "test.limit"));
    let queue = first_queue();
    broker.declare_topology().await.expect("the queues can be declared");
    let message = job(queue, 1);
    let id = message.message_id;
    publish_all(&broker, vec![message]).await;
    let url = node.url();
    let connection = lapin::Connection::connect(&url, lapin::ConnectionProperties::default());
    let channel = connection.await.expect("a connection").create_channel().await.expect("a channel");
    let name = format!("test.limit.{queue}");
    let mut deliveries = 0;
    wait_until(PATIENCE, "the broker to give up on the message", async || {
        let got = channel.basic_get(name.as_str().into(), lapin::options::BasicGetOptions { no_ack: false });
        if let Some(got) = got.await.expect("an answer") {
            deliveries += 1;
            let back = lapin::options::BasicNackOptions { requeue: true, multiple: false };
            assert!(got.nack(back).await.expect("an open channel"));
        }
        !broker.peek_dead(queue, 1).await.expect("a look").is_empty()
    })
    .await;
    let dead = suite::dead_messages(&broker, queue, &[id]).await;
    assert_eq!((deliveries, dead[0].reason.as_str()), (21, "delivery_limit"));
    broker.close().await;
}
