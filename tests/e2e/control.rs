//! Whole jobs at the command line, and a campaign that is paused, resumed and tried again over a real broker.

use drover_broker::{Broker, BrokerConfig};
use drover_domain::{CommandId, DeviceId, JobKind};
use drover_messages::Queue;
use drover_testkit::{RabbitNode, TestDatabase, TestPostgres, wait_until};
use tokio_postgres::Client;

use crate::support::{Campaign, Drover, PATIENCE, Setup, WORKER_ROLES};

fn said(output: &std::process::Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn a_job_is_paused_resumed_tried_again_and_cancelled_at_the_command_line() {
    let database = TestPostgres::database().await;
    let setup = Setup::new(&database.url, None);
    setup.ok(&["migrate"]);
    let campaign = Campaign::prepare(&setup, &database.url, 4).await;
    let client = database.client().await;
    let id = campaign.id().to_string();
    client
        .batch_execute(
            "UPDATE jobs SET state = 'running', started_at = now(), expires_at = now() + interval '1 h';
             UPDATE commands SET state = 'failed', finished_at = now(), deadline_at = NULL WHERE device_id < 3;
             INSERT INTO outcomes (job_id, device_id, attempt, outcome, code) SELECT job_id, device_id, 1, 'failed', '7'
                FROM commands WHERE state = 'failed';
             DELETE FROM job_tallies;
             INSERT INTO job_tallies SELECT job_id, 0, state, count(*) FROM commands GROUP BY 1, 3",
        )
        .await
        .unwrap();
    let state = async || -> String { client.query_one("SELECT state FROM jobs", &[]).await.unwrap().get(0) };

    assert_eq!(setup.ok(&["pause", &id]), format!("job {id} is paused: 2 devices wait until the job is resumed\n"));
    assert_eq!(state().await, "paused");
    let twice = setup.run(&["pause", &id]);
    assert!(!twice.status.success() && said(&twice).contains("is paused: only a job that runs"), "{}", said(&twice));
    let json: serde_json::Value = serde_json::from_str(&setup.ok(&["resume", &id, "--json"])).unwrap();
    let expected = serde_json::json!({"job": campaign.id().0, "kind": "firmware", "state": "running", "devices": 2});
    assert_eq!(json, expected);

    // Nobody is there to be asked.
    let unsure = setup.run(&["retry", &id]);
    let text = said(&unsure);
    assert!(!unsure.status.success() && text.contains("2 devices are tried again") && text.contains("--yes"), "{text}");
    let wrong = setup.run(&["retry", &id, "--yes", "--state", "succeeded"]);
    assert!(!wrong.status.success() && said(&wrong).contains("failed, timed_out, cancelled"), "{}", said(&wrong));
    let none = setup.run(&["retry", &id, "--yes", "--state", "timed_out"]);
    assert!(!none.status.success() && said(&none).contains("nothing of job"), "{}", said(&none));
    let done = setup.ok(&["retry", &id, "--yes", "--state", "failed,timed_out"]);
    assert_eq!(done, format!("job {id} runs again: 2 devices are tried again\n"));

    let unsure = setup.run(&["cancel", "--job", &id]);
    assert!(!unsure.status.success() && said(&unsure).contains("--yes"), "{}", said(&unsure));
    assert_eq!(state().await, "running");
    let command = CommandId { job: campaign.id(), device: DeviceId(1) }.to_string();
    let both = setup.run(&["cancel", "--job", &id, &command]);
    assert!(!both.status.success() && said(&both).contains("cannot be used with"), "{}", said(&both));
    setup.ok(&["cancel", "--job", &id, "--yes"]);
    assert_eq!(state().await, "cancelled");
    let unknown = setup.run(&["pause", "999999"]);
    assert!(!unknown.status.success() && said(&unknown).contains("job 999999 does not exist"), "{}", said(&unknown));

    let lines = setup.ok(&["audit", "--limit", "2"]);
    assert_eq!(lines.lines().count(), 3, "{lines}");
    assert!(lines.contains("job_cancelled") && lines.contains("command_line"), "{lines}");
    let json: serde_json::Value = serde_json::from_str(&setup.ok(&["audit", "--json", "--limit", "2"])).unwrap();
    let next = json["next"].as_str().unwrap();
    let rest: serde_json::Value = serde_json::from_str(&setup.ok(&["audit", "--json", "--before", next])).unwrap();
    let actions: Vec<&str> = [&json, &rest]
        .iter()
        .flat_map(|page| page["entries"].as_array().unwrap())
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["job_cancelled", "job_retried", "job_resumed", "job_paused"]);
}

const DEVICES: usize = 2000;

