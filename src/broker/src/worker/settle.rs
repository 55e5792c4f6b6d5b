//! The acknowledge layer: turns what a handler returned, or how it failed, into settlements.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use apalis::layers::catch_panic::PanicError;
use apalis_core::{error::BoxDynError, task::Task};
use drover_messages::Queue;
use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::mpsc;
use tower::{Layer, Service, timeout::error::Elapsed};

use crate::{
    Activity, Batch, Disposition, WorkerOptions,
    feed::{Action, Receipt, Settle},
    metrics,
};

/// After a handler failed as a whole, its batch waits at least this long, and longer each time.
const FAULT_DELAY: Duration = Duration::from_secs(1);
const FAULT_DELAY_MAX: Duration = Duration::from_mins(1);

/// The backend's layer around everything the worker does with a batch.
#[derive(Debug, Clone)]
pub(super) struct SettleLayer {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    queue: Queue,
    settles: mpsc::UnboundedSender<Settle>,
    max_retries: u32,
    handler_timeout: Duration,
    activity: Activity,
}

impl SettleLayer {
    pub(super) fn new(queue: Queue, settles: mpsc::UnboundedSender<Settle>, options: &WorkerOptions) -> Self {
        let WorkerOptions { max_retries, handler_timeout, .. } = *options;
        Self {
            inner: Arc::new(Inner { queue, settles, max_retries, handler_timeout, activity: options.activity.clone() }),
        }
    }
}

impl<S> Layer<S> for SettleLayer {
    type Service = SettleService<S>;

    fn layer(&self, service: S) -> SettleService<S> {
        SettleService { service, inner: Arc::clone(&self.inner) }
    }
}

/// See [`SettleLayer`].
#[derive(Debug, Clone)]
pub(super) struct SettleService<S> {
    service: S,
    inner: Arc<Inner>,
}

impl<S, M> Service<Task<Batch<M>>> for SettleService<S>
where
    S: Service<Task<Batch<M>>, Response = Vec<Disposition>>,
    S::Error: Into<BoxDynError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.service.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Batch<M>>) -> Self::Future {
        let receipts = task.args.receipts();
        let inner = Arc::clone(&self.inner);
        let handled = self.service.call(task);
        async move {
            let in_hand = inner.activity.begin(receipts.len());
            inner.settle(&receipts, handled.await.map_err(Into::into));
            in_hand.handled();
            // A failure has become a retry: for the worker the task is done.
            Ok(())
        }
        .boxed()
    }
}

impl Inner {
    fn settle(&self, receipts: &[Receipt], handled: Result<Vec<Disposition>, BoxDynError>) {
        let fault = match handled {
            Ok(dispositions) if dispositions.len() == receipts.len() => {
                return self.send(receipts.iter().copied().zip(dispositions));
            }
            Ok(dispositions) => {
                format!("the handler settled {} of {} deliveries", dispositions.len(), receipts.len())
            }
            Err(error) => self.describe(&error),
        };
        tracing::error!(queue = %self.queue, deliveries = receipts.len(), fault, "a handler failed: its batch is retried");
        self.send(receipts.iter().map(|receipt| {
            let retry = Disposition::Retry { after: fault_delay(receipt.attempt), reason: fault.clone() };
            (*receipt, retry)
        }));
    }

    fn describe(&self, error: &BoxDynError) -> String {
        if error.is::<Elapsed>() {
            format!("the handler took longer than {:?}", self.handler_timeout)
        } else if let Some(PanicError(message)) = error.downcast_ref() {
            format!("the handler panicked: {message}")
        } else {
            error.to_string()
        }
    }

    fn send(&self, settled: impl Iterator<Item = (Receipt, Disposition)>) {
        let (mut done, mut retried, mut dead) = (0, 0, 0);
        for (receipt, disposition) in settled {
            let action = self.action(receipt, disposition);
            match action {
                Action::Done => done += 1,
                Action::Dead { .. } => dead += 1,
                Action::Retry { .. } | Action::Later { .. } | Action::Newer { .. } => retried += 1,
            }
            // A session that has ended has lost the delivery too: the broker delivers it again.
            let _ = self.settles.send(Settle { receipt, action });
        }
        metrics::settled(self.queue, "done", done);
        metrics::settled(self.queue, "retry", retried);
        metrics::settled(self.queue, "dead", dead);
        metrics::dead(self.queue, dead);
    }

    fn action(&self, receipt: Receipt, disposition: Disposition) -> Action {
        match disposition {
            Disposition::Done => Action::Done,
            Disposition::Later { after } => Action::Later { after },
            Disposition::Dead { reason } => Action::Dead { reason },
            Disposition::Retry { reason, .. } if receipt.attempt >= self.max_retries => {
                Action::Dead { reason: format!("gave up after {} retries: {reason}", receipt.attempt) }
            }
            Disposition::Retry { after, reason } => Action::Retry { after, reason },
        }
    }
}

fn fault_delay(attempt: u32) -> Duration {
    FAULT_DELAY.saturating_mul(4_u32.saturating_pow(attempt)).min(FAULT_DELAY_MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn settled(attempt: u32, handled: Result<Vec<Disposition>, BoxDynError>) -> Vec<Action> {
        let (settles, mut out) = mpsc::unbounded_channel();
        let options =
            WorkerOptions { max_retries: 3, handler_timeout: Duration::from_secs(5), ..WorkerOptions::default() };
        let layer = SettleLayer::new(Queue::Reports, settles, &options);
        let receipts = [1, 2].map(|tag| Receipt { session: 1, tag, attempt, waits: 0 });
        layer.inner.settle(&receipts, handled);
        drop(layer);
        std::iter::from_fn(|| out.try_recv().ok()).map(|settle| settle.action).collect()
    }

    #[test]
    fn a_handler_is_taken_at_its_word() {
        let dead = Disposition::Dead { reason: "no".into() };
        let expected = [Action::Done, Action::Dead { reason: "no".into() }];
        assert_eq!(settled(0, Ok(vec![Disposition::Done, dead])), expected);
    }

    #[test]
    fn too_many_retries_end_in_the_dead_letter_queue() {
        let retry = Disposition::Retry { after: Duration::ZERO, reason: "busy".into() };
        let dead = Action::Dead { reason: "gave up after 3 retries: busy".into() };
        assert_eq!(settled(3, Ok(Disposition::for_all(2, &retry))), [dead.clone(), dead]);
        assert!(matches!(settled(2, Ok(Disposition::for_all(2, &retry)))[0], Action::Retry { .. }));
    }

    #[test]
    fn what_waits_for_somebody_else_never_dies_of_it() {
        let later = Disposition::Later { after: Duration::from_secs(1) };
        let again = Action::Later { after: Duration::from_secs(1) };
        assert_eq!(settled(99, Ok(Disposition::for_all(2, &later))), [again.clone(), again]);
    }

    #[test]
    fn faults_retry_the_whole_batch_with_their_reason() {
        let faults: [(Result<_, BoxDynError>, _); 3] = [
            (Ok(vec![Disposition::Done]), "the handler settled 1 of 2 deliveries"),
            (Err(Elapsed::new().into()), "the handler took longer than 5s"),
            (Err(PanicError("ouch".into()).into()), "the handler panicked: ouch"),
        ];
        for (handled, expected) in faults {
            let actions = settled(1, handled);
            assert_eq!(actions.len(), 2);
            for action in actions {
                assert_eq!(action, Action::Retry { after: Duration::from_secs(4), reason: expected.into() });
            }
        }
    }
}
