//! Processes die in the middle of their work, or are asked to end. Nothing is lost, nothing happens twice.

use std::{sync::Arc, time::Duration};

use drover_broker::{Broker, BrokerConfig, Outgoing, Target};
use drover_domain::JobKind;
use drover_messages::Queue;
use drover_testkit::{RabbitNode, TestDatabase, TestPostgres, wait_until};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::{Campaign, Drover, PATIENCE, Setup, WORKER_ROLES};

const DEVICES: usize = 2000;

/// A database, a broker, a fleet that answers everything well, and a job for it that has not started.
struct World {
    // The order in which they end: first what uses the others.
    fleet: Drover,
    campaign: Campaign,
    setup: Setup,
    node: RabbitNode,
    client: Client,
    _database: TestDatabase,
}

impl World {
    async fn new() -> Self {
        let (database, node) = (TestPostgres::database().await, RabbitNode::start().await);
        let setup = Setup::new(&database.url, Some(&node.url()))
            .with("DROVER_WORKERS__PLAN_CHUNK", 50)
            .with("DROVER_WORKERS__REPORT_BATCH_MAX", 20)
            .with("DROVER_HTTP__PUBLIC_URL", "http://127.0.0.1:1");
        setup.ok(&["migrate"]);
        let fleet =
            setup.spawn_plain(&["simulate", "--devices", "2000", "--failure-rate", "0", "--download-sample", "0"]);
        wait_until(PATIENCE, "the fleet to listen", async || fleet.log().contains("devices listen")).await;
        let campaign = Campaign::prepare(&setup, &database.url, DEVICES).await;
        let client = database.client().await;
        Self { fleet, campaign, setup, node, client, _database: database }
    }

    async fn count(&self, condition: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM commands WHERE {condition}");
        self.client.query_one(&sql, &[]).await.unwrap().get(0)
    }

    async fn wait_sent(&self, at_least: i64) {
        wait_until(PATIENCE, "commands to go out", async || {
            self.count("state NOT IN ('planned', 'queued')").await >= at_least
        })
        .await;
    }

    async fn assert_all_succeed_once(&self) {
        wait_until(PATIENCE, "the job to end", async || {
            let sql = "SELECT count(*) FROM jobs WHERE state = 'completed'";
            self.client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == 1
        })
        .await;
        assert_eq!(self.count("state = 'succeeded' AND attempt = 1").await, i64::try_from(DEVICES).unwrap());
        assert!(self.setup.ok(&["check"]).starts_with("clean"));
    }
}

#[tokio::test]
async fn a_worker_killed_in_the_middle_of_dispatch_loses_nothing() {
    let world = World::new().await;
    let mut first = world.setup.start(&["serve"]).await;
    world.campaign.start().await;
    world.wait_sent(100).await;
    first.child.kill9().unwrap();
    let left = world.count("state IN ('planned', 'queued')").await;
    assert!(left > 0, "it was killed too late to prove anything");
    let _second = world.setup.start(&["serve", "--roles", WORKER_ROLES]).await;
    world.assert_all_succeed_once().await;
}

#[tokio::test]
async fn a_worker_that_is_asked_to_end_drains() {
    let world = World::new().await;
    let mut first = world.setup.start(&["serve"]).await;
    let mut second = world.setup.start(&["serve", "--roles", WORKER_ROLES]).await;
    world.campaign.start().await;
    world.wait_sent(100).await;
    assert!(first.terminate().await, "it ends well:\n{}", first.log());
    world.assert_all_succeed_once().await;
    // What the first one had begun it finished: the second was given nothing that was already recorded.
    let kept: i64 = world.client.query_one("SELECT count(*) FROM unapplied_reports", &[]).await.unwrap().get(0);
    assert_eq!(kept, 0);
    assert!(second.terminate().await, "{}", second.log());
}

#[tokio::test]
async fn a_broker_killed_with_work_queued_loses_nothing() {
    let mut world = World::new().await;
    let _worker = world.setup.start(&["serve"]).await;
    world.campaign.start().await;
    world.wait_sent(100).await;
    world.node.kill9();
    world.node.restart().await;
    // Commands to simulated devices that were in the fleet's own, transient queue died with the broker. Their attempt's
    // deadline would bring them back in an hour: here the clock is helped.
    wait_until(PATIENCE, "the rest to be answered", async || {
        let sql = "UPDATE commands SET deadline_at = now(), retries_left = 1 WHERE state = 'sent' AND updated_at < now() - interval '5 s'";
        world.client.execute(sql, &[]).await.unwrap();
        world.client.execute("UPDATE timers SET fire_at = now()", &[]).await.unwrap();
        world.count("finished_at IS NULL").await == 0
    })
    .await;
    assert_eq!(world.count("state = 'succeeded'").await, i64::try_from(DEVICES).unwrap());
    assert!(world.setup.ok(&["check"]).starts_with("clean"));
    assert!(world.fleet.child.try_wait().unwrap().is_none(), "the fleet reconnects by itself");
}

