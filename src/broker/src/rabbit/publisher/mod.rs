//! The one task that publishes. It alone touches its channel: the client pairs confirms with publishes by their
//! order, which two publishers on one channel could mix up.

mod book;
mod session;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use lapin::{BasicProperties, types::ShortString};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{backoff::Backoff, connection::Connector, properties, topology::TOPIC_EXCHANGE};
use crate::{BrokerConfig, BrokerError, MAX_BODY_BYTES, Outgoing, PublishError, Target, names::QueueNames};
use book::Book;
use session::Session;

/// Calls that wait for the publisher beside those it has accepted.
const WAITING_CALLS: usize = 64;
/// How often deadlines and the connection are looked at.
const TICK: Duration = Duration::from_millis(200);
/// A session that lasted this long was a good one.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// A message as the channel takes it.
#[derive(Debug)]
pub(in crate::rabbit) struct Parcel {
    exchange: &'static str,
    routing_key: String,
    body: Bytes,
    expires_after: Option<Duration>,
    properties: BasicProperties,
}

impl Parcel {
    pub(in crate::rabbit) fn from_outgoing(message: Outgoing, names: &QueueNames) -> Self {
        let Outgoing { message_id, target, body, trace, expires_after } = message;
        let properties = properties::for_publishing(message_id, trace);
        let (exchange, routing_key, properties) = match target {
            Target::Queue(queue) => ("", names.work(queue), properties),
            Target::QueueUnder { queue, routing_key } => {
                ("", names.work(queue), properties::under(properties, &routing_key))
            }
            Target::Topic(key) => (TOPIC_EXCHANGE, key, properties),
        };
        Self { exchange, routing_key, body: body.into(), expires_after, properties }
    }

    /// A message that moves to another queue.
    pub(in crate::rabbit) fn to_queue(name: String, body: Bytes, properties: BasicProperties) -> Self {
        Self { exchange: "", routing_key: name, body, expires_after: None, properties }
    }

    /// Checks what the client would panic on, or the broker would close the channel for.
    fn check(self) -> Result<Checked, PublishError> {
        let size_bytes = self.body.len();
        if size_bytes > MAX_BODY_BYTES {
            return Err(PublishError::TooLarge { size_bytes });
        }
        let routing_key = ShortString::try_new(self.routing_key).map_err(|_| PublishError::InvalidTarget)?;
        let mut properties = self.properties;
        if let Some(after) = self.expires_after {
            properties = properties.with_expiration(after.as_millis().to_string().into());
        }
        let message_id = match properties.message_id() {
            Some(id) => id.to_string(),
            None => Uuid::new_v4().to_string(),
        };
        let properties = properties.with_message_id(message_id.as_str().into());
        Ok(Checked { exchange: self.exchange, routing_key, body: self.body, properties, message_id })
    }
}

/// A parcel that can be published.
#[derive(Debug)]
struct Checked {
    exchange: &'static str,
    routing_key: ShortString,
    body: Bytes,
    properties: BasicProperties,
    message_id: String,
}

/// One call of publish.
#[derive(Debug)]
struct Call {
    parcels: Vec<Parcel>,
    since: Instant,
    reply: oneshot::Sender<Vec<Result<(), PublishError>>>,
}

/// A handle on the publishing task.
#[derive(Debug)]
pub(in crate::rabbit) struct Publisher {
    calls: mpsc::Sender<Call>,
    deadline: Duration,
    ended: CancellationToken,
}

impl Publisher {
    pub(in crate::rabbit) fn start(
        connector: Arc<Connector>,
        config: &BrokerConfig,
        closed: CancellationToken,
    ) -> Self {
        let (calls, incoming) = mpsc::channel(WAITING_CALLS);
        let ended = CancellationToken::new();
        let deadline = config.publish_deadline;
        let book = Book::new(deadline, config.confirm_window);
        let task = Task { connector, incoming, book, closed };
        let guard = ended.clone().drop_guard();
        tokio::spawn(async move {
            task.run().await;
            drop(guard);
        });
        Self { calls, deadline, ended }
    }

    /// Publishes in order; one result each.
    pub(in crate::rabbit) async fn publish(&self, parcels: Vec<Parcel>) -> Vec<Result<(), PublishError>> {
        let count = parcels.len();
        if count == 0 {
            return Vec::new();
        }
        let (reply, results) = oneshot::channel();
        let since = Instant::now();
        // The task takes calls while it makes progress. It answers each by the deadline, or it is gone.
        match timeout_at(since + self.deadline, self.calls.send(Call { parcels, since, reply })).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return closed(count),
            Err(_) => return vec![Err(PublishError::TimedOut); count],
        }
        results.await.unwrap_or_else(|_| closed(count))
    }

    /// Waits until the task has ended what was under way.
    pub(in crate::rabbit) async fn ended(&self) {
        self.ended.cancelled().await;
    }
}

fn closed(count: usize) -> Vec<Result<(), PublishError>> {
    vec![Err(PublishError::Connection(BrokerError::Closed)); count]
}

/// The task's state.
struct Task {
    connector: Arc<Connector>,
    incoming: mpsc::Receiver<Call>,
    book: Book,
    closed: CancellationToken,
}

impl Task {
    async fn run(mut self) {
        let mut backoff = Backoff::default();
        let mut pause = Duration::ZERO;
        loop {
            let Some(mut session) = self.connect(&mut backoff, pause).await else { break };
            let began = Instant::now();
            let Err(error) = session.run(&mut self.incoming, &mut self.book, &self.closed).await else { break };
            if self.connector.note(&error) {
                tracing::warn!(%error, "publishing was interrupted");
            } else {
                tracing::debug!(%error, "publishing was interrupted");
            }
            self.book.fail_flights(&error);
            // A session that fails at once must not be followed by another at once.
            if began.elapsed() > STABLE_AFTER {
                backoff.reset();
            }
            pause = backoff.next();
        }
        self.book.fail_all(&BrokerError::Closed);
    }

    /// A new session, however long it takes. Calls are accepted meanwhile, and end by their deadlines. `None`: closed.
    async fn connect(&mut self, backoff: &mut Backoff, pause: Duration) -> Option<Session> {
        let mut attempt = Box::pin(open_after(Arc::clone(&self.connector), pause));
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.closed.cancelled() => return None,
                opened = &mut attempt => match opened {
                    Ok(session) => {
                        self.connector.note_success();
                        self.book.note(None);
                        return Some(session);
                    }
                    Err(error) => {
                        let pause = backoff.next();
                        if self.connector.note(&error) {
                            tracing::warn!(%error, ?pause, "there is no channel to publish on");
                        } else {
                            tracing::debug!(%error, ?pause, "there is no connection to publish on");
                        }
                        self.book.note(Some(error));
                        attempt = Box::pin(open_after(Arc::clone(&self.connector), pause));
                    }
                },
                call = self.incoming.recv(), if self.book.accepts() => self.book.accept(call?),
                _ = tick.tick() => self.book.expire(),
            }
        }
    }
}

async fn open_after(connector: Arc<Connector>, pause: Duration) -> Result<Session, BrokerError> {
    connector.pause(pause).await;
    Session::open(&connector).await
}
