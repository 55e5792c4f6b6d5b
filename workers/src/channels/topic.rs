//! Devices that listen on a topic of the broker: over its MQTT plugin, or simulated.

use std::{sync::Arc, time::Duration};

use drover_broker::{Broker, Outgoing, PublishError, Target};
use drover_messages::device_topic;
use drover_service::{Entropy, random_uuid};
use futures_util::{FutureExt, future::BoxFuture};

use super::{Addressed, Channel, ChannelError, Handed, Handover};

/// The longest that the broker can be told to keep a message: 2^32 - 1 milliseconds, less than 50 days.
const MAX_EXPIRY: Duration = Duration::from_hours(49 * 24);

/// Publishes to `devices.<uuid>.commands`.
pub(crate) struct TopicChannel {
    broker: Broker,
    entropy: Arc<dyn Entropy>,
}

impl TopicChannel {
    pub(crate) fn new(broker: Broker, entropy: Arc<dyn Entropy>) -> Self {
        Self { broker, entropy }
    }

    fn outgoing(&self, addressed: &Addressed, handover: Handover) -> Outgoing {
        Outgoing {
            message_id: random_uuid(self.entropy.as_ref()),
            target: Target::Topic(device_topic(&addressed.device_uuid)),
            // Plain strings and numbers always encode.
            body: serde_json::to_vec(&addressed.command).unwrap_or_default(),
            trace: handover.trace,
            expires_after: Some(handover.expires_after.min(MAX_EXPIRY)),
        }
    }
}

impl Channel for TopicChannel {
    /// Accepted means that a queue for the device has it: that of a session which may be away.
    fn send<'a>(
        &'a self,
        commands: &'a [Addressed],
        handover: Handover,
    ) -> BoxFuture<'a, Vec<Result<Handed, ChannelError>>> {
        async move {
            let outgoing = commands.iter().map(|addressed| self.outgoing(addressed, handover)).collect();
            let results = self.broker.publish(outgoing).await;
            results
                .into_iter()
                .map(|result| match result {
                    Ok(()) => Ok(Handed::Accepted),
                    Err(PublishError::Unroutable { .. }) => Ok(Handed::Absent),
                    Err(error) => Err(error.into()),
                })
                .collect()
        }
        .boxed()
    }
}
