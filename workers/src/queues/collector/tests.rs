//! Against a real database and both brokers.
#![allow(clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use drover_broker::{Batch, BrokerConfig, Disposition, Handler, Outgoing, Target, WorkerOptions, run_worker};
use drover_messages::{Message, PlanJob};
use drover_store::{StoreOptions, TlsMode, migrate, queues::dead_letters::DeadLetter};
use drover_testkit::{RabbitNode, TestDatabase, TestPostgres, wait_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;

const PATIENCE: Duration = Duration::from_mins(1);

fn dead(id: Option<u128>, body: &[u8]) -> DeadMessage {
    DeadMessage {
        body: body.to_vec().into(),
        reason: "a\0b".into(),
        routing_key: "devices.d.reports".into(),
        message_id: id.map(Uuid::from_u128),
        broker_attempt: 3,
        trace: None,
    }
}

#[test]
fn the_job_is_told_by_most_bodies() {
    assert_eq!(job(&PlanJob { job_id: 3001 }.encode().unwrap()), Some(3001));
    let command = CommandId { job: drover_domain::JobId(3001), device: drover_domain::DeviceId(7) }.to_i64();
    assert_eq!(job(format!(r#"{{"command_id":{command},"attempt":1}}"#).as_bytes()), Some(3001));
    for odd in [&b""[..], b"\xff", b"[]", br#"{"job_id":-1}"#, br#"{"job_id":"3001"}"#, br#"{"command_id":0}"#] {
        assert_eq!(job(odd), None, "{odd:?}");
    }
}

#[test]
fn one_id_is_one_letter_and_nothing_in_it_is_refused_by_the_database() {
    let found =
        letters(Queue::Reports, &[dead(Some(1), b"a"), dead(None, b"b"), dead(Some(1), b"c"), dead(None, b"b")]);
    let bodies: Vec<&[u8]> = found.iter().map(|letter| letter.body.as_slice()).collect();
    assert_eq!(bodies, [b"b", b"c", b"b"]);
    assert_eq!((found[0].reason.as_str(), found[0].broker_attempt), ("a\u{fffd}b", 3));
    assert_eq!(found[0].routing_key.as_deref(), Some("devices.d.reports"));
    assert_eq!(letter(Queue::parse("jobs.push").unwrap(), &dead(None, b"b")).routing_key, None);
}

async fn store() -> (Store, TestDatabase) {
    let database = TestPostgres::database().await;
    let options = StoreOptions {
        url: database.url.clone(),
        pool_size: 2,
        wait_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_mins(1),
        tls: TlsMode::Disable,
    };
    let store = Store::new(&options).unwrap();
    migrate::run(&store).await.unwrap();
    (store, database)
}

struct Undertaker;

impl Handler<PlanJob> for Undertaker {
    async fn handle(&self, batch: Batch<PlanJob>) -> Vec<Disposition> {
        Disposition::for_all(batch.len(), &Disposition::Dead { reason: "no such job".into() })
    }
}

/// Has a worker give up on messages.
async fn bury(broker: &Broker, queue: Queue, jobs: std::ops::Range<i64>) {
    broker.declare_topology().await.unwrap();
    let expected = usize::try_from(jobs.end - jobs.start).unwrap();
    let before = broker.peek_dead(queue, 10_000).await.unwrap().len();
    let stop = CancellationToken::new();
    let worker = run_worker(broker.clone(), queue, WorkerOptions::default(), Arc::new(Undertaker), stop.clone());
    let worker = tokio::spawn(worker);
    for job_id in jobs {
        let (target, body) = (Target::Queue(queue), PlanJob { job_id }.encode().unwrap());
        let message = Outgoing {
            message_id: Uuid::from_u128(job_id.unsigned_abs().into()),
            target,
            body,
            trace: None,
            expires_after: None,
        };
        wait_until(PATIENCE, "the message to be published", async || {
            broker.publish(vec![message.clone()]).await.pop().unwrap().is_ok()
        })
        .await;
    }
    wait_until(PATIENCE, "all to be dead", async || {
        broker.peek_dead(queue, 10_000).await.is_ok_and(|dead| dead.len() == before + expected)
    })
    .await;
    stop.cancel();
    worker.await.unwrap().unwrap();
}

async fn kept(store: &Store, queue: Queue) -> Vec<DeadLetter> {
    let client = store.client().await.unwrap();
    dead_letters::list(&client, Some(&queue.to_string()), "", i64::MAX, 1_000).await.unwrap().letters
}

async fn is_killed_between_the_rows_and_the_broker(broker: &Broker, another: &Broker) {
    let (store, _database) = store().await;
    let queue = Queue::parse("jobs.push").unwrap();
    bury(broker, queue, 1..4).await;
    // As far as a process comes that is killed there.
    let taken = broker.take_dead(queue, 10).await.unwrap();
    assert_eq!(taken.messages().len(), 3);
    let client = store.client().await.unwrap();
    dead_letters::keep(&client, &queue.to_string(), &letters(queue, taken.messages())).await.unwrap();
    drop((taken, client));
    let ids: Vec<i64> = kept(&store, queue).await.into_iter().map(|letter| letter.id).collect();
    // And another that comes after it.
    wait_until(PATIENCE, "the messages to be back", async || {
        another.peek_dead(queue, 10).await.is_ok_and(|dead| dead.len() == 3)
    })
    .await;
    collect(&store, another, queue, &CancellationToken::new()).await.unwrap();
    let letters = kept(&store, queue).await;
    assert_eq!(letters.iter().map(|letter| letter.id).collect::<Vec<_>>(), ids);
    assert!(letters.iter().all(|letter| letter.reason == "no such job" && letter.job.is_some()));
    assert_eq!(another.peek_dead(queue, 10).await.unwrap(), []);
}

#[tokio::test]
async fn killed_between_the_rows_and_the_broker_nothing_is_lost_or_double() {
    let broker = Broker::in_process();
    is_killed_between_the_rows_and_the_broker(&broker, &broker).await;
    let node = RabbitNode::start().await;
    let connect = || Broker::rabbit(BrokerConfig { url: Some(node.url().parse().unwrap()), ..BrokerConfig::default() });
    let (broker, another) = (connect(), connect());
    is_killed_between_the_rows_and_the_broker(&broker, &another).await;
    broker.close().await;
    another.close().await;
}

#[tokio::test]
async fn what_there_is_no_room_for_stays_at_the_broker() {
    let (store, _database) = store().await;
    let (broker, queue) = (Broker::in_process(), Queue::parse("jobs.push").unwrap());
    let fill = "INSERT INTO dead_letters (queue, body, reason, broker_attempt, trace_context)
        SELECT 'jobs.push', '', '', 0, '' FROM generate_series(1, 9998)";
    store.client().await.unwrap().execute(fill, &[]).await.unwrap();
    bury(&broker, queue, 1..6).await;
    let stop = CancellationToken::new();
    collect(&store, &broker, queue, &stop).await.unwrap();
    assert_eq!(broker.peek_dead(queue, 10).await.unwrap().len(), 3);
    store.client().await.unwrap().execute("DELETE FROM dead_letters WHERE body = ''", &[]).await.unwrap();
    collect(&store, &broker, queue, &stop).await.unwrap();
    assert_eq!((broker.peek_dead(queue, 10).await.unwrap().len(), kept(&store, queue).await.len()), (0, 5));
}

#[tokio::test]
async fn who_is_to_end_takes_nothing_more() {
    let (store, _database) = store().await;
    let (broker, queue, stop) = (Broker::in_process(), Queue::parse("jobs.push").unwrap(), CancellationToken::new());
    bury(&broker, queue, 1..3).await;
    stop.cancel();
    collect(&store, &broker, queue, &stop).await.unwrap();
    assert_eq!((broker.peek_dead(queue, 10).await.unwrap().len(), kept(&store, queue).await.len()), (2, 0));
}
