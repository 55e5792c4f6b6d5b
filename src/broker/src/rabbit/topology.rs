//! Which queues there are, and with which arguments.
//!
//! Every argument here works from RabbitMQ 3.10 on, for quorum queues, and means the same on 4.x.
//!
//! Reports have two dead-letter queues, since any device can send what cannot be read. That goes to a bounded one, which
//! drops its oldest when it is full. What the broker itself gives up on, since it came back too often, goes to the one
//! that the reports queue names: it takes a worker that dies of each, and an argument of that queue cannot be changed.

use std::time::Duration;

use drover_messages::Queue;
use lapin::{
    Channel,
    options::{QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, LongString},
};
use tokio::{sync::Mutex, time::Instant};

use super::{
    backoff::Backoff,
    connection::{Connector, setup},
};
use crate::{
    BrokerConfig, BrokerError,
    names::{QueueNames, REPORTS_PATTERN},
};

pub(super) const TOPIC_EXCHANGE: &str = "amq.topic";
/// A delivery that came back that often, by requeueing or a lost connection, goes to the dead-letter queue. RabbitMQ
/// 3.10 has no limit of its own, 4.x has this one.
const DELIVERY_LIMIT: i64 = 20;
/// Looking into a dead-letter queue counts as a delivery. Without a limit of its own, 4.x would drop what was looked
/// at twenty times, and 3.10 knows no word for "none".
const DEAD_DELIVERY_LIMIT: i64 = 1_000_000;
/// What the bounded dead-letter queue holds, as bytes for each report that it may hold. Most have some hundred.
const DEAD_REPORT_BYTES: i64 = 2 * 1_024;

/// The queues of one prefix.
#[derive(Debug)]
pub(super) struct Topology {
    names: QueueNames,
    retry_delays: Vec<Duration>,
    dead_reports_max: u32,
    /// The outcome, once there is one that stays. Held while declaring: the others wait for it.
    outcome: Mutex<Option<Result<(), BrokerError>>>,
}

impl Topology {
    pub(super) fn new(names: QueueNames, config: &BrokerConfig) -> Self {
        let BrokerConfig { retry_delays, dead_reports_max, .. } = config;
        Self {
            names,
            retry_delays: retry_delays.clone(),
            dead_reports_max: *dead_reports_max,
            outcome: Mutex::new(None),
        }
    }

    /// Declares every queue unless that was done. Tries for about `limit` while the broker cannot be reached.
    pub(super) async fn declare_once(&self, connector: &Connector, limit: Duration) -> Result<(), BrokerError> {
        let mut outcome = self.outcome.lock().await;
        if let Some(known) = &*outcome {
            return known.clone();
        }
        let deadline = Instant::now() + limit;
        let mut backoff = Backoff::default();
        loop {
            let result = self.declare_all(connector).await;
            let pause = backoff.next();
            match result {
                // A starting broker says "not found" of queues that it has yet to load.
                Err(error) if !error.is_fatal() || error.is_not_found() => {
                    if Instant::now() + pause > deadline {
                        return Err(error);
                    }
                    // Queues that are being loaded are no news either.
                    if connector.note(&error) && !error.is_not_found() {
                        tracing::warn!(%error, ?pause, "the queues cannot be declared yet");
                    } else {
                        tracing::debug!(%error, ?pause, "the queues cannot be declared yet");
                    }
                    connector.pause(pause).await;
                }
                for_good => return outcome.insert(for_good).clone(),
            }
        }
    }

    async fn declare_all(&self, connector: &Connector) -> Result<(), BrokerError> {
        let channel = connector.channel().await?;
        for queue in Queue::all() {
            self.declare(&channel, queue).await?;
        }
        Ok(())
    }

    /// Declares a queue with what belongs to it.
    pub(super) async fn declare(&self, channel: &Channel, queue: Queue) -> Result<(), BrokerError> {
        let (work, dead) = (self.names.work(queue), self.names.dead(queue));
        declare_quorum(channel, &dead, [("x-delivery-limit", DEAD_DELIVERY_LIMIT.into())]).await?;
        let limit = [("x-delivery-limit", DELIVERY_LIMIT.into())];
        declare_quorum(channel, &work, limit.into_iter().chain(dead_letters_to(&dead))).await?;
        for delay in &self.retry_delays {
            let delay_ms = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
            let ttl = [("x-message-ttl", delay_ms.into())];
            let name = self.names.retry(queue, *delay);
            declare_quorum(channel, &name, ttl.into_iter().chain(dead_letters_to(&work))).await?;
        }
        if queue == Queue::Reports {
            let bounded = self.names.dead_reports(self.dead_reports_max);
            let max = i64::from(self.dead_reports_max);
            let limits = [
                ("x-delivery-limit", DEAD_DELIVERY_LIMIT.into()),
                ("x-max-length", max.into()),
                ("x-max-length-bytes", (max * DEAD_REPORT_BYTES).into()),
                ("x-overflow", text("drop-head")),
            ];
            declare_quorum(channel, &bounded, limits).await?;
            let binding = channel.queue_bind(
                work.as_str().into(),
                TOPIC_EXCHANGE.into(),
                REPORTS_PATTERN.into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            );
            setup(format!("binding queue {work}"), binding).await?;
        }
        Ok(())
    }
}

/// At-least-once dead-lettering takes both the strategy and the overflow: without either it silently is at most once.
fn dead_letters_to(queue: &str) -> [(&'static str, AMQPValue); 4] {
    [
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(queue)),
        ("x-dead-letter-strategy", text("at-least-once")),
        ("x-overflow", text("reject-publish")),
    ]
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}

async fn declare_quorum(
    channel: &Channel,
    name: &str,
    arguments: impl IntoIterator<Item = (&'static str, AMQPValue)>,
) -> Result<(), BrokerError> {
    let mut table = FieldTable::default();
    table.insert("x-queue-type".into(), text("quorum"));
    for (key, value) in arguments {
        table.insert(key.into(), value);
    }
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    setup(format!("declaring queue {name}"), channel.queue_declare(name.into(), options, table)).await?;
    Ok(())
}
