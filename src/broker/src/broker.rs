//! The broker as the rest of Drover sees it.

use std::{sync::Arc, time::Duration};

use drover_messages::Queue;

use crate::{
    BrokerConfig, BrokerError, BrokerHealth, DeadMessage, Outgoing, PublishError, QueueState, TakenDead, TopicStream,
    feed::{Feed, FeedOptions},
    in_process::InProcess,
    rabbit::Rabbit,
};

/// A broker, cheap to clone: all clones share its connections.
#[derive(Debug, Clone)]
pub struct Broker {
    driver: Driver,
}

#[derive(Debug, Clone)]
enum Driver {
    Rabbit(Arc<Rabbit>),
    InProcess(Arc<InProcess>),
}

/// Calls the same method on whichever driver there is.
macro_rules! on_driver {
    ($self:ident, $driver:ident => $call:expr) => {
        match &$self.driver {
            Driver::Rabbit($driver) => $call,
            Driver::InProcess($driver) => $call,
        }
    };
}

impl Broker {
    /// RabbitMQ. Connects in the background, and goes on trying; nothing here waits for it without a limit.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn rabbit(config: BrokerConfig) -> Self {
        Self { driver: Driver::Rabbit(Rabbit::start(config.sane())) }
    }

    /// A broker inside this process, which keeps nothing: unfinished work has to be published anew at start.
    pub fn in_process() -> Self {
        Self::in_process_with(BrokerConfig::default())
    }

    /// The same with other delays and limits than usual.
    pub fn in_process_with(config: BrokerConfig) -> Self {
        Self { driver: Driver::InProcess(InProcess::new(config.sane())) }
    }

    /// Creates every queue with its dead-letter and retry queues, once however often it is called. An error that is
    /// [fatal](BrokerError::is_fatal) stays: someone has to look.
    pub async fn declare_topology(&self) -> Result<(), BrokerError> {
        on_driver!(self, driver => driver.declare_topology().await)
    }

    /// Publishes messages in order and waits until each is confirmed or has failed: one result each, in order. Ends
    /// by the configured deadline after the broker stopped making progress.
    pub async fn publish(&self, messages: Vec<Outgoing>) -> Vec<Result<(), PublishError>> {
        let results = on_driver!(self, driver => driver.publish(messages).await);
        results.iter().for_each(crate::metrics::published);
        results
    }

    /// Subscribes to routing keys of the topic exchange, where `*` is one word and `#` any number of them. Returns
    /// once the subscription stands; it then heals itself. At most `prefetch` messages wait for their reader.
    pub async fn subscribe_topic(&self, pattern: &str, prefetch: u16) -> Result<TopicStream, BrokerError> {
        on_driver!(self, driver => driver.subscribe_topic(pattern, prefetch.max(1)).await)
    }

    /// Whether the broker can be used, as far as is known: asks nobody.
    pub fn health(&self) -> BrokerHealth {
        on_driver!(self, driver => driver.health())
    }

    /// How many messages wait in a queue, not counting those being handled.
    pub async fn depth(&self, queue: Queue) -> Result<u64, BrokerError> {
        on_driver!(self, driver => driver.depth(queue).await)
    }

    /// Up to `limit` messages of a queue's dead-letter queue, oldest first. They stay there.
    pub async fn peek_dead(&self, queue: Queue, limit: usize) -> Result<Vec<DeadMessage>, BrokerError> {
        on_driver!(self, driver => driver.peek_dead(queue, limit).await)
    }

    /// Takes up to `limit` messages of a queue's dead-letter queue, oldest first. They are gone from there when the answer
    /// is [forgotten](TakenDead::forget), and stay when it is dropped. Until then nobody else takes or sees them.
    pub async fn take_dead(&self, queue: Queue, limit: usize) -> Result<TakenDead, BrokerError> {
        on_driver!(self, driver => driver.take_dead(queue, limit).await)
    }

    /// Every queue as it stands now.
    pub async fn queue_states(&self) -> Result<Vec<QueueState>, BrokerError> {
        on_driver!(self, driver => driver.queue_states().await)
    }

    /// Ends what publishing is under way, then the connections. End the workers first: one that still runs ends with
    /// [`BrokerError::Closed`].
    pub async fn close(&self) {
        on_driver!(self, driver => driver.close().await);
    }

    /// When a publish that was not confirmed has failed.
    pub fn publish_deadline(&self) -> Duration {
        on_driver!(self, driver => driver.config().publish_deadline)
    }

    /// With what it was started.
    pub(crate) fn config(&self) -> &BrokerConfig {
        on_driver!(self, driver => driver.config())
    }

    /// Starts feeding a worker.
    pub(crate) fn consume(&self, queue: Queue, options: FeedOptions) -> Feed {
        on_driver!(self, driver => driver.consume(queue, options))
    }
}
