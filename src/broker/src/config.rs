//! What a broker needs to know at start.

use std::time::Duration;

use drover_messages::Queue;

use crate::{AmqpUrl, Management};

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
    /// How often a message of a newer version waits for a worker that reads it, in a queue of work. First for the
    /// shortest of the retry delays, soon for the longest; then it goes to the dead-letter queue.
    pub newer_max_waits: u32,
    /// The same for reports: a device may claim any version, and each wait costs us more than the report cost it.
    pub newer_max_waits_of_reports: u32,
    /// How many reports that cannot be read are kept; the oldest make room. See the broker's topology.
    pub dead_reports_max: u32,
    /// How many messages the in-process driver holds at the most; it refuses to publish more.
    pub in_process_capacity: usize,
    /// RabbitMQ's management API, which alone knows rates and what is unacknowledged.
    pub management: Option<Management>,
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
            newer_max_waits: 1_440,         // a day
            newer_max_waits_of_reports: 32, // half an hour
            dead_reports_max: 100_000,
            in_process_capacity: 1_000_000,
            management: None,
        }
    }
}

impl BrokerConfig {
    /// The same with every limit in a range that works.
    pub(crate) fn sane(mut self) -> Self {
        self.confirm_window = self.confirm_window.max(1);
        self.dead_reports_max = self.dead_reports_max.max(1);
        self.retry_delays.sort();
        self.retry_delays.dedup();
        if self.retry_delays.is_empty() {
            self.retry_delays = Self::default().retry_delays;
        }
        self
    }

    /// How long a message of a newer version waits after it has waited that often. `None` when that was enough.
    pub(crate) fn newer_delay(&self, queue: Queue, waits: u32) -> Option<Duration> {
        let max_waits = match queue {
            Queue::Reports => self.newer_max_waits_of_reports,
            Queue::Jobs(_) | Queue::Dispatch(_) => self.newer_max_waits,
        };
        // Once the shortest, twice the next, four times the one after, and so on.
        let step = waits.saturating_add(1).ilog2() as usize;
        let delay = self.retry_delays.get(step).or(self.retry_delays.last()).copied();
        delay.filter(|_| waits < max_waits)
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
    fn a_newer_version_waits_longer_each_time_and_not_for_ever() {
        let config = BrokerConfig::default().sane();
        let config = &config;
        let waits = |queue| (0..).map_while(move |waits| config.newer_delay(queue, waits)).map(|delay| delay.as_secs());
        assert_eq!(waits(Queue::Reports).take(5).collect::<Vec<_>>(), [1, 10, 10, 60, 60]);
        assert_eq!(waits(Queue::Reports).sum::<u64>(), 21 + 29 * 60);
        for queue in Queue::all().filter(|queue| *queue != Queue::Reports) {
            assert_eq!(waits(queue).sum::<u64>(), 21 + 1_437 * 60);
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
