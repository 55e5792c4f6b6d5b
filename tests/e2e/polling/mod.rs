//! Devices that ask over HTTP, against the real binary. Nothing of Drover is on the device's side.

use std::time::{Duration, Instant};

use drover_domain::ChannelKind;
use drover_testkit::{TestDatabase, TestPostgres, wait_until};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{Campaign, Drover, PATIENCE, Plan, Setup, http};

/// As the documentation gives it.
const COMMANDS: &str = "/device/v1/commands";
const REPORTS: &str = "/device/v1/reports";
/// A whole device in bash.
const DEVICE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/e2e/polling/device.sh");

/// One process with everything in it, and a job for two polling devices that has not started.
struct World {
    drover: Drover,
    campaign: Campaign,
    client: tokio_postgres::Client,
    token: String,
    setup: Setup,
    _database: TestDatabase,
}

impl World {
    async fn new(retry_limit: i16, settings: &[(&str, &str)]) -> Self {
        let database = TestPostgres::database().await;
        let settings =
            settings.iter().fold(Setup::new(&database.url, None), |setup, (key, value)| setup.with(key, value));
        let setup = settings.with("DROVER_WORKERS__RETRY_BACKOFF_BASE_S", 0);
        let drover = setup.start(&["up"]).await;
        let plan = Plan { devices: 2, channel: ChannelKind::Poll, retry_limit, ..Plan::default() };
        let campaign = Campaign::prepare_with(&setup, &database.url, plan).await;
        let token = campaign.office.token("sim-000001").await;
        Self { drover, campaign, client: database.client().await, token, setup, _database: database }
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        http().request(method, format!("{}{path}", self.drover.base_url)).basic_auth("sim-000001", Some(&self.token))
    }

    async fn ask(&self, wait_s: u32, known: Option<&str>) -> Response {
        let call = self.call(Method::GET, &format!("{COMMANDS}?wait={wait_s}"));
        known.into_iter().fold(call, |call, tag| call.header("If-None-Match", tag)).send().await.unwrap()
    }

    /// What is open for the device, as soon as there is something, and its tag.
    async fn next(&self, known: Option<&str>) -> (Value, String) {
        let answer = self.ask(20, known).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
        (answer.json::<Value>().await.unwrap()["commands"].take(), tag)
    }

