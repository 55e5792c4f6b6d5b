//! Dead messages, taken from their queues one by one and held until somebody decides.

use bytes::Bytes;
use lapin::{
    Acker, Channel,
    options::{BasicAckOptions, BasicGetOptions, BasicNackOptions},
};
use tokio::time::sleep;

use super::{
    PAUSE_BEFORE_CLOSE,
    connection::{Connector, operate},
    properties::{self, Letter},
};
use crate::{BrokerError, DeadMessage};

/// Holds dead messages on a channel of its own. Dropped, the channel ends and the messages go back.
#[derive(Debug)]
pub(crate) struct DeadHold {
    channel: Channel,
    last: Option<Acker>,
}

impl DeadHold {
    /// Gets up to `limit` messages of `queues`, the dead-letter queues of `work`, one queue after the other.
    pub(super) async fn get(
        connector: &Connector,
        work: &str,
        queues: &[String],
        limit: usize,
    ) -> Result<(Vec<DeadMessage>, Self), BrokerError> {
        let channel = connector.channel().await?;
        let (mut messages, mut last) = (Vec::new(), None);
        for queue in queues {
            while messages.len() < limit {
                let get = channel.basic_get(queue.as_str().into(), BasicGetOptions { no_ack: false });
                let Some(got) = operate(format!("looking into queue {queue}"), get).await? else { break };
                let delivery = got.delivery;
                let arrived = properties::arrived(work, &delivery.properties);
                let (exchange, key) = arrived
                    .as_ref()
                    .map_or((delivery.exchange.as_str(), delivery.routing_key.as_str()), |(exchange, key)| {
                        (exchange, key)
                    });
                let letter = Letter::read(exchange, key, &delivery.properties);
                messages.push(DeadMessage {
                    body: Bytes::from(delivery.data),
                    reason: properties::reason(exchange, &delivery.properties),
                    routing_key: letter.routing_key,
                    message_id: letter.message_id,
                    broker_attempt: letter.attempt,
                    trace: letter.trace,
                });
                last = Some(delivery.acker);
            }
        }
        Ok((messages, Self { channel, last }))
    }

    pub(crate) async fn forget(self) -> Result<(), BrokerError> {
        if let Some(acker) = &self.last {
            let is_sent = operate("forgetting dead messages", acker.ack(BasicAckOptions { multiple: true })).await?;
            if !is_sent {
                return Err(BrokerError::Ended { what: "the channel".into() });
            }
            sleep(PAUSE_BEFORE_CLOSE).await;
        }
        operate("closing the channel", self.channel.close(200, "done".into())).await
    }

    pub(super) async fn give_back(self) -> Result<(), BrokerError> {
        if let Some(acker) = &self.last {
            let all = BasicNackOptions { multiple: true, requeue: true };
            operate("leaving dead messages", acker.nack(all)).await?;
        }
        Ok(())
    }
}
