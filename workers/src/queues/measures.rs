//! What the metrics say of queues and workers.

use drover_messages::Queue;
use drover_store::queues::{QueueRecord, workers::WorkerRecord};
use metrics::gauge;

use crate::Role;

/// A process that was not heard of for so long is gone.
const GONE_AFTER_S: f64 = 15.0;

/// Sets what the rows say. Every process with the relay's role says the same.
#[allow(clippy::cast_precision_loss)] // gauges
pub(crate) fn set(queues: &[QueueRecord], workers: &[WorkerRecord]) {
    for queue in Queue::all() {
        let name = queue.to_string();
        let found = queues.iter().find(|record| record.name == name);
        let sample = found.and_then(|record| record.sample.as_ref());
        let at_broker = sample.map_or(0, |sample| sample.dead);
        let kept = found.map_or(0, |record| record.dead_letters);
        let is_paused = found.is_some_and(|record| record.paused_at.is_some());
        if let Some(sample) = sample {
            gauge!("drover_queue_messages", "queue" => name.clone()).set(sample.ready as f64);
            gauge!("drover_queue_consumers", "queue" => name.clone()).set(sample.consumers as f64);
            if let Some(unacked) = sample.unacked {
                gauge!("drover_queue_unacked", "queue" => name.clone()).set(unacked as f64);
            }
        }
        gauge!("drover_dead_letters", "queue" => name.clone()).set((kept + at_broker) as f64);
        gauge!("drover_queue_paused", "queue" => name).set(f64::from(u8::from(is_paused)));
    }
    for role in Role::ALL {
        let plays = |worker: &&WorkerRecord| worker.roles.split(',').any(|name| name == role.as_str());
        let alive = |worker: &&WorkerRecord| worker.silent_s < GONE_AFTER_S && worker.drain_asked_at.is_none();
        let count = workers.iter().filter(plays).filter(alive).count();
        gauge!("drover_workers", "role" => role.as_str()).set(count as f64);
    }
}
