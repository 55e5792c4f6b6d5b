//! What both drivers promise, in the same words.

mod cases;
mod suite;

use drover_broker::Broker;
use drover_testkit::RabbitNode;

use cases::World;

#[tokio::test(flavor = "multi_thread")]
async fn in_process() {
    cases::run_all(World::new(Broker::in_process_with, None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbit() {
    let node = RabbitNode::start().await;
    cases::run_all(World::new(Broker::rabbit, Some(&node.url()))).await;
}