    async fn report(&self, body: &Value) -> (StatusCode, Value) {
        let answer = self.call(Method::POST, REPORTS).json(body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// How many devices wait.
    #[allow(clippy::cast_possible_truncation)]
    async fn waiting(&self) -> i64 {
        self.drover.metric("drover_devices_waiting", &[]).await as i64
    }

    async fn count(&self, sql: &str) -> i64 {
        self.client.query_one(&format!("SELECT count(*) FROM {sql}"), &[]).await.unwrap().get(0)
    }
}

fn said(command: &Value, status: &str) -> Value {
    json!({"v": 1, "command_id": command["command_id"], "attempt": command["attempt"], "status": status})
}

#[tokio::test]
async fn a_device_that_waits_is_answered_at_once_and_upgrades() {
    let world = World::new(0, &[]).await;
    let began = Instant::now();
    let ((open, tag), ()) = tokio::join!(world.next(None), async {
        wait_until(PATIENCE, "the device to wait", async || world.waiting().await == 1).await;
        world.campaign.start().await;
    });
    assert!(began.elapsed() < Duration::from_secs(15), "it was called, not left to wait: {:?}", began.elapsed());
    let command = &open[0];
    assert_eq!((&command["type"], &command["attempt"], &open[1]), (&json!("upgrade"), &json!(1), &Value::Null));

    // The answer got lost on its way: the same command, the same attempt.
    let (again, same_tag) = world.next(None).await;
    assert_eq!((&again[0]["command_id"], &again[0]["attempt"], &same_tag), (&command["command_id"], &json!(1), &tag));
    // Who names what it knows is told when that changes, and not before.
    let unchanged = world.ask(1, Some(&tag)).await;
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);

    let file = http().get(command["firmware"]["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(file.bytes().await.unwrap(), "bytes");

    let mut done = said(command, "succeeded");
    done["firmware_version"] = "2.0".into();
    let (status, results) = world.report(&json!([said(command, "downloading"), said(command, "downloaded")])).await;
    assert_eq!((status, results), (StatusCode::OK, json!({"results": ["applied", "applied"]})));
    // It waits to install, and restarts meanwhile.
    let (again, _) = world.next(None).await;
    assert_eq!((&again[0]["command_id"], &again[0]["attempt"]), (&command["command_id"], &json!(1)));
    assert_eq!(world.report(&said(command, "downloaded")).await.1, json!({"results": ["stale"]}));
    assert_eq!(world.report(&said(command, "installing")).await.1, json!({"results": ["applied"]}));
    assert_eq!(world.report(&done).await.1, json!({"results": ["applied"]}));
    // Its answer got lost too.
    assert_eq!(world.report(&done).await.1, json!({"results": ["duplicate"]}));
    assert_eq!(world.count("outcomes WHERE outcome = 'succeeded' AND attempt = 1").await, 1);
    let (open, _) = world.next(Some(&tag)).await;
    assert_eq!(open, json!([]), "what is over is not there any more");
    assert!(world.setup.ok(&["check"]).starts_with("clean"));
}

#[tokio::test]
async fn an_older_attempt_is_evidence_and_a_cancel_reaches_who_works() {
    let world = World::new(1, &[]).await;
    world.campaign.start().await;
    let (first, tag) = world.next(None).await;
    assert_eq!(world.report(&said(&first[0], "failed")).await.1, json!({"results": ["applied"]}));
    let (second, tag) = world.next(Some(&tag)).await;
    assert_eq!(second[0]["attempt"], 2);
    assert_eq!(world.report(&said(&first[0], "succeeded")).await.1, json!({"results": ["late"]}));
    assert_eq!(world.count("unapplied_reports WHERE attempt = 1 AND status = 'succeeded'").await, 1);
    let mut ahead = said(&second[0], "succeeded");
    ahead["attempt"] = 9.into();
    let mut foreign = said(&second[0], "succeeded");
    foreign["command_id"] = world.campaign.command_of(2).into();
    assert_eq!(world.report(&json!([ahead, foreign])).await.1, json!({"results": ["premature", "unknown"]}));

    let ((open, _), ()) = tokio::join!(world.next(Some(&tag)), async {
        world.campaign.cancel(second[0]["command_id"].as_i64().unwrap()).await;
    });
    assert_eq!(open, json!([{"type": "cancel", "v": 1, "command_id": second[0]["command_id"], "attempt": 2}]));
    assert_eq!(world.report(&said(&open[0], "cancelled")).await.1, json!({"results": ["applied"]}));
    assert_eq!(world.count("commands WHERE state = 'cancelled'").await, 1);
    assert!(world.setup.ok(&["check"]).starts_with("clean"));
}

#[tokio::test]
async fn who_may_not_or_sends_nonsense_is_told_so() {
    let world = World::new(0, &[]).await;
    let as_who = async |uuid: &str, token: &str| {
        let call = http().get(format!("{}{COMMANDS}", world.drover.base_url)).basic_auth(uuid, Some(token));
        call.send().await.unwrap()
    };
    for (uuid, token) in [("sim-000001", "wrong"), ("sim-000002", &world.token), ("nobody", "x"), ("", ""), ("..", "x")]
    {
        let answer = as_who(uuid, token).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{uuid}");
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic"));
    }
    let anonymous = http().get(format!("{}{COMMANDS}", world.drover.base_url)).send().await.unwrap();
    assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
    // Somebody guesses. After a while nobody looks any more; the device itself is let in all the same.
    let mut refused = StatusCode::UNAUTHORIZED;
    for _ in 0..100 {
        refused = as_who("sim-000001", "guess").await.status();
    }
    assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(world.ask(0, None).await.status(), StatusCode::OK);

    let wait = world.call(Method::GET, &format!("{COMMANDS}?wait=soon")).send().await.unwrap();
    assert_eq!(wait.status(), StatusCode::BAD_REQUEST);
    assert!(wait.text().await.unwrap().contains("wait"));
    for (body, named) in [
        (json!({"attempt": 1, "status": "failed"}), "command_id"),
        (json!({"command_id": 5, "attempt": 0, "status": "failed"}), "attempt"),
        (json!([{"command_id": 5, "attempt": 1, "status": "exploded"}]), "[0]"),
        (json!({"v": 2, "command_id": 5, "attempt": 1, "status": "failed"}), "version"),
        (json!([]), "0 reports"),
    ] {
        let (status, answer) = world.report(&body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(named), "{answer}");
    }
    let huge = world.call(Method::POST, REPORTS).body(vec![b' '; (1 << 20) + 1]).send().await.unwrap();
    assert_eq!(huge.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(world.count("outcomes").await + world.count("unapplied_reports").await, 0);
}

#[tokio::test]
async fn waiting_has_its_limits_and_ends_with_the_process() {
    let mut world =
        World::new(0, &[("DROVER_HTTP__MAX_WAITING_DEVICES", "1"), ("DROVER_HTTP__POLL_WAIT_S", "60")]).await;
    let second = world.campaign.office.token("sim-000002").await;
    let url = format!("{}{COMMANDS}?wait=60", world.drover.base_url);
    let polls = |uuid: &'static str, token: &str| {
        tokio::spawn(http().get(&url).basic_auth(uuid, Some(token)).timeout(PATIENCE).send())
    };
    let waiting = polls("sim-000001", &world.token);
    let is_one = async || world.waiting().await == 1;
    wait_until(PATIENCE, "the first device to wait", is_one).await;
    // There is no seat for another one: it is answered at once and told when to come again.
    let turned_away = polls("sim-000002", &second).await.unwrap().unwrap();
    assert_eq!((turned_away.status(), turned_away.headers().contains_key("retry-after")), (StatusCode::OK, true));
    // The same device again takes its own seat, and the older call ends.
    let newer = polls("sim-000001", &world.token);
    assert_eq!(waiting.await.unwrap().unwrap().status(), StatusCode::OK);
    wait_until(PATIENCE, "the newer call to wait", async || world.waiting().await == 1 && !newer.is_finished()).await;
    assert!(world.drover.terminate().await, "{}", world.drover.log());
    assert_eq!(newer.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_device_of_curl_and_jq_is_upgraded() {
    let world = World::new(0, &[]).await;
    let file = world.setup.data.path().join("downloaded");
    let mut device = tokio::process::Command::new(DEVICE);
    device.env("DROVER_URL", &world.drover.base_url).env("DEVICE_UUID", "sim-000001");
    device.env("DEVICE_TOKEN", &world.token).env("WAIT_S", "2").arg(&file).kill_on_drop(true);
    let (output, ()) = tokio::join!(device.output(), async {
        wait_until(PATIENCE, "the device to wait", async || world.waiting().await == 1).await;
        world.campaign.start().await;
    });
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read(file).unwrap(), b"bytes");
    assert_eq!(
        world.count("commands WHERE state = 'succeeded' AND prior_state = 'installing' AND attempt = 1").await,
        1
    );
    assert_eq!(world.count("devices WHERE uuid = 'sim-000001' AND firmware_version = '2.0'").await, 1);
}

#[tokio::test]
async fn a_token_that_is_taken_back_ends_a_call_that_waits_with_it() {
    let world = World::new(0, &[("DROVER_DEVICES__AUTH_CACHE_S", "1")]).await;
    let (answer, ()) = tokio::join!(world.ask(20, None), async {
        wait_until(PATIENCE, "the device to wait", async || world.waiting().await == 1).await;
        world.setup.ok(&["credential", "revoke", "--device", "sim-000001"]);
        // What was believed for a second is forgotten by then.
        wait_until(PATIENCE, "the token to be refused", async || {
            let probe = world.call(Method::POST, REPORTS).json(&json!([])).send().await.unwrap();
            probe.status() == StatusCode::UNAUTHORIZED
        })
        .await;
        world.campaign.start().await;
    });
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(world.count("commands WHERE state = 'queued'").await, 2, "nobody took anything");
}
