//! What a device may do on the broker. Every rule compares whole names: nothing is matched as a pattern, so nothing that a
//! client calls itself can become one.

use drover_domain::DeviceUuid;
use drover_messages::{device_of_reports_key, device_topic};

/// The exchange behind every MQTT topic.
pub(super) const EXCHANGE: &str = "amq.topic";
/// The queues that the MQTT plugin keeps for a client that subscribes, by quality of service. A will that waits would have
/// one too, from RabbitMQ 4 on; devices get none.
const SUBSCRIPTION: &str = "mqtt-subscription-";
const QUALITIES: [&str; 2] = ["qos0", "qos1"];
/// What the client id of a device's second connection adds to its uuid.
const SECOND: &str = ".report";

/// A topic that a device may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TopicAccess {
    /// It listens for its commands.
    Commands,
    /// It reports.
    Reports,
}

/// Whether a device may connect under this client id: its uuid, or its uuid and `.report`. Two, so that a device cannot
/// leave behind any number of sessions, each with a queue that collects its commands. A uuid holds no point, so a client id
/// is one device's only, and nobody takes over the session of another. Without a client id it is not MQTT, and devices speak
/// nothing else.
pub(super) fn may_connect(uuid: &DeviceUuid, client_id: Option<&str>) -> bool {
    let rest = client_id.and_then(|client_id| client_id.strip_prefix(uuid.as_str()));
    matches!(rest, Some("" | SECOND))
}

/// Whether a device may `configure`, `read` or `write` a queue or exchange. The queues are those of the client that is named
/// as the device: its second connection can publish and no more.
pub(super) fn may_use(uuid: &DeviceUuid, resource: &str, name: &str, permission: &str) -> bool {
    match (resource, permission) {
        ("exchange", "read" | "write") => name == EXCHANGE,
        ("queue", "configure" | "read" | "write") => {
            let quality = name.strip_prefix(SUBSCRIPTION).and_then(|client| client.strip_prefix(uuid.as_str()));
            quality.is_some_and(|quality| QUALITIES.contains(&quality))
        }
        _ => false,
    }
}

/// What a device may do with a topic of [`EXCHANGE`], given as an AMQP routing key: read its commands, write its reports.
pub(super) fn topic_access(uuid: &DeviceUuid, permission: &str, routing_key: &str) -> Option<TopicAccess> {
    match permission {
        "read" => (routing_key == device_topic(uuid.as_str())).then_some(TopicAccess::Commands),
        "write" => (device_of_reports_key(routing_key) == Some(uuid.as_str())).then_some(TopicAccess::Reports),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
