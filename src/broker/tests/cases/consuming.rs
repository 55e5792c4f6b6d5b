//! How messages reach handlers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use drover_broker::{Batch, BrokerConfig, Disposition, MAX_REPORT_BYTES, Target, WorkerOptions};
use drover_messages::{DeviceReport, Message, PlanJob, Queue, TraceContext};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::World;
use crate::suite::{PATIENCE, Seen, dead_messages, job, outgoing, publish_all, start, start_noting, wait_depth};

pub(super) async fn messages_arrive_in_order_with_what_belongs_to_them(world: World, queue: Queue) {
    let trace = TraceContext::root(7, 9);
    let mut messages: Vec<_> = (0..200).map(|id| job(queue, id)).collect();
    messages[3].trace = Some(trace);
    let ids: Vec<_> = messages.iter().map(|message| Some(message.message_id)).collect();
    publish_all(&world.broker, messages).await;
    wait_depth(&world.broker, queue, 200).await;
    let seen = Seen::new();
    let options = WorkerOptions { concurrency: 1, ..WorkerOptions::default() };
    let note = seen.clone();
    let worker = start(&world.broker, queue, options, move |batch: Batch<PlanJob>| {
        assert_eq!(batch.queue, queue);
        for delivery in batch {
            note.push(delivery);
        }
        Box::pin(async { vec![Disposition::Done] })
    });
    seen.reach(200).await;
    worker.stop().await;
    let seen = seen.all();
    assert_eq!(seen.iter().map(|delivery| delivery.message.job_id).collect::<Vec<_>>(), (0..200).collect::<Vec<_>>());
    assert_eq!(seen.iter().map(|delivery| delivery.message_id).collect::<Vec<_>>(), ids);
    assert_eq!((seen[3].trace, seen[4].trace), (Some(trace), None));
    assert!(seen.iter().all(|delivery| delivery.broker_attempt == 0 && !delivery.redelivered));
    assert_eq!(world.broker.depth(queue).await.expect("a depth"), 0);
}

pub(super) async fn poison_is_put_aside_with_its_reason_and_its_neighbours_go_through(world: World, queue: Queue) {
    let poison = b"\xff not a message".to_vec();
    let mut sick = outgoing(Target::Queue(queue), poison.clone());
    sick.trace = Some(TraceContext::root(1, 2));
    let (id, trace) = (sick.message_id, sick.trace);
    let other = outgoing(Target::Queue(queue), br#"{"name":"other","version":1,"body":{}}"#.to_vec());
    let other_id = other.message_id;
    publish_all(&world.broker, vec![job(queue, 1), sick, job(queue, 2), other, job(queue, 3)]).await;
    let seen = Seen::new();
    let options = WorkerOptions { batch_max: 10, batch_wait: Duration::from_millis(20), ..WorkerOptions::default() };
    let worker = start_noting(&world.broker, queue, options, &seen, Disposition::Done);
    seen.reach(3).await;
    let dead = dead_messages(&world.broker, queue, &[id, other_id]).await;
    assert_eq!((&dead[0].body[..], dead[0].message_id, dead[0].trace), (&poison[..], Some(id), trace));
    assert!(dead[0].reason.starts_with("malformed message"), "{}", dead[0].reason);
    assert_eq!(dead[1].reason, "expected a plan_job message, found other");
    publish_all(&world.broker, vec![job(queue, 4)]).await;
    seen.reach(4).await;
    worker.stop().await;
    assert_eq!(seen.all(), [1, 2, 3, 4]);
    assert_eq!(world.broker.depth(queue).await.expect("a depth"), 0);
}

/// [`PlanJob`] as the next release might have it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct PlanJob2 {
    job_id: i64,
    urgent: bool,
}

impl Message for PlanJob2 {
    const NAME: &'static str = PlanJob::NAME;
    const VERSION: u16 = PlanJob::VERSION + 1;
}

pub(super) async fn a_newer_version_is_left_for_a_newer_worker(world: World, queue: Queue) {
    let newer = PlanJob2 { job_id: 2, urgent: true }.encode().expect("it encodes");
    let newer = outgoing(Target::Queue(queue), newer);
    let id = newer.message_id;
    publish_all(&world.broker, vec![newer, job(queue, 1)]).await;
    let old = Seen::new();
    let old_worker = start_noting(&world.broker, queue, WorkerOptions::default(), &old, Disposition::Done);
    old.reach(1).await;
    // Long enough for the old worker to have met the newer message more than once, and still to have left it.
    let mut rounds = tokio::time::interval(Duration::from_millis(500));
    for id in 3..6 {
        rounds.tick().await;
        publish_all(&world.broker, vec![job(queue, id)]).await;
    }
    old.reach(4).await;
    old_worker.stop().await;
    let new = Seen::new();
    let note = new.clone();
    let new_worker = start(&world.broker, queue, WorkerOptions::default(), move |batch: Batch<PlanJob2>| {
        note.push((batch[0].message.job_id, batch[0].message.urgent, batch[0].broker_attempt));
        Box::pin(async { vec![Disposition::Done] })
    });
    new.reach(1).await;
    new_worker.stop().await;
    assert_eq!(new.all(), [(2, true, 0)]);
    assert_eq!(old.all(), [1, 3, 4, 5]);
    let dead = world.broker.peek_dead(queue, 10).await.expect("a look");
    assert!(dead.iter().all(|message| message.message_id != Some(id)));
}

