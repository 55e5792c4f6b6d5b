//! Devices that listen on a topic of the broker: over its MQTT plugin, or simulated.

use std::{sync::Arc, time::Duration};

use drover_broker::{Broker, Outgoing, PublishError, Target};
use drover_messages::{DeviceCommand, TraceContext, device_topic};
use drover_service::{Entropy, random_uuid};

/// The longest that the broker can be told to keep a message: 2^32 - 1 milliseconds, less than 50 days.
const MAX_EXPIRY: Duration = Duration::from_hours(49 * 24);

/// A command and the device it is for.
#[derive(Debug, Clone)]
pub(crate) struct Addressed {
    pub(crate) device_uuid: String,
    pub(crate) command: DeviceCommand,
}

/// Publishes to `devices.<uuid>.commands`.
pub(crate) struct TopicChannel {
    broker: Broker,
    entropy: Arc<dyn Entropy>,
}

impl TopicChannel {
    pub(crate) fn new(broker: Broker, entropy: Arc<dyn Entropy>) -> Self {
        Self { broker, entropy }
    }

    /// Hands commands over. `Ok` means that a queue for the device has it, not that the device does: only its report
    /// says that. What the device does not fetch within `expires_after` is dropped: its attempt is over.
    pub(crate) async fn send(
        &self,
        commands: &[Addressed],
        trace: Option<TraceContext>,
        expires_after: Duration,
    ) -> Vec<Result<(), PublishError>> {
        let outgoing = commands
            .iter()
            .map(|addressed| Outgoing {
                message_id: random_uuid(self.entropy.as_ref()),
                target: Target::Topic(device_topic(&addressed.device_uuid)),
                // Plain strings and numbers always encode.
                body: serde_json::to_vec(&addressed.command).unwrap_or_default(),
                trace,
                expires_after: Some(expires_after.min(MAX_EXPIRY)),
            })
            .collect();
        self.broker.publish(outgoing).await
    }
}
