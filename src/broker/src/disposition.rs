//! What a handler decides. The broker layer carries it out.

use std::time::Duration;

use crate::Batch;

/// What is to become of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// Handled, and the effect is committed: the broker may forget it.
    Done,
    /// Try again later. After too many retries it is dead with this reason.
    Retry {
        /// How long to wait, rounded up to one of the broker's delays.
        after: Duration,
        /// Why, for whoever looks at the queues.
        reason: String,
    },
    /// Look at it again later, as if nothing had happened: what the handler needs is away, and the delivery is not to
    /// blame. Never counts as a retry.
    Later {
        /// How long to wait, rounded up to one of the broker's delays.
        after: Duration,
    },
    /// Never to be handled: to the dead-letter queue.
    Dead {
        /// Why, for whoever looks at the queues.
        reason: String,
    },
}

impl Disposition {
    /// The same for each of so many deliveries.
    pub fn for_all(count: usize, disposition: &Self) -> Vec<Self> {
        vec![disposition.clone(); count]
    }

    /// The kind as a metric's label.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retry { .. } => "retry",
            Self::Later { .. } => "later",
            Self::Dead { .. } => "dead",
        }
    }
}

/// Handles batches of messages `M`. It touches no broker: it returns one [`Disposition`] for each delivery, in order.
///
/// A handler that panics, exceeds its time, or returns too few or too many dispositions has its whole batch retried.
/// Deliveries come at least once, so handling one twice must do no harm.
pub trait Handler<M>: Send + Sync + 'static {
    /// Handles a batch. Return only after the effect is committed. Cancelled when it takes too long.
    fn handle(&self, batch: Batch<M>) -> impl Future<Output = Vec<Disposition>> + Send;
}
