//! Fifty devices, two versions, a cancel in the middle, and a device whose word is lost.

use serde_json::json;

use super::office::Office;
use crate::fleet::{end, said};

fn statuses(given: &[(&str, usize)]) -> Vec<(String, usize)> {
    given.iter().map(|(status, count)| ((*status).to_owned(), *count)).collect()
}

#[tokio::test]
async fn fifty_devices_upgrade_are_cancelled_and_prove_themselves() {
    let office = Office::open().await;
    // Of the west's twenty, ten are never switched on.
    let tokens = office.enrol("east", 1..=30).await + office.enrol("west", 31..=50).await.as_str();
    let on: String = tokens.split_inclusive('\n').take(40).collect();
    let (first_apk, second_apk) = (vec![7; 50_000], vec![8; 60_000]);
    let group = office.group().await;
    let first = office.version(&group, 1, &first_apk).await;
    let (device, token) = tokens.lines().next().unwrap().split_once(',').unwrap();
    assert_eq!(office.check(device, token, 0).await["mdmClientAppInfos"], json!([]), "nothing is published");

    // The east upgrades.
    office.offer("publish", &first, "root").await;
    let offered = office.check(device, token, 0).await;
    assert_eq!(
        (&offered["mdmClientAppInfos"][0]["id"], &offered["mdmClientAppGroup"]["id"]),
        (&json!(first), &json!(group))
    );
    let file = offered["mdmClientAppInfos"][0]["appFileUuid"].as_str().unwrap().to_owned();
    assert_eq!(office.download(device, token, &file).await, first_apk);
    let fleet = office.fleet(40, &on, 200).await;
    office.offer("distribute", &first, "east").await;
    office.until(&[("succeeded", 30)]).await;
    let distributed = office.log(&first, "distribute_logs").await;
    assert_eq!(distributed.len(), 1);
    let counts = ["resourceDeviceCount", "upgradeDeviceCount"].map(|count| distributed[0][count].as_i64().unwrap());
    assert_eq!(
        (counts, &distributed[0]["targetId"], &distributed[0]["status"]),
        ([30, 30], &json!("east"), &json!("1"))
    );
    assert_eq!(office.statuses(&first).await, statuses(&[("3", 30)]));
    assert_eq!(office.log(&first, "publish_logs").await.len(), 1);
    assert_eq!(office.check(device, token, 1).await["mdmClientAppInfos"], json!([]), "it has the newest");
    let log = end(fleet).await;
    assert_eq!((said(&log, "received"), said(&log, "failures")), (30, 0), "{log}");

    // Everybody gets the next version, and it is cancelled while it goes out: ten devices have never been there to take it.
    let second = office.version(&group, 2, &second_apk).await;
    office.offer("publish", &second, "root").await;
    let fleet = office.fleet(40, &on, 6000).await;
    office.offer("distribute", &second, "root").await;
    office.until(&[("queued", 10), ("sent", 40), ("succeeded", 30)]).await;
    assert_eq!(office.statuses(&second).await, statuses(&[("0", 10), ("1", 40)]));
    let distribution = office.log(&second, "distribute_logs").await.remove(0);
    office.cancel("distribute_logs", &distribution["id"]).await;
    office.until(&[("cancelled", 10), ("succeeded", 70)]).await;
    assert_eq!(office.statuses(&second).await, statuses(&[("3", 40), ("5", 10)]));
    let after = office.log(&second, "distribute_logs").await.remove(0);
    let counts = ["resourceDeviceCount", "upgradeDeviceCount"].map(|count| after[count].as_i64().unwrap());
    assert_eq!((&after["status"], counts), (&json!("0"), [50, 40]));
    let log = end(fleet).await;
    assert_eq!((said(&log, "received"), said(&log, "cancels")), (40, 0), "nobody was asked to stop:\n{log}");

    // One that was never on is still offered what is published; it installs by itself, and shows it.
    let (late, late_token) = tokens.lines().last().unwrap().split_once(',').unwrap();
    assert_eq!(office.check(late, late_token, 1).await["mdmClientAppInfos"][0]["id"], second);
    office.offer("distribute", &second, "west").await;
    office.until(&[("cancelled", 10), ("queued", 10), ("succeeded", 70)]).await;
    office.check(late, late_token, 2).await;
    office.until(&[("cancelled", 10), ("queued", 9), ("succeeded", 71)]).await;
    let proven: Vec<_> = office.log(&second, "upgrade_logs").await;
    let proven =
        proven.iter().filter(|row| row["deviceName"] == "Phone 50" && row["status"] == "3").collect::<Vec<_>>();
    assert_eq!(proven.len(), 1);
    assert!(proven[0]["description"].as_str().unwrap().contains("checked in"), "{}", proven[0]);

    // The publication is taken back, and with it what rests on it.
    let publication = office.log(&second, "publish_logs").await.remove(0);
    office.cancel("publish_logs", &publication["id"]).await;
    office.until(&[("cancelled", 19), ("succeeded", 71)]).await;
    assert_eq!(
        office.check(late, late_token, 0).await["mdmClientAppInfos"][0]["id"],
        first,
        "the older one is still there"
    );
    office.close().await;
}
