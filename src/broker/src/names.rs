//! How queues, headers and routing keys are called.

use std::time::Duration;

use drover_messages::Queue;

/// Why a message was put aside.
pub(crate) const HEADER_REASON: &str = "x-drover-reason";
/// How often a message was retried through the broker.
pub(crate) const HEADER_ATTEMPT: &str = "x-drover-attempt";
/// How often a message waited for a worker that reads its version.
pub(crate) const HEADER_WAITS: &str = "x-drover-waits";
/// The routing key a message first arrived under: a detour through another queue replaces the broker's own.
pub(crate) const HEADER_ROUTING_KEY: &str = "x-drover-routing-key";
/// The routing keys that the reports queue takes.
pub(crate) const REPORTS_PATTERN: &str = "devices.*.reports";
/// A reason longer than this is cut: headers travel with every copy.
const REASON_MAX_CHARS: usize = 1_000;

/// The names of the queues under one prefix.
#[derive(Debug, Clone)]
pub(crate) struct QueueNames {
    prefix: String,
}

impl QueueNames {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    pub(crate) fn work(&self, queue: Queue) -> String {
        format!("{}.{queue}", self.prefix)
    }

    pub(crate) fn dead(&self, queue: Queue) -> String {
        format!("{}.{queue}.dead", self.prefix)
    }

    /// Where reports go that cannot be read. The bound is in the name, as the delay is in that of a queue for retries.
    pub(crate) fn dead_reports(&self, max: u32) -> String {
        format!("{}.max{max}", self.dead(Queue::Reports))
    }

    /// The delay is in the name, so that another delay is another queue and not an argument that changed.
    pub(crate) fn retry(&self, queue: Queue, delay: Duration) -> String {
        let delay_ms = delay.as_millis();
        if delay_ms.is_multiple_of(1_000) {
            format!("{}.{queue}.retry.{}s", self.prefix, delay_ms / 1_000)
        } else {
            format!("{}.{queue}.retry.{delay_ms}ms", self.prefix)
        }
    }
}

/// A reason of a length that fits a header.
pub(crate) fn clip_reason(reason: &str) -> String {
    reason.chars().take(REASON_MAX_CHARS).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_versioned_and_tell_the_delay() {
        let names = QueueNames::new("drover.v1");
        let queue = Queue::parse("jobs.firmware").unwrap();
        assert_eq!(names.work(queue), "drover.v1.jobs.firmware");
        assert_eq!(names.dead(queue), "drover.v1.jobs.firmware.dead");
        assert_eq!(names.dead_reports(100_000), "drover.v1.reports.dead.max100000");
        assert_eq!(names.retry(queue, Duration::from_mins(1)), "drover.v1.jobs.firmware.retry.60s");
        assert_eq!(names.retry(queue, Duration::from_millis(1_500)), "drover.v1.jobs.firmware.retry.1500ms");
    }
}
