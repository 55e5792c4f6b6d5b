//! Drover's own apalis backend: batches that a driver's session feeds.
//!
//! Neither poll ever fails: an error would end the worker, and a transient one must not.

use std::{
    convert::Infallible,
    sync::PoisonError,
    task::{Context, Poll, ready},
};

use apalis_core::{
    backend::{Backend, BackendConfig, finalize::Ephemeral},
    task::Task,
    worker::context::WorkerContext,
};
use futures_util::FutureExt;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Outcome, SharedOutcome, settle::SettleLayer};
use crate::{Batch, BrokerError, feed::FeedControl};

/// Where the end of a session is noted. The backend may not report it as an error.
#[derive(Debug, Default)]
pub(super) struct SessionEnd {
    /// Cancelled when no more deliveries come.
    pub(super) ended: CancellationToken,
    /// Why, when it was not on request.
    pub(super) outcome: SharedOutcome,
}

/// Hands out batches, and ends the session when the worker ends.
#[derive(Debug)]
pub(super) struct FeedBackend<M> {
    batches: mpsc::Receiver<Batch<M>>,
    settle: SettleLayer,
    control: FeedControl,
    session: Option<JoinHandle<Result<(), BrokerError>>>,
    feeder: JoinHandle<()>,
    end: SessionEnd,
}

impl<M> FeedBackend<M> {
    pub(super) fn new(
        batches: mpsc::Receiver<Batch<M>>,
        settle: SettleLayer,
        control: FeedControl,
        session: JoinHandle<Result<(), BrokerError>>,
        feeder: JoinHandle<()>,
        end: SessionEnd,
    ) -> Self {
        Self { batches, settle, control, session: Some(session), feeder, end }
    }

    fn note(&self, outcome: Outcome) {
        *self.end.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}

impl<M> Backend for FeedBackend<M> {
    type Task = Task<Batch<M>>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Option<Result<Self::Task, Infallible>>> {
        self.batches.poll_recv(cx).map(|batch| batch.map(|batch| Ok(Task::new(batch))))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        // Every handler has ended and sent its settlements: the session may carry them out and end.
        self.control.stop.cancel();
        self.control.drained.cancel();
        self.feeder.abort();
        if let Some(session) = &mut self.session {
            let result = ready!(session.poll_unpin(cx));
            self.session = None;
            match result {
                Ok(Ok(())) => {}
                Ok(Err(error)) => self.note(Outcome::Failed(error)),
                Err(_) => self.note(Outcome::Panicked),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<M> BackendConfig for FeedBackend<M> {
    type Args = Batch<M>;
    type Id = Uuid;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = SettleLayer;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> SettleLayer {
        self.settle.clone()
    }
}

impl<M> Drop for FeedBackend<M> {
    /// A worker that is dropped instead of stopped takes its session with it.
    fn drop(&mut self) {
        self.control.stop.cancel();
        self.control.drained.cancel();
        self.feeder.abort();
    }
}