pub(super) async fn a_version_that_nobody_reads_is_dead_in_the_end(world: World, queue: Queue) {
    let broker = world.another("test.unread", |config| BrokerConfig { newer_max_waits: 2, ..config });
    broker.declare_topology().await.expect("the queues can be declared");
    let body = PlanJob2 { job_id: 2, urgent: true }.encode().expect("it encodes");
    let newer = outgoing(Target::Queue(queue), body.clone());
    let id = newer.message_id;
    let seen = Seen::new();
    // What a handler puts off because something else is away counts for nothing.
    let worker = start(&broker, queue, WorkerOptions::default(), {
        let seen = seen.clone();
        move |_: Batch<PlanJob>| {
            seen.push(());
            let again = Disposition::Later { after: Duration::from_millis(100) };
            let disposition = if seen.count() > 5 { Disposition::Done } else { again };
            Box::pin(async { vec![disposition] })
        }
    });
    let began = Instant::now();
    publish_all(&broker, vec![newer, job(queue, 1)]).await;
    let dead = dead_messages(&broker, queue, &[id]).await;
    assert!(began.elapsed() >= Duration::from_millis(100 + 300), "it waited twice, and the second time longer");
    seen.reach(6).await;
    worker.stop().await;
    assert!(dead[0].reason.starts_with("nobody could read this version, after 2 waits: "), "{}", dead[0].reason);
    assert_eq!((dead[0].broker_attempt, &dead[0].body[..]), (0, &body[..]));
    assert_eq!(broker.peek_dead(queue, 10).await.expect("a look").len(), 1);
    broker.close().await;
}

pub(super) async fn batches_fill_up_to_their_limit(world: World, queue: Queue) {
    publish_all(&world.broker, (0..95).map(|id| job(queue, id)).collect()).await;
    wait_depth(&world.broker, queue, 95).await;
    let sizes = Seen::new();
    let note = sizes.clone();
    let options = WorkerOptions {
        prefetch: 200,
        batch_max: 30,
        batch_wait: Duration::from_millis(500),
        concurrency: 1,
        ..WorkerOptions::default()
    };
    let worker = start(&world.broker, queue, options, move |batch: Batch<PlanJob>| {
        note.push(batch.len());
        Box::pin(async move { Disposition::for_all(batch.len(), &Disposition::Done) })
    });
    sizes.reach(4).await;
    worker.stop().await;
    assert_eq!(sizes.all(), [30, 30, 30, 5]);
    wait_depth(&world.broker, queue, 0).await;
}

pub(super) async fn no_more_batches_than_allowed_are_handled_at_a_time(world: World, queue: Queue) {
    publish_all(&world.broker, (0..12).map(|id| job(queue, id)).collect()).await;
    let gate = Arc::new(Semaphore::new(0));
    let (now, most, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Seen::new());
    let options = WorkerOptions { prefetch: 12, concurrency: 3, ..WorkerOptions::default() };
    let handler_parts = (Arc::clone(&gate), Arc::clone(&now), Arc::clone(&most), done.clone());
    let worker = start(&world.broker, queue, options, move |_: Batch<PlanJob>| {
        let (gate, now, most, done) = handler_parts.clone();
        Box::pin(async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let _permit = gate.acquire().await;
            now.fetch_sub(1, Ordering::SeqCst);
            done.push(());
            vec![Disposition::Done]
        })
    });
    drover_testkit::wait_until(PATIENCE, "three handlers at a time", async || now.load(Ordering::SeqCst) == 3).await;
    gate.add_permits(100);
    done.reach(12).await;
    worker.stop().await;
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

pub(super) async fn two_workers_share_a_queue(world: World, queue: Queue) {
    let barrier = Arc::new(tokio::sync::Barrier::new(2));
    let seen = Seen::new();
    let options = WorkerOptions { prefetch: 1, concurrency: 1, ..WorkerOptions::default() };
    let workers: Vec<_> = ["one", "two"]
        .map(|name| {
            let (barrier, seen) = (Arc::clone(&barrier), seen.clone());
            let options = WorkerOptions { name: name.into(), ..options.clone() };
            start(&world.broker, queue, options, move |batch: Batch<PlanJob>| {
                let (barrier, seen) = (Arc::clone(&barrier), seen.clone());
                Box::pin(async move {
                    // Passes only when both workers have a message.
                    barrier.wait().await;
                    seen.push((name, batch[0].message.job_id));
                    vec![Disposition::Done]
                })
            })
        })
        .into();
    publish_all(&world.broker, (0..10).map(|id| job(queue, id)).collect()).await;
    seen.reach(10).await;
    for worker in workers {
        worker.stop().await;
    }
    let mut ids: Vec<_> = seen.all().iter().map(|(_, id)| *id).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..10).collect::<Vec<_>>());
    assert_eq!(seen.all().iter().filter(|(name, _)| *name == "one").count(), 5);
}

