//! The RabbitMQ driver, over lapin without its automatic recovery: that does not heal a failed channel.

mod backoff;
mod connection;
mod consumer;
mod dead;
mod inspect;
mod management;
mod outage;
mod outstanding;
mod properties;
mod publisher;
mod returns;
mod states;
mod subscription;
mod topology;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use drover_messages::Queue;
use tokio_util::sync::CancellationToken;

use crate::{
    BrokerConfig, BrokerError, BrokerHealth, DeadMessage, Outgoing, PublishError, QueueState, TakenDead, TopicStream,
    feed::{self, Feed, FeedOptions},
    names::QueueNames,
    taken::Hold,
};
pub(crate) use dead::DeadHold;
pub use management::{InvalidManagementUrl, Management, ManagementError};

use connection::Connector;
use outage::Outage;
use publisher::{Parcel, Publisher};
use topology::Topology;

/// Acknowledgements sent just before a channel closes can get lost on quorum queues; after this pause none was.
const PAUSE_BEFORE_CLOSE: Duration = Duration::from_millis(250);

/// RabbitMQ: one connection to publish on and one to consume on, so that an alarm, which blocks publishers, leaves
/// consumers alone.
#[derive(Debug)]
pub(crate) struct Rabbit {
    config: Arc<BrokerConfig>,
    names: QueueNames,
    publishing: Arc<Connector>,
    consuming: Arc<Connector>,
    publisher: Publisher,
    topology: Topology,
    /// Whether it was said that the management API does not answer.
    is_silence_said: AtomicBool,
    closed: CancellationToken,
}

impl Rabbit {
    pub(crate) fn config(&self) -> &BrokerConfig {
        &self.config
    }

    pub(crate) fn start(config: BrokerConfig) -> Arc<Self> {
        let config = Arc::new(config);
        let closed = CancellationToken::new();
        let outage = Arc::new(Outage::default());
        let connector =
            |purpose| Arc::new(Connector::new(purpose, Arc::clone(&config), Arc::clone(&outage), closed.clone()));
        let (publishing, consuming) = (connector("publish"), connector("consume"));
        let names = QueueNames::new(&config.queue_prefix);
        Arc::new(Self {
            publisher: Publisher::start(Arc::clone(&publishing), &config, closed.clone()),
            topology: Topology::new(names.clone(), &config),
            names,
            is_silence_said: AtomicBool::new(false),
            publishing,
            consuming,
            closed,
            config,
        })
    }

    pub(crate) async fn declare_topology(&self) -> Result<(), BrokerError> {
        self.topology.declare_once(&self.consuming, self.config.publish_deadline).await
    }

    pub(crate) async fn publish(&self, messages: Vec<Outgoing>) -> Vec<Result<(), PublishError>> {
        let parcels = messages.into_iter().map(|message| Parcel::from_outgoing(message, &self.names)).collect();
        self.publisher.publish(parcels).await
    }

    pub(crate) async fn subscribe_topic(&self, pattern: &str, prefetch: u16) -> Result<TopicStream, BrokerError> {
        self.consuming.want();
        subscription::subscribe(Arc::clone(&self.consuming), &self.config, pattern, prefetch).await
    }

    pub(crate) fn consume(self: &Arc<Self>, queue: Queue, options: FeedOptions) -> Feed {
        self.consuming.want();
        feed::start(|end| consumer::run(Arc::clone(self), queue, options, end))
    }

    pub(crate) fn health(&self) -> BrokerHealth {
        let (publishing, consuming) = (self.publishing.health(), self.consuming.health());
        BrokerHealth {
            // Who never consumes needs no second connection.
            connected: publishing.connected && (consuming.connected || !self.consuming.is_wanted()),
            last_error: publishing.last_error.or(consuming.last_error),
            blocked: publishing.blocked,
        }
    }

    pub(crate) async fn depth(&self, queue: Queue) -> Result<u64, BrokerError> {
        inspect::depth(&self.consuming, &self.names.work(queue)).await
    }

    pub(crate) async fn peek_dead(&self, queue: Queue, limit: usize) -> Result<Vec<DeadMessage>, BrokerError> {
        let (messages, hold) = self.get_dead(queue, limit).await?;
        hold.give_back().await?;
        Ok(messages)
    }

    pub(crate) async fn take_dead(&self, queue: Queue, limit: usize) -> Result<TakenDead, BrokerError> {
        let (messages, hold) = self.get_dead(queue, limit).await?;
        Ok(TakenDead::new(messages, Hold::Rabbit(hold)))
    }

    async fn get_dead(&self, queue: Queue, limit: usize) -> Result<(Vec<DeadMessage>, DeadHold), BrokerError> {
        let work = self.names.work(queue);
        DeadHold::get(&self.consuming, &work, &self.dead_queues(queue), limit).await
    }

    pub(crate) async fn queue_states(&self) -> Result<Vec<QueueState>, BrokerError> {
        states::read(self).await
    }

    /// Every queue that a message of that queue may go to as dead.
    fn dead_queues(&self, queue: Queue) -> Vec<String> {
        let mut names = vec![self.names.dead(queue), self.dead_letters(queue)];
        names.dedup();
        names
    }

    /// Where a message of that queue goes that we call dead.
    fn dead_letters(&self, queue: Queue) -> String {
        match queue {
            Queue::Reports => self.names.dead_reports(self.config.dead_reports_max),
            Queue::Jobs(_) | Queue::Dispatch(_) => self.names.dead(queue),
        }
    }

    pub(crate) async fn close(&self) {
        self.closed.cancel();
        self.publisher.ended().await;
        self.publishing.close().await;
        self.consuming.close().await;
    }
}

impl Drop for Rabbit {
    /// A broker that nobody holds ends its tasks, and lapin closes connections that nobody holds.
    fn drop(&mut self) {
        self.closed.cancel();
    }
}
