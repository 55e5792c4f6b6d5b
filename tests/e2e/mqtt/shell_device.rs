//! A device in bash: `device.sh`, with nothing of ours.

use serde_json::Value;
use tokio::process::Command;

use super::{World, said};
use crate::support::http;

const DEVICE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/e2e/mqtt/device.sh");

fn device(world: &World, uuid: &str, token: &str, args: &[&str]) -> Command {
    let mut command = Command::new(DEVICE);
    command
        .env("BROKER_HOST", "127.0.0.1")
        .env("BROKER_PORT", world.node.mqtt_port().unwrap().to_string())
        .env("DEVICE_UUID", uuid)
        .env("DEVICE_TOKEN", token)
        .args(args)
        .kill_on_drop(true);
    command
}

async fn run(mut command: Command) {
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[tokio::test]
async fn a_device_of_mosquitto_jq_and_curl_is_upgraded() {
    let world = World::new(3).await;
    let (away, new) = (world.token("d1"), world.token("d2"));
    run(device(&world, "d1", &away, &["session"])).await;
    let url = format!("{}/api/queues/%2f/mqtt-subscription-d1qos1", world.node.management_url().unwrap());
    let session: Value = http().get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(session["arguments"]["x-expires"], 30_u64 * 24 * 3600 * 1000, "kept for 30 days: {session}");
    world.start_task("d1,d2").await;
    // Nobody is there: the one's session has its command, the other never had a session.
    world.until_state("d1", "sent").await;
    assert_eq!(world.state("d2").await, "queued");

    let files = ["d1", "d2"].map(|uuid| world.setup.data.path().join(uuid));
    let upgrade =
        |uuid, token, file: usize| run(device(&world, uuid, token, &["upgrade", files[file].to_str().unwrap()]));
    tokio::join!(upgrade("d1", &away, 0), upgrade("d2", &new, 1));

    for (uuid, file) in ["d1", "d2"].iter().zip(files) {
        assert_eq!(std::fs::read(file).unwrap(), world.file, "{uuid}");
        world.until_state(uuid, "succeeded").await;
    }
    assert_eq!(world.count("outcomes WHERE outcome = 'succeeded' AND attempt = 1").await, 2);
    assert_eq!(world.count("outcomes").await, 2, "one each");
    assert_eq!(world.count("commands WHERE prior_state = 'installing'").await, 2, "every step was reported");
    assert_eq!(world.count("devices WHERE firmware_version = '2.0'").await, 2);
    world.end_clean().await;
}
