//! Every page in the middle of a campaign, by light and in the dark, on a desk and a phone, in both languages: judged by
//! axe-core, no wider than its window, and kept as a picture in `target/screens`.

use drover_testkit::{RabbitNode, wait_until};

use super::{
    browser::{DESKTOP, PHONE},
    dead_letters::poison,
    world::{TENANT, World},
};
use crate::support::PATIENCE;

/// Devices that fail, refuse, are silent or take their time, so that there is something to see.
const CAMPAIGN: [&str; 17] = [
    "demo",
    "--devices",
    "2400",
    "--failure-rate",
    "0.07",
    "--silence-rate",
    "0.01",
    "--refusal-rate",
    "0.01",
    "--latency-min-ms",
    "500",
    "--latency-max-ms",
    "40000",
    "--download-sample",
    "0",
    "--attempt-timeout-s",
    "90",
];

/// What the pages show: one job, and a device that has failed.
async fn pages(world: &World) -> Vec<(&'static str, String)> {
    let client = world.database.client().await;
    let text = async |sql: &str| -> String { client.query_one(sql, &[]).await.unwrap().get(0) };
    let job = text("SELECT max(id)::text FROM jobs").await;
    let device = text(
        "SELECT d.uuid FROM outcomes o JOIN devices d ON d.id = o.device_id WHERE o.outcome = 'failed' ORDER BY d.id LIMIT 1",
    )
    .await;
    vec![
        ("overview", "/ui".into()),
        ("jobs", "/ui/jobs".into()),
        ("job", format!("/ui/jobs/{job}")),
        ("confirm", format!("/ui/jobs/{job}/cancel")),
        ("devices", format!("/ui/devices?by=uuid&q={}", &device[..device.len() - 2])),
        ("device", format!("/ui/devices/{device}")),
        ("queues", "/ui/queues".into()),
        ("queue", "/ui/queues/reports".into()),
        ("workers", "/ui/workers".into()),
        ("audit", "/ui/audit".into()),
    ]
}

#[tokio::test]
async fn every_page_is_legible_and_fits() {
    let node = RabbitNode::start().await;
    let world = World::on(&node).await;
    world.setup.ok(&["tenant", "add", TENANT]);
    world.add_operators();
    poison(&node).await;
    let demo = world.setup.spawn_plain(&CAMPAIGN);
    let client = world.database.client().await;
    wait_until(PATIENCE, "half of the campaign", async || {
        let sql = "SELECT count(*) FROM outcomes";
        client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) >= 1300
    })
    .await;
    let browser = &world.browser;
    world.enter("chief").await;
    let pages = pages(&world).await;
    for look in [DESKTOP, DESKTOP.dark(), PHONE, PHONE.dark()] {
        browser.look(look).await;
        for (name, address) in &pages {
            browser.open(address).await;
            let what = format!("{name}, {}", look.name);
            browser.picture(&format!("{name}-{}", look.name)).await;
            browser.assert_fits(&what).await;
            browser.assert_accessible(&what).await;
        }
    }
    browser.look(DESKTOP).await;
    browser.open("/ui").await;
    browser.press("中文").await;
    for (name, address) in &pages {
        browser.open(address).await;
        browser.picture(&format!("{name}-zh")).await;
        assert_eq!(browser.evaluate("return document.documentElement.lang").await, "zh-CN");
    }
    browser.assert_no_complaints().await;
    drop(demo);
}
