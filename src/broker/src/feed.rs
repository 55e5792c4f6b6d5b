//! The contract between a driver and a worker: raw deliveries one way, settlements the other.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

use bytes::Bytes;
use drover_messages::TraceContext;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::BrokerError;

/// Names one delivery for settling it. Unique over sessions: a receipt of an ended session settles nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Receipt {
    pub(crate) session: u64,
    pub(crate) tag: u64,
    /// The delivery's [`broker_attempt`](crate::Delivery::broker_attempt).
    pub(crate) attempt: u32,
    /// How often the message waited for a worker that reads its version. No attempt: nobody has handled it.
    pub(crate) waits: u32,
}

/// A delivery before anyone looked inside.
#[derive(Debug)]
pub(crate) struct RawDelivery {
    pub(crate) receipt: Receipt,
    /// Only its beginning if it is too large.
    pub(crate) body: Bytes,
    /// The body's length in bytes, if it is too large to be looked at.
    pub(crate) too_large: Option<usize>,
    pub(crate) routing_key: String,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) redelivered: bool,
    pub(crate) message_id: Option<Uuid>,
}

/// What a driver does with a delivery. Unlike a disposition, nothing is left to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Forget it.
    Done,
    /// Deliver it again after this delay, with one attempt more.
    Retry { after: Duration, reason: String },
    /// To the dead-letter queue.
    Dead { reason: String },
    /// Deliver it again after this delay as if nothing had happened.
    Later { after: Duration },
    /// The same for a message that is too new for this worker, with one wait more.
    Newer { after: Duration },
}

/// An action on one delivery.
#[derive(Debug)]
pub(crate) struct Settle {
    pub(crate) receipt: Receipt,
    pub(crate) action: Action,
}

/// How a worker wants to be fed.
#[derive(Debug, Clone)]
pub(crate) struct FeedOptions {
    /// The worker's name, for the broker to show.
    pub(crate) name: String,
    /// How many deliveries may be unsettled at a time.
    pub(crate) prefetch: u16,
}

/// The worker's end of a running consumer. Unbounded channels are safe here: prefetch bounds what is in them.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) deliveries: mpsc::UnboundedReceiver<RawDelivery>,
    pub(crate) settles: mpsc::UnboundedSender<Settle>,
    pub(crate) control: FeedControl,
    pub(crate) task: JoinHandle<Result<(), BrokerError>>,
}

/// What worker and driver agree on beside the channels.
#[derive(Debug, Clone, Default)]
pub(crate) struct FeedControl {
    /// First step of the end: take no more deliveries from the broker.
    pub(crate) stop: CancellationToken,
    /// Second step: no more settlements come; give back what is left and end.
    pub(crate) drained: CancellationToken,
    /// The session that runs now. Deliveries of an earlier one are the broker's again.
    session: Arc<AtomicU64>,
}

impl FeedControl {
    pub(crate) fn begin_session(&self) -> u64 {
        self.session.fetch_add(1, Ordering::AcqRel) + 1
    }

    pub(crate) fn is_current(&self, receipt: Receipt) -> bool {
        receipt.session == self.session.load(Ordering::Acquire)
    }
}

/// The driver's end.
pub(crate) struct FeedEnd {
    pub(crate) deliveries: mpsc::UnboundedSender<RawDelivery>,
    pub(crate) settles: mpsc::UnboundedReceiver<Settle>,
    pub(crate) control: FeedControl,
}

/// Starts a driver's consumer and connects a worker to it.
pub(crate) fn start<F, Fut>(consumer: F) -> Feed
where
    F: FnOnce(FeedEnd) -> Fut,
    Fut: Future<Output = Result<(), BrokerError>> + Send + 'static,
{
    let (deliveries_in, deliveries) = mpsc::unbounded_channel();
    let (settles, settles_out) = mpsc::unbounded_channel();
    let control = FeedControl::default();
    let end = FeedEnd { deliveries: deliveries_in, settles: settles_out, control: control.clone() };
    Feed { deliveries, settles, control, task: tokio::spawn(consumer(end)) }
}
