//! Message properties: written when publishing, read from deliveries, written anew when a message moves.
//!
//! Nothing is carried over that is not understood. Copying the broker's `x-death` would make it take the next expiry for a
//! cycle and drop the message, `CC` and `BCC` would route copies, and what a device adds (a user property of MQTT 5 is a
//! header) could make the frame of a message's headers, which is never split, larger than the broker takes.
//!
//! How large such a frame may be (`frame_max`, 128 KiB by default) is the broker's to say, a client can only lower it. What
//! keeps a delivery's headers below it is the broker too: it takes no larger frame over AMQP, and over MQTT 5 no larger
//! packet than its `mqtt.max_packet_size_authenticated`, which therefore has to be smaller.

use drover_messages::TraceContext;
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, LongString},
};
use uuid::Uuid;

use crate::names::{HEADER_ATTEMPT, HEADER_REASON, HEADER_ROUTING_KEY, HEADER_WAITS, clip_reason};

const PERSISTENT: u8 = 2;

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

/// The same for a message that first came under another routing key than it goes out with.
pub(super) fn under(properties: BasicProperties, routing_key: &str) -> BasicProperties {
    let mut headers = properties.headers().clone().unwrap_or_default();
    headers.insert(HEADER_ROUTING_KEY.into(), text(routing_key));
    properties.with_headers(headers)
}

/// What a delivery says of itself, beside its body.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub(super) routing_key: String,
    pub(super) attempt: u32,
    pub(super) waits: u32,
    pub(super) trace: Option<TraceContext>,
    pub(super) message_id: Option<Uuid>,
}

impl Letter {
    /// Reads a delivery. Our own headers count only on what came through the default exchange, where we alone publish:
    /// a device that speaks MQTT 5 can set any header, and must not name another device's routing key.
    pub(super) fn read(exchange: &str, routing_key: &str, properties: &BasicProperties) -> Self {
        let headers = properties.headers().as_ref();
        let ours = if exchange.is_empty() { headers } else { None };
        let count = |key| ours.and_then(|headers| number(headers, key)).unwrap_or(0);
        let key = ours.and_then(|headers| string(headers, HEADER_ROUTING_KEY));
        Self {
            routing_key: key.unwrap_or_else(|| routing_key.to_owned()),
            attempt: count(HEADER_ATTEMPT),
            waits: count(HEADER_WAITS),
            trace: headers.and_then(|headers| string(headers, TraceContext::HEADER)?.parse().ok()),
            message_id: properties.message_id().as_ref().and_then(|id| Uuid::parse_str(id.as_str()).ok()),
        }
    }

    /// Properties for the same message in another queue. `reason` says why it moves.
    pub(super) fn forwarded(&self, reason: Option<&str>) -> BasicProperties {
        // A return is told by the message's id, so every message gets one, even when its publisher gave none.
        let properties = for_publishing(self.message_id.unwrap_or_else(Uuid::new_v4), self.trace);
        let mut headers = properties.headers().clone().unwrap_or_default();
        headers.insert(HEADER_ATTEMPT.into(), AMQPValue::LongLongInt(self.attempt.into()));
        headers.insert(HEADER_WAITS.into(), AMQPValue::LongLongInt(self.waits.into()));
        headers.insert(HEADER_ROUTING_KEY.into(), text(&self.routing_key));
        if let Some(reason) = reason {
            headers.insert(HEADER_REASON.into(), text(&clip_reason(reason)));
        }
        properties.with_headers(headers)
    }
}

/// Through which exchange and under which key a message came to the queue `work`, if the broker itself moved it from there
/// to a dead-letter queue: it keeps the message's headers, which a device may have written.
pub(super) fn arrived(work: &str, properties: &BasicProperties) -> Option<(String, String)> {
    deaths(properties).find_map(|death| {
        if string(death, "queue")? != work {
            return None;
        }
        let AMQPValue::FieldArray(keys) = death.inner().get("routing-keys")? else { return None };
        Some((string(death, "exchange")?, keys.as_slice().first().and_then(as_string)?))
    })
}

/// What the broker notes of the times that it moved a message, the last one first. It puts a list in the place of whatever
/// else a device wrote there.
fn deaths(properties: &BasicProperties) -> impl Iterator<Item = &FieldTable> {
    let deaths = match properties.headers().as_ref().and_then(|headers| headers.inner().get("x-death")) {
        Some(AMQPValue::FieldArray(deaths)) => deaths.as_slice(),
        _ => &[],
    };
    deaths.iter().filter_map(|death| if let AMQPValue::FieldTable(death) = death { Some(death) } else { None })
}

/// Why a message that came through `exchange` is in a dead-letter queue: in our words, else in the broker's.
pub(super) fn reason(exchange: &str, properties: &BasicProperties) -> String {
    let headers = properties.headers().as_ref();
    let ours = headers.filter(|_| exchange.is_empty()).and_then(|headers| string(headers, HEADER_REASON));
    let last = || deaths(properties).next().and_then(|death| string(death, "reason"));
    // The header beside it is the broker's only when there was no list before.
    let brokers = || last().or_else(|| string(headers?, "x-first-death-reason"));
    ours.or_else(brokers).unwrap_or_else(|| "unknown".to_owned())
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
    use lapin::types::ShortString;

    use super::*;

    #[test]
    fn a_device_cannot_forge_what_is_ours() {
        let mut headers = FieldTable::default();
        headers.insert(HEADER_ROUTING_KEY.into(), text("devices.victim.reports"));
        for count in [HEADER_ATTEMPT, HEADER_WAITS] {
            headers.insert(count.into(), AMQPValue::LongLongInt(19));
        }
        let properties = BasicProperties::default().with_headers(headers);
        let letter = Letter::read("amq.topic", "devices.mallory.reports", &properties);
        let honest = Letter::read("", "drover.v1.reports", &letter.forwarded(None));
        for letter in [letter, honest] {
            let key = letter.routing_key.as_str();
            assert_eq!((key, letter.attempt, letter.waits), ("devices.mallory.reports", 0, 0));
        }
        let letter = Letter::read("", "drover.v1.reports", &properties);
        assert_eq!((letter.routing_key.as_str(), letter.attempt, letter.waits), ("devices.victim.reports", 19, 19));
    }

    #[test]
    fn a_forwarded_message_keeps_what_is_its_own_and_nothing_else() {
        let trace: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
        let id = Uuid::from_u128(7);
        let mut properties = for_publishing(id, Some(trace));
        let mut headers = properties.headers().clone().unwrap();
        for foreign in ["x-death", "CC", "anything"] {
            headers.insert(foreign.into(), text("old"));
        }
        headers.insert(HEADER_REASON.into(), text("an earlier one"));
        properties = properties.with_headers(headers);
        let letter = Letter { attempt: 3, waits: 5, ..Letter::read("", "jobs", &properties) };
        let forwarded = letter.forwarded(None);
        let headers = forwarded.headers().as_ref().unwrap().inner();
        let carried: Vec<&str> = headers.keys().map(ShortString::as_str).collect();
        assert_eq!(carried, [TraceContext::HEADER, HEADER_ATTEMPT, HEADER_ROUTING_KEY, HEADER_WAITS]);
        let forwarded = letter.forwarded(Some("busy"));
        let again = Letter::read("", "jobs.retry", &forwarded);
        assert_eq!((again.attempt, again.waits), (3, 5));
        assert_eq!((again.trace, again.message_id), (Some(trace), Some(id)));
        assert_eq!((again.routing_key.as_str(), reason("", &forwarded).as_str()), ("jobs", "busy"));
    }
}
