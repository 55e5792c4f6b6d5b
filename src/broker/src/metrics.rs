//! The broker's metrics, named as Prometheus wants them.

use drover_messages::Queue;
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use crate::PublishError;

const CONFIRMED: &str = "drover_broker_publish_confirmed_total";
const FAILED: &str = "drover_broker_publish_failed_total";
const RETURNED: &str = "drover_broker_returned_total";
const RECONNECTS: &str = "drover_broker_reconnects_total";
const BATCH_SIZE: &str = "drover_broker_batch_size";
const SETTLED: &str = "drover_broker_settled_total";
const DEAD: &str = "drover_broker_dead_total";

/// Describes the broker's metrics to the installed recorder. Once, at start.
pub fn describe_metrics() {
    describe_counter!(CONFIRMED, Unit::Count, "Messages published and confirmed");
    describe_counter!(FAILED, Unit::Count, "Messages not published, or not known to be, by reason");
    describe_counter!(RETURNED, Unit::Count, "Messages returned because no queue takes them");
    describe_counter!(RECONNECTS, Unit::Count, "Connections and sessions set up anew after a failure, by use");
    describe_histogram!(BATCH_SIZE, Unit::Count, "Deliveries that a handler got at once, by queue");
    describe_counter!(SETTLED, Unit::Count, "Deliveries settled, by queue and what became of them");
    describe_counter!(DEAD, Unit::Count, "Deliveries sent to the dead-letter queue, by queue");
}

pub(crate) fn published(result: &Result<(), PublishError>) {
    match result {
        Ok(()) => counter!(CONFIRMED).increment(1),
        Err(error) => {
            counter!(FAILED, "reason" => error.reason()).increment(1);
            if matches!(error, PublishError::Unroutable { .. }) {
                counter!(RETURNED).increment(1);
            }
        }
    }
}

pub(crate) fn reconnected(connection: &'static str) {
    counter!(RECONNECTS, "connection" => connection).increment(1);
}

#[allow(clippy::cast_precision_loss)] // a batch has some thousand deliveries at the most
pub(crate) fn batch(queue: Queue, size: usize) {
    histogram!(BATCH_SIZE, "queue" => queue.to_string()).record(size as f64);
}

pub(crate) fn settled(queue: Queue, disposition: &'static str, count: u64) {
    if count > 0 {
        counter!(SETTLED, "queue" => queue.to_string(), "disposition" => disposition).increment(count);
    }
}

pub(crate) fn dead(queue: Queue, count: u64) {
    if count > 0 {
        counter!(DEAD, "queue" => queue.to_string()).increment(count);
    }
}