/// A broker, a fleet all of which fails, workers, and a job that runs.
struct World {
    fleet: Drover,
    workers: Drover,
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
            .with("DROVER_HTTP__PUBLIC_URL", "http://127.0.0.1:1");
        setup.ok(&["migrate"]);
        let devices = DEVICES.to_string();
        let fleet =
            setup.spawn_plain(&["simulate", "--devices", &devices, "--failure-rate", "1", "--download-sample", "0"]);
        wait_until(PATIENCE, "the fleet to listen", async || fleet.log().contains("devices listen")).await;
        let campaign = Campaign::prepare(&setup, &database.url, DEVICES).await;
        let client = database.client().await;
        let workers = setup.start(&["serve", "--roles", WORKER_ROLES]).await;
        campaign.start().await;
        Self { fleet, workers, campaign, setup, node, client, _database: database }
    }

    async fn number(&self, sql: &str) -> i64 {
        self.client.query_one(sql, &[]).await.unwrap().get(0)
    }

    async fn gone_out(&self) -> i64 {
        self.number("SELECT count(*) FROM commands WHERE sent_at IS NOT NULL").await
    }

    async fn wait_completed(&self) {
        wait_until(PATIENCE, "the job to end", async || {
            self.number("SELECT count(*) FROM jobs WHERE state = 'completed'").await == 1
        })
        .await;
    }
}

#[tokio::test]
async fn a_campaign_that_is_paused_sends_nothing_more_until_it_is_resumed() {
    let world = World::new().await;
    wait_until(PATIENCE, "commands to go out", async || world.gone_out().await >= 100).await;
    world.campaign.pause().await;
    let broker =
        Broker::rabbit(BrokerConfig { url: Some(world.node.url().parse().unwrap()), ..BrokerConfig::default() });
    let mut before = -1;
    wait_until(PATIENCE, "dispatchers to have seen it", async || {
        let waiting = broker.depth(Queue::Dispatch(JobKind::Firmware)).await.unwrap();
        let outbox = world.number("SELECT count(*) FROM outbox").await;
        let last = std::mem::replace(&mut before, world.gone_out().await);
        waiting == 0 && outbox == 0 && last == before
    })
    .await;
    let held = world.gone_out().await;
    assert!(usize::try_from(held).unwrap() < DEVICES, "it was paused too late to prove anything");

    // What is under way goes on, and the time of what waits comes and goes.
    let ended = "SELECT count(*) FROM commands WHERE sent_at IS NOT NULL AND finished_at IS NULL";
    wait_until(PATIENCE, "devices to answer", async || world.number(ended).await == 0).await;
    let due = "UPDATE commands SET deadline_at = now() WHERE state = 'queued'; UPDATE timers SET fire_at = now()";
    world.client.batch_execute(due).await.unwrap();
    let timers = "SELECT count(*) FROM timers WHERE fire_at <= now()";
    wait_until(PATIENCE, "timers to be served", async || world.number(timers).await == 0).await;
    assert_eq!((world.gone_out().await, world.number("SELECT count(*) FROM outbox").await), (held, 0));
    assert!(world.setup.ok(&["check"]).starts_with("clean"));

    world.setup.ok(&["resume", &world.campaign.id().to_string()]);
    world.wait_completed().await;
    assert_eq!(usize::try_from(world.gone_out().await).unwrap(), DEVICES);
    assert_eq!(world.number("SELECT count(*) FROM outcomes").await, i64::try_from(DEVICES).unwrap(), "each once");
    assert!(world.setup.ok(&["check"]).starts_with("clean"));
    drop(world.fleet);
}

#[tokio::test]
async fn a_retry_of_all_that_failed_outlives_the_planner_that_is_killed_in_the_middle_of_it() {
    let mut world = World::new().await;
    world.wait_completed().await;
    assert_eq!(
        usize::try_from(world.number("SELECT count(*) FROM commands WHERE state = 'failed'").await).unwrap(),
        DEVICES
    );
    world.setup.ok(&["retry", &world.campaign.id().to_string(), "--yes"]);
    let retried = "SELECT COALESCE(sum(retried), 0)::bigint FROM retries";
    wait_until(PATIENCE, "the retry to be under way", async || world.number(retried).await >= 50).await;
    world.workers.child.kill9().unwrap();
    let done = world.number(retried).await;
    assert!(usize::try_from(done).unwrap() < DEVICES, "it was killed too late to prove anything");
    let _second = world.setup.start(&["serve", "--roles", WORKER_ROLES]).await;
    world.wait_completed().await;
    assert_eq!(usize::try_from(world.number(retried).await).unwrap(), DEVICES);
    let twice = "SELECT count(*) FROM commands WHERE attempt = 2 AND state = 'failed'";
    assert_eq!(usize::try_from(world.number(twice).await).unwrap(), DEVICES, "each once more, and no more often");
    assert!(world.setup.ok(&["check"]).starts_with("clean"));
    drop(world.fleet);
}
