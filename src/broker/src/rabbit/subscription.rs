//! Topic subscriptions: a queue of the connection's own, which goes when the connection goes, and comes back with the
//! next one.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use lapin::{
    Channel, Consumer,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions},
    types::{FieldTable, ShortString},
};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    backoff::Backoff,
    connection::{Connector, operate, setup},
    properties::text_headers,
    topology::TOPIC_EXCHANGE,
};
use crate::{BrokerConfig, BrokerError, TopicMessage, TopicStream, metrics};

struct Subscription {
    connector: Arc<Connector>,
    pattern: ShortString,
    prefetch: u16,
    messages: mpsc::Sender<TopicMessage>,
}

pub(super) async fn subscribe(
    connector: Arc<Connector>,
    config: &BrokerConfig,
    pattern: &str,
    prefetch: u16,
) -> Result<TopicStream, BrokerError> {
    let doing = || format!("subscribing to {pattern}");
    let key = ShortString::try_new(pattern).map_err(|_| BrokerError::Ended { what: doing() })?;
    let (messages, stream) = mpsc::channel(prefetch.into());
    let subscription = Subscription { connector, pattern: key, prefetch, messages };
    let limit = config.publish_deadline;
    let first = timeout(limit, subscription.open_patiently());
    let first = first.await.map_err(|_| BrokerError::TimedOut { doing: doing(), limit })??;
    let ended = CancellationToken::new();
    tokio::spawn(subscription.run(first, ended.clone()));
    Ok(TopicStream::new(stream, ended.drop_guard()))
}

impl Subscription {
    /// A consumer, once there is one. Only what is fatal is an error.
    async fn open_patiently(&self) -> Result<(Channel, Consumer), BrokerError> {
        let mut backoff = Backoff::default();
        loop {
            match self.open().await {
                Ok(opened) => {
                    self.connector.note_success();
                    return Ok(opened);
                }
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => {
                    let pause = backoff.next();
                    if self.connector.note(&error) {
                        tracing::warn!(pattern = %self.pattern, %error, ?pause, "there is no subscription");
                    } else {
                        tracing::debug!(pattern = %self.pattern, %error, ?pause, "there is no subscription");
                    }
                    self.connector.pause(pause).await;
                }
            }
        }
    }

    async fn open(&self) -> Result<(Channel, Consumer), BrokerError> {
        let channel = self.connector.channel().await?;
        // Exclusive, so classic and in memory: it is worth nothing without its reader.
        let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
        let declare = channel.queue_declare("".into(), options, FieldTable::default());
        let queue = setup("declaring a subscription's queue", declare).await?.name().clone();
        let bind = channel.queue_bind(
            queue.clone(),
            TOPIC_EXCHANGE.into(),
            self.pattern.clone(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        setup("binding a subscription's queue", bind).await?;
        setup("setting the prefetch", channel.basic_qos(self.prefetch, BasicQosOptions { global: false })).await?;
        let consume = channel.basic_consume(queue, "".into(), BasicConsumeOptions::default(), FieldTable::default());
        let consumer = setup("consuming a subscription", consume).await?;
        Ok((channel, consumer))
    }

    async fn run(self, first: (Channel, Consumer), ended: CancellationToken) {
        let until_closed = self.connector.closed().clone();
        tokio::select! {
            () = ended.cancelled() => {}
            () = until_closed.cancelled() => {}
            error = self.forever(first) => {
                tracing::error!(pattern = %self.pattern, %error, "a subscription ended for good");
            }
        }
    }

    async fn forever(&self, first: (Channel, Consumer)) -> BrokerError {
        let mut opened = first;
        loop {
            // The channel lives as long as the session.
            let (_channel, consumer) = opened;
            match self.session(consumer).await {
                Err(error) if error.is_fatal() => return error,
                Err(error) => {
                    if self.connector.note(&error) {
                        tracing::warn!(pattern = %self.pattern, %error, "a subscription was interrupted");
                    } else {
                        tracing::debug!(pattern = %self.pattern, %error, "a subscription was interrupted");
                    }
                    metrics::reconnected("subscription");
                }
                Ok(()) => return BrokerError::Closed,
            }
            opened = match self.open_patiently().await {
                Ok(opened) => opened,
                Err(error) => return error,
            };
        }
    }

    /// Hands on messages until the reader is gone.
    async fn session(&self, mut consumer: Consumer) -> Result<(), BrokerError> {
        loop {
            let Some(mut last) = self.hand_on(consumer.next().await).await? else { return Ok(()) };
            // What else is there is acknowledged with it.
            while let Some(delivery) = consumer.next().now_or_never() {
                let Some(acker) = self.hand_on(delivery).await? else { return Ok(()) };
                last = acker;
            }
            operate("acknowledging", last.ack(BasicAckOptions { multiple: true })).await?;
        }
    }

    /// `None`: the reader is gone.
    async fn hand_on(&self, delivery: Option<lapin::Result<Delivery>>) -> Result<Option<lapin::Acker>, BrokerError> {
        let delivery = match delivery {
            Some(Ok(delivery)) => delivery,
            Some(Err(error)) => return Err(BrokerError::in_operation("consuming a subscription", error)),
            None => return Err(BrokerError::Ended { what: "a subscription".into() }),
        };
        let message = TopicMessage {
            routing_key: delivery.routing_key.to_string(),
            headers: text_headers(&delivery.properties),
            body: Bytes::from(delivery.data),
        };
        Ok(self.messages.send(message).await.is_ok().then_some(delivery.acker))
    }
}
