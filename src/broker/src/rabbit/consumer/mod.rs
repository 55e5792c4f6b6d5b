//! The session loop of a worker: a session at a time, a new one after every failure that a new one may heal.

mod session;

use std::{sync::Arc, time::Duration};

use drover_messages::Queue;
use tokio::time::Instant;

use super::{Rabbit, backoff::Backoff};
use crate::{
    BrokerError,
    feed::{FeedEnd, FeedOptions},
    metrics,
};
use session::Session;

/// A session that lasted this long was a good one: the next failure is met with a short pause again.
const STABLE_AFTER: Duration = Duration::from_secs(10);
/// A queue that is not there is fatal, but a restarting broker also says so of queues that it has yet to load.
const NOT_FOUND_LIMIT: u32 = 5;

/// Feeds a worker until it stops, or until an error that is for good.
pub(super) async fn run(
    rabbit: Arc<Rabbit>,
    queue: Queue,
    options: FeedOptions,
    mut end: FeedEnd,
) -> Result<(), BrokerError> {
    let stop = end.control.stop.clone();
    let mut backoff = Backoff::default();
    let mut not_found = 0;
    while !stop.is_cancelled() {
        let began = Instant::now();
        let opened = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            opened = Session::open(&rabbit, queue, &options, &end.control) => opened,
        };
        let result = match opened {
            Ok(session) => {
                not_found = 0;
                rabbit.consuming.note_success();
                session.run(&mut end).await
            }
            Err(error) => Err(error),
        };
        let Err(error) = result else { return Ok(()) };
        // The broker has the session's deliveries back: those not yet handled are not worth handling.
        end.control.begin_session();
        not_found = if error.is_not_found() { not_found + 1 } else { 0 };
        let may_be_loading = error.is_not_found() && not_found < NOT_FOUND_LIMIT;
        if error.is_fatal() && !may_be_loading {
            tracing::error!(%queue, worker = options.name, %error, "the worker cannot consume");
            return Err(error);
        }
        let stands = rabbit.consuming.note(&error);
        metrics::reconnected("consume_session");
        if began.elapsed() > STABLE_AFTER {
            backoff.reset();
        }
        let pause = backoff.next();
        if stands && !may_be_loading {
            tracing::warn!(%queue, worker = options.name, %error, ?pause, "consuming was interrupted");
        } else {
            tracing::debug!(%queue, worker = options.name, %error, ?pause, "consuming was interrupted");
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = rabbit.closed.cancelled() => return Err(BrokerError::Closed),
            () = rabbit.consuming.pause(pause) => {}
        }
    }
    Ok(())
}
