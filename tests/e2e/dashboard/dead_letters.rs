//! A message that nobody can read: found, read, sent again, found again and thrown away. A worker is drained and goes on.

use std::sync::Arc;

use drover_broker::{Broker, BrokerConfig, Outgoing, Target};
use drover_messages::Queue;
use drover_testkit::{RabbitNode, wait_until};
use uuid::Uuid;

use super::world::{TENANT, World};
use crate::support::PATIENCE;

/// Sends what no worker can read.
pub(super) async fn poison(node: &RabbitNode) {
    let url = Some(node.url().parse().unwrap());
    let broker = Arc::new(Broker::rabbit(BrokerConfig { url, ..BrokerConfig::default() }));
    let poison = || Outgoing {
        message_id: Uuid::from_u128(7),
        target: Target::Queue(Queue::Reports),
        body: b"{\"not\": \"a report\"}".to_vec(),
        trace: None,
        expires_after: None,
    };
    // The process that is ready may be about to declare its queues.
    wait_until(PATIENCE, "the queue of reports", async || {
        broker.publish(vec![poison()]).await.iter().all(Result::is_ok)
    })
    .await;
    broker.close().await;
}

#[tokio::test]
async fn a_dead_letter_is_read_and_sent_again() {
    let node = RabbitNode::start().await;
    let world = World::on(&node).await;
    world.setup.ok(&["tenant", "add", TENANT]);
    world.add_operators();
    poison(&node).await;
    let browser = &world.browser;
    world.enter("chief").await;
    browser.open("/ui/queues").await;
    // The page finds out by itself.
    let dead = "#queues a[href$='reports']:not([href*='jobs'])";
    browser.wait_value(&format!("return document.querySelectorAll({dead:?}).length"), &2.into(), "a dead letter").await;
    browser.press("1").await;
    let first = browser.find("#main tbody a[href^='/ui/dead-letters/']").await;
    first.click().await.unwrap();
    let body = browser.wait_text("pre", "the letter", |text| !text.is_empty()).await;
    assert!(body.contains("not") && body.contains("a report"), "{body}");
    let letter = browser.path().await;
    browser.assert_accessible("a dead letter").await;

    browser.press("Send again").await;
    browser.wait_path("the question", |path| path.ends_with("/replay")).await;
    browser.find(".confirm button.primary").await.click().await.unwrap();
    browser.wait_text(".notice", "that it was sent again", |text| text.starts_with('1')).await;
    // Nobody can read it now either: it is back, as another one.
    browser.find_in_time("#main tbody a[href^='/ui/dead-letters/']").await;
    browser.find("#main tbody a[href^='/ui/dead-letters/']").await.click().await.unwrap();
    browser.wait_path("the letter", |path| path.starts_with("/ui/dead-letters/")).await;
    assert_ne!(browser.path().await, letter);
    browser.press("Discard").await;
    browser.find(".confirm button.danger").await.click().await.unwrap();
    browser.wait_text(".notice", "that it is gone", |text| text.starts_with('1')).await;
    browser.find(".empty").await;

    browser.open("/ui/workers").await;
    browser.press("Drain").await;
    browser.find(".confirm button[type=submit]").await.click().await.unwrap();
    browser.wait_text("#workers", "the worker to be drained", |text| text.contains("drained")).await;
    browser.press("Resume").await;
    browser.find(".confirm button[type=submit]").await.click().await.unwrap();
    browser.wait_text("#workers", "the worker to go on", |text| text.contains("working")).await;
    browser.assert_no_complaints().await;
}
