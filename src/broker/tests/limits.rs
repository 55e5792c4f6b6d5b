//! What one device with a valid login publishes must not hurt the others.

mod suite;

use drover_broker::{Batch, Broker, BrokerConfig, Disposition, MAX_BODY_BYTES, Target, WorkerOptions};
use drover_messages::{DeviceReport, Queue};
use drover_testkit::{RabbitNode, wait_for, wait_until};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicNackOptions, BasicPublishOptions, ConfirmSelectOptions},
    types::{AMQPValue, FieldTable, LongString},
};
use uuid::Uuid;

use suite::{
    PATIENCE, Running, Seen, config, dead_messages, job, outgoing, publish_all, start, start_noting, wait_depth,
};

const REPORT: &[u8] = br#"{"command_id":1,"attempt":1,"status":"failed"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn one_device_hurts_nobody() {
    let node = RabbitNode::start().await;
    a_body_that_cannot_be_moved_is_dead_and_cut(&node).await;
    headers_of_strangers_are_survived_and_left_behind(&node).await;
    dead_reports_are_bounded(&node).await;
    what_the_broker_gives_up_on_is_its_devices_whatever_its_headers_say(&node).await;
}

/// A channel that checks nothing, unlike our publisher.
async fn stranger(node: &RabbitNode) -> Channel {
    let url = node.url();
    let connection = Connection::connect(&url, ConnectionProperties::default());
    let channel = connection.await.expect("a connection").create_channel().await.expect("a channel");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    channel
}

async fn publish(channel: &Channel, to: (&str, &str), body: &[u8], properties: BasicProperties) -> Uuid {
    let id = Uuid::new_v4();
    let properties = properties.with_message_id(id.to_string().into());
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let publish = channel.basic_publish(to.0.into(), to.1.into(), options, body, properties);
    let confirm = publish.await.expect("it is sent").await.expect("it is confirmed");
    assert!(confirm.is_ack() && confirm.take_message().is_none(), "a queue takes it");
    id
}

fn start_reading(broker: &Broker, seen: &Seen<String>) -> Running {
    let seen = seen.clone();
    start(broker, Queue::Reports, WorkerOptions::default(), move |batch: Batch<DeviceReport>| {
        seen.push(batch[0].message.device_uuid.clone());
        let disposition = match batch[0].broker_attempt {
            0 => Disposition::Retry { after: std::time::Duration::ZERO, reason: "once more".into() },
            _ => Disposition::Done,
        };
        Box::pin(async { vec![disposition] })
    })
}

async fn a_body_that_cannot_be_moved_is_dead_and_cut(node: &RabbitNode) {
    let broker = Broker::rabbit(config(Some(&node.url()), "test.large"));
    broker.declare_topology().await.expect("the queues can be declared");
    let work = Queue::all().next().expect("there are queues");
    let (jobs, reports) = (Seen::new(), Seen::new());
    let workers = [
        start_noting(&broker, work, WorkerOptions::default(), &jobs, Disposition::Done),
        start_reading(&broker, &reports),
    ];
    let (channel, large) = (stranger(node).await, vec![b'x'; MAX_BODY_BYTES + 1]);
    let name = format!("test.large.{work}");
    for (queue, to) in [(work, ("", name.as_str())), (Queue::Reports, ("amq.topic", "devices.d1.reports"))] {
        let id = publish(&channel, to, &large, BasicProperties::default()).await;
        let dead = dead_messages(&broker, queue, &[id]).await.remove(0);
        assert_eq!(&dead.body[..], &large[..1_024]);
        assert!(dead.reason.starts_with("too large: 8388609 bytes"), "{}", dead.reason);
    }
    publish_all(&broker, vec![job(work, 1)]).await;
    jobs.reach(1).await;
    for (worker, queue) in workers.into_iter().zip([work, Queue::Reports]) {
        worker.stop().await;
        wait_depth(&broker, queue, 0).await;
    }
    broker.close().await;
}

