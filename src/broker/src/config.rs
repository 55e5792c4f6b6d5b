//! What a broker needs to know at start.

use std::time::Duration;

use crate::AmqpUrl;

/// How to reach the broker, and its limits.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// Where RabbitMQ is. The in-process driver ignores it; the other one refuses to work without.
    pub url: Option<AmqpUrl>,
    /// Start of every queue's name. It carries the version of the topology: a queue's arguments cannot change, so
    /// other arguments need other names.
    pub queue_prefix: String,
    /// What RabbitMQ shows as the connection's name, with the connection's use appended.
    pub connection_name: String,
    /// A publish that is not confirmed by then has failed, wherever it hangs.
    pub publish_deadline: Duration,
    /// How many messages may be unconfirmed at a time. 500 to 1,000 is best, more gains little.
    pub confirm_window: usize,
    /// A connection attempt that takes longer has failed.
    pub connect_timeout: Duration,
    /// The delays that retries are rounded up to; each is one queue beside every work queue.
    pub retry_delays: Vec<Duration>,
    /// How long a message of a newer version waits before a worker looks at it again.
    pub newer_delay: Duration,
    /// How many messages the in-process driver holds at the most; it refuses to publish more.
    pub in_process_capacity: usize,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            url: None,
            queue_prefix: "drover.v1".into(),
            connection_name: "drover".into(),
            publish_deadline: Duration::from_secs(10),
            confirm_window: 1_000,
            connect_timeout: Duration::from_secs(10),
            retry_delays: vec![Duration::from_secs(1), Duration::from_secs(10), Duration::from_mins(1)],
            newer_delay: Duration::from_secs(10),
            in_process_capacity: 1_000_000,
        }
    }
}

impl BrokerConfig {
    /// The same with every limit in a range that works.
    pub(crate) fn sane(mut self) -> Self {
        self.confirm_window = self.confirm_window.max(1);
        self.retry_delays.sort();
        self.retry_delays.dedup();
        if self.retry_delays.is_empty() {
            self.retry_delays = Self::default().retry_delays;
        }
        self
    }

    /// The delay queue for a retry after that long: the shortest that is long enough, else the longest.
    pub(crate) fn fitting_delay(&self, after: Duration) -> Duration {
        let fitting = self.retry_delays.iter().find(|delay| **delay >= after);
        fitting.or(self.retry_delays.last()).copied().unwrap_or(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_use_the_smallest_fitting_delay() {
        let config = BrokerConfig::default().sane();
        for (after_s, expected_s) in [(0, 1), (1, 1), (2, 10), (11, 60), (3_600, 60)] {
            assert_eq!(config.fitting_delay(Duration::from_secs(after_s)), Duration::from_secs(expected_s));
        }
    }

    #[test]
    fn delays_are_sorted_and_never_missing() {
        let unsorted = vec![Duration::from_secs(5), Duration::from_secs(1), Duration::from_secs(5)];
        let config = BrokerConfig { retry_delays: unsorted, ..BrokerConfig::default() }.sane();
        assert_eq!(config.retry_delays, [Duration::from_secs(1), Duration::from_secs(5)]);
        let config = BrokerConfig { retry_delays: vec![], confirm_window: 0, ..BrokerConfig::default() }.sane();
        assert_eq!((config.retry_delays.len(), config.confirm_window), (3, 1));
    }
}
