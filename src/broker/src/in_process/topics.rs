//! Who subscribed to which routing keys.

use std::collections::BTreeMap;

use bytes::Bytes;
use drover_messages::TraceContext;
use tokio::sync::mpsc;

use crate::{Outgoing, TopicMessage, topic};

/// The subscriptions. One that names a routing key is found by it, so that a fleet of them costs nothing.
#[derive(Debug, Default)]
pub(super) struct Topics {
    exact: BTreeMap<String, Vec<mpsc::Sender<TopicMessage>>>,
    patterns: Vec<(String, mpsc::Sender<TopicMessage>)>,
}

impl Topics {
    pub(super) fn add(&mut self, pattern: &str, subscriber: mpsc::Sender<TopicMessage>) {
        if pattern.split('.').any(|word| word == "*" || word == "#") {
            self.patterns.retain(|(_, subscriber)| !subscriber.is_closed());
            self.patterns.push((pattern.to_owned(), subscriber));
        } else {
            let subscribers = self.exact.entry(pattern.to_owned()).or_default();
            subscribers.retain(|subscriber| !subscriber.is_closed());
            subscribers.push(subscriber);
        }
    }

    /// The living subscribers of a routing key, and the message as they get it.
    pub(super) fn matching(&self, key: &str, message: &Outgoing) -> (Vec<mpsc::Sender<TopicMessage>>, TopicMessage) {
        let exact = self.exact.get(key).into_iter().flatten();
        let patterns = self.patterns.iter().filter(|(pattern, _)| topic::matches(pattern, key)).map(|(_, to)| to);
        let subscribers = exact.chain(patterns).filter(|subscriber| !subscriber.is_closed()).cloned().collect();
        let trace = message.trace.map(|trace| (TraceContext::HEADER.to_owned(), trace.to_string()));
        let caught = TopicMessage {
            routing_key: key.to_owned(),
            body: Bytes::copy_from_slice(&message.body),
            headers: trace.into_iter().collect(),
        };
        (subscribers, caught)
    }
}
