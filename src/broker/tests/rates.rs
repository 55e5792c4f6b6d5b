//! What the management API alone knows of queues.

mod suite;

use drover_broker::{Broker, BrokerConfig, Disposition, WorkerOptions};
use drover_messages::Queue;
use drover_testkit::{RabbitNode, wait_for};

use suite::{PATIENCE, Seen, config, job, publish_all, start_noting};

#[tokio::test(flavor = "multi_thread")]
async fn rates_are_known_where_the_management_api_is() {
    let node = RabbitNode::start_with_mqtt("http://127.0.0.1:1").await;
    let url = node.management_url().expect("the node has a management API");
    let plain = Broker::rabbit(config(Some(&node.url()), "test.rates"));
    let deaf = BrokerConfig {
        management: Some("http://guest:wrong@127.0.0.1:1".parse().expect("a URL")),
        ..config(Some(&node.url()), "test.rates")
    };
    let deaf = Broker::rabbit(deaf);
    let management = Some(url.parse().expect("a URL"));
    let broker = Broker::rabbit(BrokerConfig { management, ..config(Some(&node.url()), "test.rates") });
    broker.declare_topology().await.expect("the queues can be declared");
    let queue = Queue::all().next().expect("there are queues");
    let seen = Seen::new();
    let worker = start_noting(&broker, queue, WorkerOptions::default(), &seen, Disposition::Done);
    let state = wait_for(PATIENCE, "the rates of a busy queue", async || {
        publish_all(&broker, (0..20).map(|id| job(queue, id)).collect()).await;
        let states = broker.queue_states().await.ok()?;
        let state = states.into_iter().find(|state| state.queue == queue)?;
        (state.published_per_s? > 0.0 && state.delivered_per_s? > 0.0).then_some(state)
    })
    .await;
    assert!(state.unacked.is_some() && state.consumers == 1, "{state:?}");
    for without in [plain, deaf] {
        let states = without.queue_states().await.expect("counts are known all the same");
        assert!(states.iter().all(|state| state.unacked.is_none() && state.published_per_s.is_none()), "{states:?}");
        assert!(states.iter().any(|state| state.queue == queue && state.consumers == 1));
        without.close().await;
    }
    worker.stop().await;
    broker.close().await;
}
