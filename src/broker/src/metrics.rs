//! The broker's metrics, named as Prometheus wants them.

use drover_messages::Queue;
use drover_telemetry::{Label, Metric};
use metrics::{counter, histogram};

use crate::PublishError;

const CONFIRMED: &str = "drover_broker_messages_confirmed_total";
const FAILED: &str = "drover_broker_messages_failed_total";
const RETURNED: &str = "drover_broker_messages_returned_total";
const RECONNECTS: &str = "drover_broker_reconnects_total";
const BATCH: &str = "drover_broker_batch_deliveries";
const SETTLED: &str = "drover_broker_deliveries_settled_total";
const DEAD: &str = "drover_broker_deliveries_dead_total";

const QUEUE: Label = Label::of("queue", || Queue::all().map(|queue| queue.to_string()).collect());

/// Every metric of this crate.
pub const METRICS: &[Metric] = &[
    Metric::counter(CONFIRMED, &[], "Messages published and confirmed"),
    Metric::counter(
        FAILED,
        &[Label::words(
            "reason",
            &["timed_out", "unroutable", "rejected", "connection", "too_large", "invalid_target"],
        )],
        "Messages not published, or not known to be",
    ),
    Metric::counter(
        RETURNED,
        &[],
        "Messages returned because no queue takes them: the device of a command is not there",
    ),
    Metric::counter(
        RECONNECTS,
        &[Label::words("connection", &["publish", "consume", "consume_session", "subscription"])],
        "Connections and sessions set up anew after a failure",
    ),
    Metric::histogram(BATCH, &[QUEUE], "Deliveries that a handler got at once"),
    Metric::counter(
        SETTLED,
        &[QUEUE, Label::words("disposition", &["done", "retry", "dead", "newer", "poison", "unread"])],
        "Deliveries settled, by what became of them",
    ),
    Metric::counter(DEAD, &[QUEUE], "Deliveries sent to the dead-letter queue"),
];

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
    histogram!(BATCH, "queue" => queue.to_string()).record(size as f64);
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
