//! Subscriptions to routing keys, for the simulated fleet and for tests.

use std::{
    collections::BTreeMap,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;
use tokio_util::sync::DropGuard;

/// A message that a subscription caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMessage {
    /// The routing key it was published under.
    pub routing_key: String,
    /// The body.
    pub body: Bytes,
    /// The headers that are text.
    pub headers: BTreeMap<String, String>,
}

/// Messages whose routing key matches a pattern, while this value lives. Nothing is kept for it while its connection
/// is down: publishers then see their messages returned.
#[derive(Debug)]
pub struct TopicStream {
    messages: mpsc::Receiver<TopicMessage>,
    _ends_subscription: DropGuard,
}

impl TopicStream {
    pub(crate) fn new(messages: mpsc::Receiver<TopicMessage>, ends_subscription: DropGuard) -> Self {
        Self { messages, _ends_subscription: ends_subscription }
    }

    /// The next message; `None` once the broker is closed.
    pub async fn recv(&mut self) -> Option<TopicMessage> {
        self.messages.recv().await
    }

    /// Appends up to `limit` messages that are there, waiting for the first. Returns how many; 0 at the end.
    pub async fn recv_many(&mut self, buffer: &mut Vec<TopicMessage>, limit: usize) -> usize {
        self.messages.recv_many(buffer, limit).await
    }
}

impl Stream for TopicStream {
    type Item = TopicMessage;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.messages.poll_recv(cx)
    }
}

/// Whether an AMQP topic pattern matches a routing key: `*` is one word, `#` is any number of words.
pub(crate) fn matches(pattern: &str, key: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('.').collect();
    let key: Vec<&str> = key.split('.').collect();
    // fits[j]: the pattern up to here matches the first j words. Linear however many `#` there are.
    let mut fits: Vec<bool> = (0..=key.len()).map(|words| words == 0).collect();
    for word in pattern {
        if word == "#" {
            for j in 1..fits.len() {
                fits[j] = fits[j] || fits[j - 1];
            }
        } else {
            for j in (1..fits.len()).rev() {
                fits[j] = fits[j - 1] && (word == "*" || word == key[j - 1]);
            }
            fits[0] = false;
        }
    }
    fits.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_amqp() {
        for (pattern, key, expected) in [
            ("devices.*.reports", "devices.d1.reports", true),
            ("devices.*.reports", "devices.reports", false),
            ("devices.*.reports", "devices.a.b.reports", false),
            ("devices.*.reports", "devices.d1.commands", false),
            ("devices.#", "devices", true),
            ("devices.#", "devices.a.b.c", true),
            ("#.commands", "devices.d1.commands", true),
            ("#.commands", "commands", true),
            ("a.#.#.b", "a.b", true),
            ("a.#.*.b", "a.b", false),
            ("a.#.*.b", "a.x.y.b", true),
            ("#", "", true),
            ("*", "a", true),
            ("*", "a.b", false),
            ("a.b", "a.b", true),
        ] {
            assert_eq!(matches(pattern, key), expected, "{pattern} on {key}");
        }
    }
}
