//! The driver that needs no broker: the same semantics in memory. It keeps nothing.

mod consumer;
mod dead;
mod rates;
mod store;
mod topics;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use drover_messages::Queue;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    BrokerConfig, BrokerError, BrokerHealth, DeadMessage, MAX_BODY_BYTES, Outgoing, PublishError, QueueState,
    TakenDead, Target, TopicStream,
    feed::{self, Feed, FeedOptions},
    names::REPORTS_PATTERN,
    taken::Hold,
    topic,
};
pub(crate) use dead::DeadHold;
use rates::Rates;
use store::{Store, Stored};
use topics::Topics;

/// The broker within this process.
#[derive(Debug)]
pub(crate) struct InProcess {
    config: BrokerConfig,
    store: Mutex<Store>,
    topics: Mutex<Topics>,
    rates: Mutex<Rates>,
    closed: CancellationToken,
}

impl InProcess {
    pub(crate) fn config(&self) -> &BrokerConfig {
        &self.config
    }

    pub(crate) fn new(config: BrokerConfig) -> Arc<Self> {
        let store = Mutex::new(Store::new(config.in_process_capacity));
        Arc::new(Self {
            config,
            store,
            topics: Mutex::default(),
            rates: Mutex::default(),
            closed: CancellationToken::new(),
        })
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ensure_open(&self) -> Result<(), BrokerError> {
        if self.closed.is_cancelled() { Err(BrokerError::Closed) } else { Ok(()) }
    }

    #[allow(clippy::unused_async)] // as the other driver
    pub(crate) async fn declare_topology(&self) -> Result<(), BrokerError> {
        self.ensure_open()
    }

    pub(crate) async fn publish(&self, messages: Vec<Outgoing>) -> Vec<Result<(), PublishError>> {
        let mut results = Vec::with_capacity(messages.len());
        for message in messages {
            results.push(self.publish_one(message).await);
        }
        results
    }

    async fn publish_one(&self, message: Outgoing) -> Result<(), PublishError> {
        self.ensure_open().map_err(PublishError::Connection)?;
        let size_bytes = message.body.len();
        if size_bytes > MAX_BODY_BYTES {
            return Err(PublishError::TooLarge { size_bytes });
        }
        match &message.target {
            Target::Queue(queue) => {
                let queue = *queue;
                let key = queue.to_string();
                self.store().push(queue, Stored::new(message, key))
            }
            Target::Topic(key) if key.len() > usize::from(u8::MAX) => Err(PublishError::InvalidTarget),
            Target::QueueUnder { queue, routing_key } => {
                let (queue, key) = (*queue, routing_key.clone());
                self.store().push(queue, Stored::new(message, key))
            }
            Target::Topic(key) => {
                let key = key.clone();
                self.publish_topic(message, key).await
            }
        }
    }

    async fn publish_topic(&self, message: Outgoing, key: String) -> Result<(), PublishError> {
        let (subscribers, caught) = self.topics().matching(&key, &message);
        let is_report = topic::matches(REPORTS_PATTERN, &key);
        if is_report {
            self.store().push(Queue::Reports, Stored::new(message, key))?;
        } else if subscribers.is_empty() {
            return Err(PublishError::Unroutable { reply: "no subscriber".into() });
        }
        for subscriber in subscribers {
            match subscriber.send_timeout(caught.clone(), self.config.publish_deadline).await {
                // One that just left is one that was not there.
                Ok(()) | Err(mpsc::error::SendTimeoutError::Closed(_)) => {}
                Err(mpsc::error::SendTimeoutError::Timeout(_)) => return Err(PublishError::TimedOut),
            }
        }
        Ok(())
    }

    #[allow(clippy::unused_async)] // as the other driver
    pub(crate) async fn subscribe_topic(&self, pattern: &str, prefetch: u16) -> Result<TopicStream, BrokerError> {
        self.ensure_open()?;
        let (subscriber, messages) = mpsc::channel(prefetch.into());
        self.topics().add(pattern, subscriber);
        Ok(TopicStream::new(messages, CancellationToken::new().drop_guard()))
    }

    pub(crate) fn consume(self: &Arc<Self>, queue: Queue, options: FeedOptions) -> Feed {
        feed::start(|end| consumer::run(Arc::clone(self), queue, options, end))
    }

    /// Puts a message back into its queue after a delay.
    fn push_later(self: &Arc<Self>, queue: Queue, stored: Stored, delay: Duration) {
        let broker = Arc::clone(self);
        broker.store().put_off(queue);
        let at = Instant::now() + self.config.fitting_delay(delay);
        tokio::spawn(async move {
            tokio::select! {
                () = sleep_until(at) => broker.store().push_again(queue, stored),
                () = broker.closed.cancelled() => {}
            }
        });
    }

    pub(crate) fn health(&self) -> BrokerHealth {
        let error = self.ensure_open().err();
        BrokerHealth { connected: error.is_none(), last_error: error.map(|error| error.to_string()), blocked: false }
    }

    #[allow(clippy::unused_async)] // as the other driver
    pub(crate) async fn depth(&self, queue: Queue) -> Result<u64, BrokerError> {
        self.ensure_open()?;
        Ok(self.store().depth(queue))
    }

    #[allow(clippy::unused_async)] // as the other driver
    pub(crate) async fn peek_dead(&self, queue: Queue, limit: usize) -> Result<Vec<DeadMessage>, BrokerError> {
        self.ensure_open()?;
        Ok(self.store().peek_dead(queue, limit))
    }

    #[allow(clippy::unused_async)] // as the other driver
    pub(crate) async fn take_dead(self: &Arc<Self>, queue: Queue, limit: usize) -> Result<TakenDead, BrokerError> {
        self.ensure_open()?;
        let messages = self.store().take_dead(queue, limit);
        let hold = DeadHold::new(Arc::clone(self), queue, messages.clone());
        Ok(TakenDead::new(messages, Hold::InProcess(hold)))
    }

    #[allow(clippy::unused_async)] // as the other driver
    pub(crate) async fn queue_states(&self) -> Result<Vec<QueueState>, BrokerError> {
        self.ensure_open()?;
        let seen: Vec<_> = {
            let mut store = self.store();
            Queue::all().map(|queue| store.state(queue)).collect()
        };
        Ok(self.rates.lock().unwrap_or_else(PoisonError::into_inner).add_to(seen, Instant::now()))
    }

    #[allow(clippy::unused_async)] // as the other driver
    pub(crate) async fn close(&self) {
        self.closed.cancel();
        *self.topics() = Topics::default();
    }
}
