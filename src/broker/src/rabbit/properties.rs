//! Message properties: written when publishing, read from deliveries, carried over when a message moves.

use drover_messages::TraceContext;
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, LongString, ShortString},
};
use uuid::Uuid;

use crate::names::{HEADER_ATTEMPT, HEADER_REASON, HEADER_ROUTING_KEY, clip_reason};

const PERSISTENT: u8 = 2;
/// Headers of the broker or of ours that speak of one stay in one queue. Copying `x-death` would make the broker take
/// the next expiry for a cycle and drop the message; `CC` and `BCC` would route copies.
const NOT_CARRIED: [&str; 9] = [
    "x-death",
    "x-first-death-exchange",
    "x-first-death-queue",
    "x-first-death-reason",
    "x-delivery-count",
    "x-acquired-count",
    "CC",
    "BCC",
    HEADER_REASON,
];

pub(super) fn for_publishing(message_id: Uuid, trace: Option<TraceContext>) -> BasicProperties {
    let mut headers = FieldTable::default();
    if let Some(trace) = trace {
        headers.insert(TraceContext::HEADER.into(), text(&trace.to_string()));
    }
    BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_message_id(message_id.to_string().into())
        .with_content_type("application/json".into())
        .with_headers(headers)
}

/// What a delivery says of itself, beside its body.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub(super) routing_key: String,
    pub(super) attempt: u32,
    pub(super) trace: Option<TraceContext>,
    pub(super) message_id: Option<Uuid>,
    properties: BasicProperties,
}

impl Letter {
    /// Reads a delivery. Our own headers count only on what came through the default exchange, where we alone publish:
    /// a device that speaks MQTT 5 can set any header, and must not name another device's routing key.
    pub(super) fn read(exchange: &str, routing_key: &str, properties: BasicProperties) -> Self {
        let headers = properties.headers().as_ref();
        let ours = if exchange.is_empty() { headers } else { None };
        let attempt = ours.and_then(|headers| number(headers, HEADER_ATTEMPT)).unwrap_or(0);
        let key = ours.and_then(|headers| string(headers, HEADER_ROUTING_KEY));
        Self {
            routing_key: key.unwrap_or_else(|| routing_key.to_owned()),
            attempt,
            trace: headers.and_then(|headers| string(headers, TraceContext::HEADER)?.parse().ok()),
            message_id: properties.message_id().as_ref().and_then(|id| Uuid::parse_str(id.as_str()).ok()),
            properties,
        }
    }

    /// Properties for the same message in another queue. `reason` says why it moves.
    pub(super) fn forwarded(&self, attempt: u32, reason: Option<&str>) -> BasicProperties {
        let mut headers = FieldTable::default();
        for (key, value) in self.properties.headers().iter().flatten() {
            if !NOT_CARRIED.contains(&key.as_str()) {
                headers.insert(key.clone(), value.clone());
            }
        }
        headers.insert(HEADER_ATTEMPT.into(), AMQPValue::LongLongInt(attempt.into()));
        headers.insert(HEADER_ROUTING_KEY.into(), text(&self.routing_key));
        if let Some(reason) = reason {
            headers.insert(HEADER_REASON.into(), text(&clip_reason(reason)));
        }
        // A return is told by the message's id, so every message gets one, even when its publisher gave none.
        let id = self.message_id.unwrap_or_else(Uuid::new_v4);
        let content_type = self.properties.content_type().clone();
        BasicProperties::default()
            .with_delivery_mode(PERSISTENT)
            .with_message_id(id.to_string().into())
            .with_content_type(content_type.unwrap_or_else(|| ShortString::from("application/json")))
            .with_headers(headers)
    }

    /// Why the message is in a dead-letter queue: in our words, else in the broker's.
    pub(super) fn reason(&self) -> String {
        let headers = self.properties.headers().as_ref();
        let ours = headers.and_then(|headers| string(headers, HEADER_REASON));
        let brokers = || headers.and_then(|headers| string(headers, "x-first-death-reason"));
        ours.or_else(brokers).unwrap_or_else(|| "unknown".to_owned())
    }
}

/// The headers that are text.
pub(super) fn text_headers(properties: &BasicProperties) -> std::collections::BTreeMap<String, String> {
    let headers = properties.headers().iter().flatten();
    headers.filter_map(|(key, value)| Some((key.to_string(), as_string(value)?))).collect()
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}

fn as_string(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(value) => Some(String::from_utf8_lossy(value.as_bytes()).into_owned()),
        AMQPValue::ShortString(value) => Some(value.to_string()),
        _ => None,
    }
}

fn string(headers: &FieldTable, key: &str) -> Option<String> {
    headers.inner().get(key).and_then(as_string)
}

fn number(headers: &FieldTable, key: &str) -> Option<u32> {
    match headers.inner().get(key)? {
        AMQPValue::LongLongInt(value) => u32::try_from(*value).ok(),
        AMQPValue::LongInt(value) => u32::try_from(*value).ok(),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_device_cannot_forge_its_routing_key() {
        let mut headers = FieldTable::default();
        headers.insert(HEADER_ROUTING_KEY.into(), text("devices.victim.reports"));
        headers.insert(HEADER_ATTEMPT.into(), AMQPValue::LongLongInt(19));
        let properties = BasicProperties::default().with_headers(headers);
        let letter = Letter::read("amq.topic", "devices.mallory.reports", properties.clone());
        assert_eq!((letter.routing_key.as_str(), letter.attempt), ("devices.mallory.reports", 0));
        let letter = Letter::read("", "drover.v1.reports", properties);
        assert_eq!((letter.routing_key.as_str(), letter.attempt), ("devices.victim.reports", 19));
    }

    #[test]
    fn a_forwarded_message_keeps_what_is_its_own() {
        let trace: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
        let id = Uuid::from_u128(7);
        let mut properties = for_publishing(id, Some(trace));
        let mut headers = properties.headers().clone().unwrap();
        headers.insert("x-death".into(), text("old"));
        properties = properties.with_headers(headers);
        let forwarded = Letter::read("", "jobs", properties).forwarded(3, Some("busy"));
        assert!(!forwarded.headers().as_ref().unwrap().contains_key("x-death"));
        let again = Letter::read("", "jobs.retry", forwarded);
        assert_eq!((again.attempt, again.trace, again.message_id), (3, Some(trace), Some(id)));
        assert_eq!((again.routing_key.as_str(), again.reason().as_str()), ("jobs", "busy"));
    }
}