#[tokio::test]
async fn poison_goes_to_the_dead_letters_and_its_neighbours_go_through() {
    let world = World::new().await;
    let worker = world.setup.start(&["serve"]).await;
    let url = Some(world.node.url().parse().unwrap());
    let broker = Arc::new(Broker::rabbit(BrokerConfig { url, ..BrokerConfig::default() }));
    let queues = [Queue::Jobs(JobKind::Firmware), Queue::Dispatch(JobKind::Firmware), Queue::Reports];
    let poison = |queue| Outgoing {
        message_id: Uuid::from_u128(7),
        target: Target::Queue(queue),
        body: b"\xff not a message".to_vec(),
        trace: None,
        expires_after: None,
    };
    for result in broker.publish(queues.map(poison).into()).await {
        result.unwrap();
    }
    // A device that speaks for another, and one that nobody knows.
    let lie = |uuid: &str| Outgoing {
        message_id: Uuid::from_u128(8),
        target: Target::Topic(format!("devices.{uuid}.reports")),
        body: format!(r#"{{"command_id": {}, "attempt": 1, "status": "succeeded"}}"#, world.campaign.command_of(1))
            .into_bytes(),
        trace: None,
        expires_after: None,
    };
    for result in broker.publish(vec![lie("sim-000002"), lie("nobody")]).await {
        result.unwrap();
    }
    world.campaign.start().await;
    world.assert_all_succeed_once().await;
    // Lies are counted and no more, for whoever has a device's login can tell any number of them.
    wait_until(Duration::from_secs(10), "the lies to be counted", async || {
        worker.metric("drover_reports_total", &["result=\"unknown\""]).await >= 2.0
    })
    .await;
    let kept: i64 = world.client.query_one("SELECT count(*) FROM unapplied_reports", &[]).await.unwrap().get(0);
    assert_eq!(kept, 0);
    for queue in queues {
        let sql = "SELECT message_id, reason, body FROM dead_letters WHERE queue = $1";
        let letters = async || world.client.query(sql, &[&queue.to_string()]).await.unwrap();
        wait_until(PATIENCE, "the dead letters", async || letters().await.len() == 1).await;
        let letter = &letters().await[0];
        assert_eq!(letter.get::<_, Option<Uuid>>("message_id"), Some(Uuid::from_u128(7)));
        assert!(!letter.get::<_, &str>("reason").is_empty() && letter.get::<_, &[u8]>("body").starts_with(b"\xff"));
        wait_until(PATIENCE, "the broker to forget it", async || {
            broker.peek_dead(queue, 10).await.is_ok_and(|found| found.is_empty())
        })
        .await;
    }
    broker.close().await;
}

#[tokio::test]
async fn the_embedded_mode_goes_on_after_a_kill() {
    let database = TestPostgres::database().await;
    // Everything in one process, its broker too: what that held is gone.
    let setup = Setup::new(&database.url, None)
        .with("DROVER_WORKERS__PLAN_CHUNK", 50)
        .with("DROVER_WORKERS__RETRY_BACKOFF_BASE_S", 1)
        .with("DROVER_WORKERS__RETRY_BACKOFF_MAX_S", 1);
    let mut first = setup.start(&["up", "--demo", "--devices", "1000"]).await;
    let client = database.client().await;
    let count = async |condition: &str| -> i64 {
        client.query_one(&format!("SELECT count(*) FROM commands WHERE {condition}"), &[]).await.unwrap().get(0)
    };
    wait_until(PATIENCE, "commands to go out", async || count("state = 'sent'").await >= 100).await;
    first.child.kill9().unwrap();
    assert!(count("finished_at IS NULL").await > 0, "it was killed too late to prove anything");
    let mut second = setup.start(&["up"]).await;
    // The devices died with the first process: nobody listens for those that wait, and those that were asked stay silent.
    // Each ends all the same; here its time is up at once.
    client.execute("UPDATE jobs SET expires_at = now()", &[]).await.unwrap();
    wait_until(PATIENCE, "every command to end", async || {
        client.execute("UPDATE commands SET deadline_at = now() WHERE deadline_at > now()", &[]).await.unwrap();
        client.execute("UPDATE timers SET fire_at = now()", &[]).await.unwrap();
        count("finished_at IS NULL").await == 0
    })
    .await;
    assert_eq!(count("true").await, 1000);
    assert!(setup.ok(&["check"]).starts_with("clean"));
    assert!(second.terminate().await, "{}", second.log());
}
