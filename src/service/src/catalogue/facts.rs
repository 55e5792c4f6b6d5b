//! What the database says of those who ask, many at once: while one statement runs, the asks of the next gather. So many devices
//! that ask at the same time cost few round trips and connections, and one that asks alone waits for nobody.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use drover_store::{
    Store,
    catalogue::{self, Ask, Facts},
};
use futures_util::FutureExt as _;
use tokio::sync::oneshot;

use crate::ServiceError;

/// The most asks of one statement.
const BATCH: usize = 256;
/// The most statements at a time: the other connections of the pool are for others.
const AT_ONCE: usize = 2;

const BATCH_SIZE: &str = "drover_software_check_batch_devices";

/// Reads facts in batches.
pub(crate) struct FactsReader {
    store: Store,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    readers: usize,
}

struct Waiting {
    ask: Ask,
    answer: oneshot::Sender<Result<Facts, ServiceError>>,
}

/// The answer was lost: its reader panicked.
#[derive(Debug, thiserror::Error)]
#[error("the facts of a batch were not read to the end")]
struct Lost;

impl FactsReader {
    pub(crate) fn new(store: Store) -> Arc<Self> {
        Arc::new(Self { store, state: Mutex::default() })
    }

    /// What is known of who asks. To stop waiting for it harms none of the others.
    pub(super) async fn read(self: &Arc<Self>, ask: Ask) -> Result<Facts, ServiceError> {
        let (answer, answered) = oneshot::channel();
        if self.enqueue(Waiting { ask, answer }) {
            tokio::spawn(Arc::clone(self).serve());
        }
        answered.await.map_err(|_| ServiceError::Internal(Box::new(Lost)))?
    }

    /// Whether another reader is to be started.
    fn enqueue(&self, waiting: Waiting) -> bool {
        let mut state = self.state();
        state.waiting.push_back(waiting);
        let starts = state.readers < AT_ONCE;
        state.readers += usize::from(starts);
        starts
    }

    /// Reads batch after batch, until nobody waits.
    async fn serve(self: Arc<Self>) {
        while let Some(batch) = self.next() {
            // A batch that panics loses its own answers, not the reader.
            let read = AssertUnwindSafe(self.answer(batch)).catch_unwind().await;
            if read.is_err() {
                tracing::error!("reading the facts of a batch panicked");
            }
        }
    }

    /// The next batch; with the last one the reader is gone.
    fn next(&self) -> Option<Vec<Waiting>> {
        let mut state = self.state();
        // Nobody pays for those who went away meanwhile.
        state.waiting.retain(|waiting| !waiting.answer.is_closed());
        let size = state.waiting.len().min(BATCH);
        if size == 0 {
            state.readers -= 1;
            return None;
        }
        Some(state.waiting.drain(..size).collect())
    }

    async fn answer(&self, batch: Vec<Waiting>) {
        metrics::histogram!(BATCH_SIZE).record(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
        let (asks, answers): (Vec<Ask>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.ask, waiting.answer)).unzip();
        let read = async {
            let client = self.store.client().await?;
            catalogue::facts(&client, &asks).await
        };
        match read.await {
            Ok(found) => {
                for (facts, answer) in found.into_iter().zip(answers) {
                    // Who went away needs no answer.
                    let _ = answer.send(facts.map_err(|error| ServiceError::Internal(Box::new(error))));
                }
            }
            Err(error) => {
                let error = Arc::new(ServiceError::from(error));
                for answer in answers {
                    let _ = answer.send(Err(shared(&error)));
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, and whatever is in it is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error that several are told.
pub(super) fn shared(error: &Arc<ServiceError>) -> ServiceError {
    if error.is_unavailable() {
        ServiceError::Unavailable(Box::new(Arc::clone(error)))
    } else {
        ServiceError::Internal(Box::new(Arc::clone(error)))
    }
}