/// Over MQTT 5, user properties become headers. Ours have to fit beside them, and to travel without them.
async fn headers_of_strangers_are_survived_and_left_behind(node: &RabbitNode) {
    let broker = Broker::rabbit(config(Some(&node.url()), "test.headers"));
    broker.declare_topology().await.expect("the queues can be declared");
    let seen = Seen::new();
    let worker = start_reading(&broker, &seen);
    let channel = stranger(node).await;
    // The broker takes no frame above 128 KiB: what is left would not do for a reason.
    let mut headers = FieldTable::default();
    headers.insert("burden".into(), AMQPValue::LongString(LongString::from(vec![b'x'; 130_500])));
    let heavy = BasicProperties::default().with_headers(headers);
    publish(&channel, ("amq.topic", "devices.d1.reports"), REPORT, heavy.clone()).await;
    let poison = format!("{}{}", "x".repeat(1_000), "\u{1f4a3}".repeat(1_000));
    let id = publish(&channel, ("amq.topic", "devices.d1.reports"), poison.as_bytes(), heavy).await;
    publish(&channel, ("amq.topic", "devices.d2.reports"), REPORT, BasicProperties::default()).await;
    // Each is retried once.
    seen.reach(4).await;
    let dead = dead_messages(&broker, Queue::Reports, &[id]).await.remove(0);
    assert!(dead.reason.starts_with("malformed"), "{}", dead.reason);
    let mut seen = seen.all();
    seen.sort();
    assert_eq!(seen, ["d1", "d1", "d2", "d2"]);
    worker.stop().await;
    wait_depth(&broker, Queue::Reports, 0).await;
    broker.close().await;
}

async fn dead_reports_are_bounded(node: &RabbitNode) {
    const KEPT: u32 = 20;
    let bounded = BrokerConfig { dead_reports_max: KEPT, ..config(Some(&node.url()), "test.bounded") };
    let broker = Broker::rabbit(bounded);
    broker.declare_topology().await.expect("the queues can be declared");
    let worker = start_reading(&broker, &Seen::new());
    let poison = || outgoing(Target::Queue(Queue::Reports), b"poison".to_vec());
    let messages: Vec<_> = (0..3 * KEPT).map(|_| poison()).collect();
    publish_all(&broker, messages).await;
    let last = poison();
    let id = last.message_id;
    wait_depth(&broker, Queue::Reports, 0).await;
    publish_all(&broker, vec![last]).await;
    // The newest are kept.
    dead_messages(&broker, Queue::Reports, &[id]).await;
    wait_until(PATIENCE, "the oldest to be dropped", async || {
        let dead = broker.peek_dead(Queue::Reports, 1_000).await;
        dead.is_ok_and(|dead| dead.len() == KEPT as usize && dead.iter().any(|dead| dead.message_id == Some(id)))
    })
    .await;
    worker.stop().await;
    broker.close().await;
}

/// A report that came back too often is moved by the broker, with the headers that its device gave it. It is sent again under
/// the key that it came with, never under one that they name.
async fn what_the_broker_gives_up_on_is_its_devices_whatever_its_headers_say(node: &RabbitNode) {
    let broker = Broker::rabbit(config(Some(&node.url()), "test.forged"));
    broker.declare_topology().await.expect("the queues can be declared");
    let channel = stranger(node).await;
    let mut headers = FieldTable::default();
    let text = |text: &str| AMQPValue::LongString(LongString::from(text));
    headers.insert("x-drover-routing-key".into(), text("devices.victim.reports"));
    headers.insert("x-drover-reason".into(), text("all is well"));
    headers.insert("x-death".into(), text("devices.victim.reports"));
    let forged = BasicProperties::default().with_headers(headers);
    let id = publish(&channel, ("amq.topic", "devices.mallory.reports"), REPORT, forged).await;
    let taken = wait_for(PATIENCE, "the broker to give it up", async || {
        let get = channel.basic_get("test.forged.reports".into(), BasicGetOptions { no_ack: false });
        if let Ok(Some(got)) = get.await {
            let back = BasicNackOptions { multiple: false, requeue: true };
            got.delivery.acker.nack(back).await.expect("it goes back");
        }
        broker.take_dead(Queue::Reports, 10).await.ok().filter(|taken| !taken.messages().is_empty())
    })
    .await;
    let dead = &taken.messages()[0];
    assert_eq!((dead.message_id, dead.routing_key.as_str()), (Some(id), "devices.mallory.reports"));
    assert_eq!((dead.reason.as_str(), dead.broker_attempt), ("delivery_limit", 0));
    taken.forget().await.expect("it goes");
    broker.close().await;
}
