//! What both drivers promise, in the same words.

mod cases;
mod suite;

use drover_broker::Broker;
use drover_testkit::RabbitNode;

use cases::World;

#[tokio::test(flavor = "multi_thread")]
async fn in_process() {
    cases::run_all(World::new(|prefix| Broker::in_process_with(suite::config(None, prefix)))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbit() {
    let node = RabbitNode::start().await;
    let url = node.url();
    cases::run_all(World::new(move |prefix| Broker::rabbit(suite::config(Some(&url), prefix)))).await;
}
