//! Looking into queues, each time on a channel of its own: a queue that is not there would end a shared one.

use bytes::Bytes;
use lapin::{
    options::{BasicGetOptions, BasicNackOptions, QueueDeclareOptions},
    types::FieldTable,
};

use super::{
    connection::{Connector, operate},
    properties::{self, Letter},
};
use crate::{BrokerError, DeadMessage};

pub(super) async fn depth(connector: &Connector, queue: &str) -> Result<u64, BrokerError> {
    let channel = connector.channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let declare = channel.queue_declare(queue.into(), passive, FieldTable::default());
    Ok(operate(format!("looking at queue {queue}"), declare).await?.message_count().into())
}

pub(super) async fn peek(connector: &Connector, queue: &str, limit: usize) -> Result<Vec<DeadMessage>, BrokerError> {
    let channel = connector.channel().await?;
    let mut messages = Vec::new();
    let mut last = None;
    while messages.len() < limit {
        let get = channel.basic_get(queue.into(), BasicGetOptions { no_ack: false });
        let Some(got) = operate(format!("looking into queue {queue}"), get).await? else { break };
        let delivery = got.delivery;
        let letter = Letter::read(delivery.exchange.as_str(), delivery.routing_key.as_str(), &delivery.properties);
        messages.push(DeadMessage {
            body: Bytes::from(delivery.data),
            reason: properties::reason(&delivery.properties),
            routing_key: letter.routing_key,
            message_id: letter.message_id,
            broker_attempt: letter.attempt,
            trace: letter.trace,
        });
        last = Some(delivery.acker);
    }
    if let Some(acker) = last {
        let all = BasicNackOptions { multiple: true, requeue: true };
        operate(format!("leaving queue {queue}"), acker.nack(all)).await?;
    }
    Ok(messages)
}
