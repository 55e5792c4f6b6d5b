//! The link over the broker itself: one subscription to the commands of all devices, one publisher of their reports.

use std::time::Duration;

use drover_broker::{Broker, BrokerError, TopicStream};

use super::{Arrival, Commands, Link, Publisher, Reports};

/// Commands that wait for the fleet.
const PREFETCH: u16 = 4096;
/// Tries to subscribe before the broker counts as unreachable.
const SUBSCRIBE_TRIES: u32 = 10;
/// The pause after a try to subscribe.
const SUBSCRIBE_PAUSE: Duration = Duration::from_secs(1);

/// Subscribes to the routing keys of `pattern`: no command that is sent from now on is missed. `seed` decides the
/// identities of the reports.
pub(in crate::fleet) async fn listen(broker: Broker, pattern: &str, seed: u64) -> Result<Link, BrokerError> {
    let commands = Commands::Topic(subscribe(&broker, pattern).await?);
    Ok(Link { commands, reports: Reports::Broker(Box::new(Publisher::new(broker, seed))) })
}

async fn subscribe(broker: &Broker, pattern: &str) -> Result<TopicStream, BrokerError> {
    let mut tried = 1;
    loop {
        match broker.subscribe_topic(pattern, PREFETCH).await {
            Err(error) if !error.is_fatal() && tried < SUBSCRIBE_TRIES => {
                tracing::warn!(%error, tried, "the fleet cannot listen yet");
                tried += 1;
                tokio::time::sleep(SUBSCRIBE_PAUSE.mul_f64(rand::random_range(0.5..=1.0))).await;
            }
            done => return done,
        }
    }
}

/// Appends up to `limit` commands that are there, waiting for the first. `false`: the broker closed.
pub(super) async fn take(stream: &mut TopicStream, taken: &mut Vec<Arrival>, limit: usize) -> bool {
    let mut messages = Vec::new();
    let is_open = stream.recv_many(&mut messages, limit).await > 0;
    taken.extend(messages.into_iter().filter_map(|message| {
        Some(Arrival { device: device_of(&message.routing_key)?.to_owned(), body: message.body, receipt: None })
    }));
    is_open
}

fn device_of(routing_key: &str) -> Option<&str> {
    routing_key.strip_prefix("devices.")?.strip_suffix(".commands")
}
