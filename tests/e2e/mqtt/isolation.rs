//! Device `d1` goes for device `d2`, with every client id and topic that might help. Nothing of it reaches `d2`.

use std::{process::Output, time::Duration};

use drover_testkit::wait_until;
use lapin::{Connection, ConnectionProperties};
use serde_json::json;
use tokio::time::timeout;

use super::{Listener, World, said};
use crate::support::{PATIENCE, http};

/// How long an attacker waits for what it must not get, in seconds: longer than the whole attack.
const ATTACK_S: &str = "300";

/// Runs one of mosquitto's tools, which is given some seconds.
async fn run(world: &World, tool: &str, login: (&str, &str), client_id: &str, rest: &[&str]) -> Output {
    let output = world.mosquitto(tool, login, client_id, rest).output();
    timeout(PATIENCE, output).await.unwrap().unwrap()
}

/// A login that must fail.
async fn is_refused(world: &World, login: (&str, &str), client_id: &str) {
    let output = run(world, "mosquitto_sub", login, client_id, &["-t", "devices/d2/commands", "-E", "-W", "60"]).await;
    let said = said(&output);
    assert!(!output.status.success() && said.contains("Connection Refused"), "{login:?} as {client_id:?}: {said}");
}

/// A client that subscribes, is refused, and tries again and again.
async fn refused_listener(world: &World, login: (&str, &str), client_id: &str, topic: &str) -> Listener {
    let listener = world.listen(login, client_id, &["-t", topic, "-d", "-W", ATTACK_S]);
    // RabbitMQ 3 cuts the connection, and the tool tries again; RabbitMQ 4 says no.
    let is_refused = || listener.times("sending CONNECT") > 1 || listener.times("Subscribed (mid: 1): 128") > 0;
    wait_until(PATIENCE, &format!("{topic} to be refused"), async || is_refused()).await;
    listener
}

/// What RabbitMQ asks without a login is not answered where the world calls.
async fn asks_nobody_in_rabbitmqs_name(world: &World) {
    for check in ["user", "vhost", "resource", "topic"] {
        let url = format!("{}/rabbitmq/auth/{check}", world.ingress.base_url);
        let answer = http().post(url).body("username=d2&vhost=%2F").send().await.unwrap();
        assert_eq!(answer.status(), 404, "{check}");
    }
}

