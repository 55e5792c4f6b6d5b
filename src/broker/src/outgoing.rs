//! Messages on their way to the broker.

use std::time::Duration;

use drover_messages::{Queue, TraceContext};
use uuid::Uuid;

/// The largest body that is published. Brokers close the channel on larger ones, and with it everything in flight.
pub const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// A message to publish. It is persistent, and it counts as published only when a queue has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Identity of the message, the same when it is published again. A return names it.
    pub message_id: Uuid,
    /// Where to.
    pub target: Target,
    /// The encoded message.
    pub body: Vec<u8>,
    /// The trace it belongs to.
    pub trace: Option<TraceContext>,
    /// Dropped by the broker when it has waited that long.
    pub expires_after: Option<Duration>,
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A queue of the topology.
    Queue(Queue),
    /// A queue of the topology, for a message that first came under another routing key: a device's report that is sent
    /// again is still that device's.
    QueueUnder {
        /// The queue.
        queue: Queue,
        /// The key.
        routing_key: String,
    },
    /// Whoever subscribed to this routing key: `devices.<uuid>.commands` is the MQTT topic `devices/<uuid>/commands`.
    Topic(String),
}
