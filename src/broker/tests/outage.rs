//! What an outage of the broker looks like from outside: two lines in the log, and readiness soon after it. Alone in its
//! process, for what it reads is the log of all of it.

mod suite;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use drover_broker::{Broker, Disposition, Target, WorkerOptions};
use drover_messages::Queue;
use drover_testkit::{Line, Proxy, RabbitNode, wait_until};

use suite::{PATIENCE, Seen, config, outgoing, start_noting};

/// One may come out well by chance.
const ROUNDS: usize = 4;

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics with it").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn start() -> Self {
        let log = Self::default();
        let writer = log.clone();
        let logging = tracing_subscriber::fmt().with_env_filter("drover_broker=debug").with_ansi(false);
        logging.with_writer(move || writer.clone()).init();
        log
    }

    fn count(&self, words: &str) -> usize {
        self.lines(|line| line.contains(words)).len()
    }

    /// What somebody sees who does not debug.
    fn loud(&self) -> Vec<String> {
        self.lines(|line| !line.contains("DEBUG"))
    }

    fn lines(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let log = String::from_utf8_lossy(&self.0.lock().expect("no test panics with it")).into_owned();
        log.lines().filter(|line| wanted(line)).map(str::to_owned).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_told_once_and_over_for_all_at_once() {
    let log = Log::start();
    let node = RabbitNode::start().await;
    let proxy = Proxy::to(node.port()).await;
    let url = node.url().replace(&node.port().to_string(), &proxy.port().to_string());
    let broker = Broker::rabbit(config(Some(&url), "test.outage"));
    broker.declare_topology().await.expect("the queues can be declared");
    let mut topic = broker.subscribe_topic("outage.#", 10).await.expect("a subscription");
    let seen = Seen::new();
    let workers: Vec<_> = Queue::all()
        .filter(|queue| *queue != Queue::Reports)
        .map(|queue| start_noting(&broker, queue, WorkerOptions::default(), &seen, Disposition::Done))
        .collect();
    wait_until(PATIENCE, "health", async || broker.health().connected).await;
    assert_eq!(log.loud(), [""; 0]);

    // The publisher has nothing to do, and is patient by now: without a word from the others it would pause for seconds.
    for (round, failures) in (1..=ROUNDS).zip(6..) {
        proxy.set(Line::Cut);
        wait_until(PATIENCE, "the publisher to be patient", async || {
            let failed = log.count("there is no connection to publish on");
            failed >= failures && !broker.health().connected && log.loud().len() == 2 * round - 1
        })
        .await;
        proxy.set(Line::Whole);
        wait_until(PATIENCE, "one to be back", async || log.count("connected to the broker again") == round).await;
        wait_until(Duration::from_secs(2), "the others to follow", async || broker.health().connected).await;
    }
    wait_until(PATIENCE, "the subscription", async || {
        broker.publish(vec![outgoing(Target::Topic("outage.x".into()), vec![])]).await[0].is_ok()
    })
    .await;
    assert_eq!(topic.recv().await.expect("a message").routing_key, "outage.x");
    for worker in workers {
        worker.stop().await;
    }
    broker.close().await;
    assert!(log.count("consuming was interrupted") > 10 * ROUNDS, "each of them noticed");
    let loud = log.loud();
    assert_eq!(loud.len(), 2 * ROUNDS, "{loud:#?}");
    for told in loud.chunks(2) {
        assert!(told[0].contains("WARN") && told[1].contains("INFO"), "{told:#?}");
    }
}