#[tokio::test]
async fn a_device_cannot_touch_another_whatever_it_calls_itself() {
    let world = World::new(2).await;
    let (token, victims) = (world.token("d1"), world.token("d2"));
    let attacker = ("d1", token.as_str());
    let mut victim = world.listener(("d2", &victims)).await;

    for client_id in
        [".*", "#", "+", "*", "d2", "d2.report", "d1.x", "d1.*", "d", "D1", "d1/../d2", "mqtt-subscription-d2qos1"]
    {
        is_refused(&world, attacker, client_id).await;
    }
    // An empty client id lets the broker invent one, which is not the device's either.
    is_refused(&world, attacker, "").await;
    for login in [
        ("d2", token.as_str()),
        ("d1", "wrong"),
        ("d1", ""),
        ("nobody", token.as_str()),
        (".*", token.as_str()),
        ("#", ""),
    ] {
        is_refused(&world, login, login.0).await;
    }
    let port = world.node.mqtt_port().unwrap().to_string();
    for no_password in [&["-u", "d2"][..], &[]] {
        let mut command = tokio::process::Command::new("mosquitto_sub");
        command.args(["-h", "127.0.0.1", "-p", &port, "-i", "d2", "-t", "devices/d2/commands", "-E", "-W", "60"]);
        let output = command.args(no_password).output().await.unwrap();
        assert!(!output.status.success() && said(&output).contains("Refused"), "{}", said(&output));
    }

    asks_nobody_in_rabbitmqs_name(&world).await;

    // Under its own names: listening everywhere, also while the victim gets a command, and reporting for it.
    for topic in ["devices/d2/commands", "devices/+/commands", "devices/#", "+/+/+", "devices/d2/reports", "$SYS/#"] {
        refused_listener(&world, attacker, "d1", topic).await;
    }
    let listeners = [
        refused_listener(&world, attacker, "d1", "#").await,
        // Its second connection listens to nothing, not even to what is its own.
        refused_listener(&world, attacker, "d1.report", "devices/d1/commands").await,
    ];
    let bindings = world.node.ctl(&["list_bindings", "source_name", "destination_name", "routing_key"]).await;
    assert!(bindings.contains("amq.topic\tmqtt-subscription-d2qos1\tdevices.d2.commands"), "{bindings}");
    assert!(!bindings.contains("amq.topic\tmqtt-subscription-d1"), "{bindings}");
    world.start_task("d2").await;
    victim.until("\"type\":\"upgrade\"").await;
    let command: i64 = {
        let sql = "SELECT (c.job_id << 28) | c.device_id FROM commands c";
        world.sql.query_one(sql, &[]).await.unwrap().get(0)
    };
    let seen = listeners.each_ref().map(Listener::said);
    assert!(seen.iter().all(|said| !said.contains("PUBLISH") && !said.contains("upgrade")), "{seen:?}");
    drop(listeners);
    let forged = json!({"v": 1, "command_id": command, "attempt": 1, "status": "succeeded"}).to_string();
    for topic in ["devices/d2/reports", "devices/d2/commands", "devices/d1/commands", "devices.d2.reports", "x"] {
        // A refused message ends the connection; the tool would try for ever.
        let mut publish = world.mosquitto("mosquitto_pub", attacker, "d1", &["-t", topic, "-m", &forged, "-r"]);
        let sent = timeout(Duration::from_secs(2), publish.output()).await;
        assert!(!sent.is_ok_and(|output| output.unwrap().status.success()), "{topic}");
    }
    // Its own topic is its own, but the command in the report is not.
    // That it is to be retained is ignored.
    let own = ["-t", "devices/d1/reports", "-m", &forged, "-r"];
    let output = run(&world, "mosquitto_pub", attacker, "d1", &own).await;
    assert!(output.status.success(), "{}", said(&output));
    // Nor may it send whatever size it likes: mosquitto tries for ever here too.
    let large = world.setup.data.path().join("large");
    std::fs::write(&large, vec![b' '; (1 << 20) + 1]).unwrap();
    let file = ["-t", "devices/d1/reports", "-f", large.to_str().unwrap()];
    let sent = timeout(Duration::from_secs(2), world.mosquitto("mosquitto_pub", attacker, "d1.report", &file).output());
    assert!(!sent.await.is_ok_and(|output| output.unwrap().status.success()), "too large");
    // A will that is sent when the connection breaks.
    let will = ["-t", "devices/d1/commands", "-d", "--will-topic", "devices/d2/reports", "--will-payload", &forged];
    let mut dying = world.listen(attacker, "d1", &will);
    dying.until("SUBACK").await;
    let denied = denied_topics(&world).await;
    dying.child.kill().await.unwrap();
    wait_until(PATIENCE, "the will to be refused", async || denied_topics(&world).await > denied).await;

    speaks_nothing_else(&world, attacker).await;

    // What came under the attacker's own name was looked at and moved nothing.
    assert_eq!(world.state("d2").await, "sent");
    assert_eq!(world.count("outcomes").await, 0);
    let connects = victim.times("sending CONNECT");
    assert_eq!((connects, victim.child.try_wait().unwrap()), (1, None), "the victim never lost its session");
    assert_eq!(victim.times("\"type\":"), 1, "{}", victim.said());

    // The victim goes on in that session.
    let report =
        run(&world, "mosquitto_pub", ("d2", &victims), "d2.report", &["-t", "devices/d2/reports", "-m", &forged]).await;
    assert!(report.status.success(), "{}", said(&report));
    world.until_state("d2", "succeeded").await;
    assert_eq!(world.count("outcomes").await, 1);
    world.end_clean().await;
}

/// Topics that the ingress has refused so far.
async fn denied_topics(world: &World) -> f64 {
    world.ingress.metric("drover_broker_auth_checks_total", &["check=\"topic\"", "answer=\"deny\""]).await
}

/// AMQP and the management API know devices by no client id, and let none in.
async fn speaks_nothing_else(world: &World, (uuid, token): (&str, &str)) {
    let url = world.node.url().replace("guest:guest", &format!("{uuid}:{token}"));
    let refused = Connection::connect(&url, ConnectionProperties::default()).await.unwrap_err();
    assert!(refused.to_string().contains("ACCESS_REFUSED"), "{refused}");
    let url = world.node.management_url().unwrap().replace("guest:guest@", "");
    let answer = http().get(format!("{url}/api/whoami")).basic_auth(uuid, Some(token)).send().await.unwrap();
    assert_eq!(answer.status(), 401);
}
