//! Looking at queues, each time on a channel of its own: a queue that is not there would end a shared one.

use lapin::{Channel, options::QueueDeclareOptions, types::FieldTable};

use super::connection::{Connector, operate};
use crate::BrokerError;

/// What a declaration that changes nothing tells.
pub(super) struct Seen {
    pub(super) messages: u64,
    pub(super) consumers: u64,
}

pub(super) async fn depth(connector: &Connector, queue: &str) -> Result<u64, BrokerError> {
    Ok(look(&connector.channel().await?, queue).await?.messages)
}

pub(super) async fn look(channel: &Channel, queue: &str) -> Result<Seen, BrokerError> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let declare = channel.queue_declare(queue.into(), passive, FieldTable::default());
    let declared = operate(format!("looking at queue {queue}"), declare).await?;
    Ok(Seen { messages: declared.message_count().into(), consumers: declared.consumer_count().into() })
}
