//! The simulated fleet over MQTT: every device logs in itself, and some lose their connection again and again.

use std::fs;

use drover_domain::ChannelKind;
use drover_testkit::{RabbitNode, TestDatabase, TestPostgres, free_port, wait_until};

use crate::{
    fleet::{ATTEMPT_TIMEOUT_S, CUT_OFF, ISSUE, assert_cut_off, cut_off_outcomes, end, listening, said, states},
    support::{Campaign, Drover, PATIENCE, Plan, Setup, WORKER_ROLES},
};

/// Ten devices that do as they are told.
const BEHAVIOUR: &str = "--devices 10 --failure-rate 0 --download-sample 0 --latency-max-ms 100";

/// An installation whose broker lets devices in as we ship it: by asking the ingress, which asks the database.
struct Scene {
    database: TestDatabase,
    node: RabbitNode,
    setup: Setup,
    _ingress: Drover,
    worker: Drover,
    campaign: Campaign,
}

impl Scene {
    async fn begin(devices: usize) -> Self {
        let database = TestPostgres::database().await;
        let internal = format!("127.0.0.1:{}", free_port());
        let setup = Setup::new(&database.url, None)
            .with("DROVER_HTTP__INTERNAL_LISTEN", &internal)
            .with("DROVER_HTTP__PUBLIC_URL", "http://127.0.0.1:1");
        setup.ok(&["migrate"]);
        let ingress = setup.start(&["serve", "--roles", "ingress"]).await;
        let node = RabbitNode::start_with_mqtt(&format!("http://{internal}")).await;
        let setup = setup.with("AMQP_URL", node.url());
        let worker = setup.start(&["serve", "--roles", WORKER_ROLES]).await;
        let (channel, attempt_timeout_s) = (ChannelKind::Mqtt, Some(ATTEMPT_TIMEOUT_S));
        let plan = Plan { devices, channel, attempt_timeout_s, ..Plan::default() };
        let campaign = Campaign::prepare_with(&setup, &database.url, plan).await;
        Self { database, node, setup, _ingress: ingress, worker, campaign }
    }

    /// Starts a fleet that logs in with these tokens; `behaviour` is the rest of its command line.
    fn fleet(&self, tokens: &str, behaviour: &str) -> Drover {
        let file = self.setup.data.path().join("tokens.csv");
        fs::write(&file, tokens).unwrap();
        let mqtt_url = format!("mqtt://127.0.0.1:{}", self.node.mqtt_port().unwrap());
        let mut args = vec!["simulate", "--over", "mqtt", "--mqtt-url", &mqtt_url, "--tokens", file.to_str().unwrap()];
        args.extend(behaviour.split_whitespace());
        self.setup.spawn_plain(&args)
    }

    async fn end(mut self) -> String {
        assert!(self.worker.terminate().await, "{}", self.worker.log());
        self.setup.ok(&["check"])
    }
}

#[tokio::test]
async fn devices_that_are_cut_off_again_and_again_come_to_the_same_outcomes() {
    let scene = Scene::begin(100).await;
    let tokens = scene.setup.ok(&ISSUE);
    assert_eq!(tokens.lines().count(), 100);
    assert_eq!(scene.setup.ok(&ISSUE), "", "nobody gets a second token");

    let mut fleet = scene.fleet(&tokens, CUT_OFF);
    listening(&mut fleet).await;
    scene.campaign.start().await;
    let client = scene.database.client().await;
    wait_until(PATIENCE, "every command to end as it should", async || states(&client).await == cut_off_outcomes())
        .await;
    assert_cut_off(&end(fleet).await, &tokens);
    assert!(scene.end().await.starts_with("clean: 1 jobs, 100 devices = 100 terminal + 0 open"));
}

#[tokio::test]
async fn a_command_that_nobody_took_waits_for_its_device() {
    let scene = Scene::begin(10).await;
    let mut tokens = scene.setup.ok(&[&ISSUE[..], &["--prefix", "sim-00000"]].concat());
    assert_eq!(tokens.lines().count(), 9, "sim-000010 has another prefix");
    tokens += &scene.setup.ok(&ISSUE);
    assert!(tokens.lines().nth(9).unwrap().starts_with("sim-000010,"), "{tokens}");

    let mut fleet = scene.fleet(&tokens, BEHAVIOUR);
    listening(&mut fleet).await;
    let log = end(fleet).await;
    assert_eq!((said(&log, "received"), said(&log, "opened"), said(&log, "lost")), (0, 10, 0), "{log}");

    // Nobody is there, but everybody has a session.
    scene.campaign.start().await;
    let client = scene.database.client().await;
    wait_until(PATIENCE, "every command to be sent", async || states(&client).await.get("sent") == Some(&10)).await;
    let fleet = scene.fleet(&tokens, BEHAVIOUR);
    wait_until(PATIENCE, "every command to end", async || states(&client).await.get("succeeded") == Some(&10)).await;
    assert_eq!(said(&end(fleet).await, "received"), 10);
    assert!(scene.end().await.starts_with("clean: 1 jobs, 10 devices = 10 terminal + 0 open"));
}

#[tokio::test]
async fn a_fleet_with_wrong_tokens_is_told_so() {
    let scene = Scene::begin(2).await;
    let mut fleet = scene.fleet("sim-000001,wrong\nsim-000002,wrong\n", "--devices 2");
    wait_until(PATIENCE, "the fleet to end", async || fleet.child.try_wait().unwrap().is_some()).await;
    let log = fleet.log();
    assert!(log.contains("refused every one of 2 devices") && !log.contains("wrong"), "{log}");
    let refused = |args: &str, reason: &str| {
        let output = scene.setup.run(&args.split_whitespace().collect::<Vec<_>>());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(reason), "{args}: {said}");
    };
    refused("simulate --devices 2 --drop-rate 0.5", "share one connection");
    refused("simulate --devices 2 --over mqtt", "--tokens");
    refused("simulate --devices 9 --over mqtt --tokens tokens.csv", "names 2 devices");
    refused("simulate --devices 2 --over mqtt --tokens tokens.csv --mqtt-url mqtts://127.0.0.1", "without TLS");
}
