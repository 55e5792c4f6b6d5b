//! The RabbitMQ driver, over lapin without its automatic recovery: that does not heal a failed channel.

mod backoff;
mod connection;
mod consumer;
mod inspect;
mod management;
mod outage;
mod outstanding;
mod properties;
mod publisher;
mod returns;
mod subscription;
mod topology;

use std::sync::Arc;

use drover_messages::Queue;
use tokio_util::sync::CancellationToken;

use crate::{
    BrokerConfig, BrokerError, BrokerHealth, DeadMessage, Outgoing, PublishError, TopicStream,
    feed::{self, Feed, FeedOptions},
    names::QueueNames,
};
pub use management::{InvalidManagementUrl, Management, ManagementError};

use connection::Connector;
use outage::Outage;
use publisher::{Parcel, Publisher};
use topology::Topology;

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
        let mut messages = inspect::peek(&self.consuming, &self.names.dead(queue), limit).await?;
        if queue == Queue::Reports {
            let rest = limit - messages.len();
            messages.extend(inspect::peek(&self.consuming, &self.dead_letters(queue), rest).await?);
        }
        Ok(messages)
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