fn report(device: &str, command_id: i64) -> drover_broker::Outgoing {
    let body = format!(r#"{{"command_id":{command_id},"attempt":1,"status":"succeeded"}}"#);
    outgoing(Target::Topic(format!("devices.{device}.reports")), body.into())
}

pub(super) async fn reports_come_in_batches_under_their_devices_key(world: World, queue: Queue) {
    publish_all(&world.broker, (0..1_000).map(|id| report(&format!("d{id}"), id)).collect()).await;
    let (seen, sizes) = (Seen::new(), Seen::new());
    let notes = (seen.clone(), sizes.clone());
    let options = WorkerOptions {
        prefetch: 2_000,
        batch_max: 500,
        batch_wait: Duration::from_millis(10),
        concurrency: 2,
        ..WorkerOptions::default()
    };
    let worker = start(&world.broker, queue, options, move |batch: Batch<DeviceReport>| {
        let (seen, sizes) = notes.clone();
        sizes.push(batch.len());
        for delivery in &batch {
            seen.push((delivery.message.command_id, delivery.message.device_uuid.clone()));
        }
        Box::pin(async move { Disposition::for_all(batch.len(), &Disposition::Done) })
    });
    seen.reach(1_000).await;
    worker.stop().await;
    let mut seen = seen.all();
    seen.sort();
    assert_eq!(seen, (0..1_000).map(|id| (id, format!("d{id}"))).collect::<Vec<_>>());
    assert!(sizes.count() < 200, "{} batches of 1,000 reports", sizes.count());
    assert!(sizes.all().iter().all(|size| *size <= 500));
    wait_depth(&world.broker, queue, 0).await;
}

pub(super) async fn a_retried_report_keeps_its_device(world: World, queue: Queue) {
    let seen = Seen::new();
    let note = seen.clone();
    let worker = start(&world.broker, queue, WorkerOptions::default(), move |batch: Batch<DeviceReport>| {
        let first = &batch[0];
        note.push((first.message.device_uuid.clone(), first.broker_attempt));
        let disposition = match first.broker_attempt {
            0 => Disposition::Retry { after: Duration::ZERO, reason: "busy".into() },
            1 => Disposition::Dead { reason: "enough".into() },
            more => panic!("attempt {more}"),
        };
        Box::pin(async { vec![disposition] })
    });
    let message = report("d7", 1);
    let id = message.message_id;
    publish_all(&world.broker, vec![message]).await;
    seen.reach(2).await;
    let dead = dead_messages(&world.broker, queue, &[id]).await.remove(0);
    worker.stop().await;
    assert_eq!(seen.all(), [("d7".to_owned(), 0), ("d7".to_owned(), 1)]);
    assert_eq!((dead.routing_key.as_str(), dead.reason.as_str()), ("devices.d7.reports", "enough"));
    assert_eq!(dead.broker_attempt, 1);
}

pub(super) async fn a_report_that_is_too_large_is_dead_and_cut(world: World, queue: Queue) {
    let seen = Seen::new();
    let note = seen.clone();
    let worker = start(&world.broker, queue, WorkerOptions::default(), move |batch: Batch<DeviceReport>| {
        note.push(batch[0].message.command_id);
        Box::pin(async { vec![Disposition::Done] })
    });
    // Both are reports that could be read, but for their size.
    let padded = |command_id, size_bytes| {
        let mut message = report("d8", command_id);
        message.body.resize(size_bytes, b' ');
        message
    };
    let (too_large, largest) = (padded(1, MAX_REPORT_BYTES + 1), padded(2, MAX_REPORT_BYTES));
    let (id, body) = (too_large.message_id, too_large.body.clone());
    publish_all(&world.broker, vec![too_large, largest, report("d8", 3)]).await;
    seen.reach(2).await;
    let dead = dead_messages(&world.broker, queue, &[id]).await.remove(0);
    worker.stop().await;
    assert_eq!(seen.all(), [2, 3]);
    assert_eq!((&dead.body[..], dead.routing_key.as_str()), (&body[..1_024], "devices.d8.reports"));
    assert_eq!(dead.reason, "too large: 65537 bytes where 65536 are allowed; the first 1024 are kept");
}

pub(super) async fn a_report_of_another_version_waits_less_often_than_work(world: World, queue: Queue) {
    let broker = world.another("test.reports", |config| BrokerConfig { newer_max_waits_of_reports: 1, ..config });
    broker.declare_topology().await.expect("the queues can be declared");
    let worker = start(&broker, queue, WorkerOptions::default(), |_: Batch<DeviceReport>| unreachable!("it is newer"));
    let newer = outgoing(Target::Queue(queue), br#"{"v":99}"#.to_vec());
    let id = newer.message_id;
    publish_all(&broker, vec![newer]).await;
    let dead = dead_messages(&broker, queue, &[id]).await.remove(0);
    worker.stop().await;
    assert!(dead.reason.starts_with("nobody could read this version, after 1 waits: "), "{}", dead.reason);
    broker.close().await;
}
