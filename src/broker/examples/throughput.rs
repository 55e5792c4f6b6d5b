//! Measures publishing and consuming. First argument: a broker's URL, or `private` for a node of its own; without it,
//! the in-process driver. Second argument: the number of messages.
#![allow(clippy::print_stdout, clippy::cast_precision_loss)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use drover_broker::{Batch, Broker, BrokerConfig, Disposition, Handler, Outgoing, Target, WorkerOptions, run_worker};
use drover_messages::{Message, PlanJob, Queue};
use drover_testkit::RabbitNode;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

struct Counting {
    left: AtomicUsize,
    done: Notify,
}

impl Handler<PlanJob> for Counting {
    async fn handle(&self, batch: Batch<PlanJob>) -> Vec<Disposition> {
        if self.left.fetch_sub(batch.len(), Ordering::SeqCst) == batch.len() {
            self.done.notify_one();
        }
        Disposition::for_all(batch.len(), &Disposition::Done)
    }
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let url = args.next();
    let count = args.next().and_then(|count| count.parse().ok()).unwrap_or(50_000);
    let node = if url.as_deref() == Some("private") { Some(RabbitNode::start().await) } else { None };
    let broker = match node.as_ref().map(RabbitNode::url).or(url) {
        Some(url) => Broker::rabbit(BrokerConfig {
            url: Some(url.parse().expect("a URL")),
            queue_prefix: "throughput.v1".into(),
            ..BrokerConfig::default()
        }),
        None => Broker::in_process(),
    };
    let queue = Queue::all().next().expect("there are queues");
    let began = Instant::now();
    broker.declare_topology().await.expect("the topology");
    println!("topology declared in {:?}", began.elapsed());
    for (name, prefetch, batch_max, concurrency) in [("batches of 500", 2_000, 500, 2), ("one by one", 200, 1, 16)] {
        let began = Instant::now();
        for first in (0..count).step_by(5_000) {
            let body = |id: usize| PlanJob { job_id: i64::try_from(id).unwrap_or(0) }.encode().expect("it encodes");
            let messages = (first..count.min(first + 5_000)).map(|id| Outgoing {
                message_id: Uuid::new_v4(),
                target: Target::Queue(queue),
                body: body(id),
                trace: None,
                expires_after: None,
            });
            for result in broker.publish(messages.collect()).await {
                result.expect("a confirm");
            }
        }
        println!("published {:.0}/s", count as f64 / began.elapsed().as_secs_f64());
        let handler = Arc::new(Counting { left: AtomicUsize::new(count), done: Notify::new() });
        let options = WorkerOptions {
            name: "throughput".into(),
            prefetch,
            batch_max,
            batch_wait: Duration::from_millis(10),
            concurrency,
            ..WorkerOptions::default()
        };
        let stop = CancellationToken::new();
        let began = Instant::now();
        let worker = tokio::spawn(run_worker(broker.clone(), queue, options, Arc::clone(&handler), stop.clone()));
        handler.done.notified().await;
        println!("consumed {:.0}/s, {name}", count as f64 / began.elapsed().as_secs_f64());
        stop.cancel();
        worker.await.expect("no panic").expect("a good end");
        println!("left in the queue: {}", broker.depth(queue).await.expect("a depth"));
    }
    broker.close().await;
}
