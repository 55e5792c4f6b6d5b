//! A connection that is made when it is needed and made again when it is gone, by one caller at a time.

use std::{
    sync::{
        Arc, Mutex as StdMutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use lapin::{Channel, Connection, ConnectionProperties, ConnectionStatus};
use tokio::{sync::Mutex, time::timeout};
use tokio_util::sync::CancellationToken;

use super::outage::Outage;
use crate::{BrokerConfig, BrokerError, BrokerHealth, metrics};

/// A dead peer is noticed after twice that long, unless the URL says otherwise.
const HEARTBEAT_S: u16 = 20;
/// Every other exchange with the broker is answered within this time, or the session is given up.
pub(super) const RPC_LIMIT: Duration = Duration::from_secs(30);
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Waits for lapin's answer, but not forever.
pub(super) async fn within<T>(
    limit: Duration,
    doing: impl Into<String>,
    to_error: fn(String, lapin::Error) -> BrokerError,
    call: impl Future<Output = lapin::Result<T>>,
) -> Result<T, BrokerError> {
    match timeout(limit, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(to_error(doing.into(), error)),
        Err(_) => Err(BrokerError::TimedOut { doing: doing.into(), limit }),
    }
}

/// [`within`] the usual limit, where a refusal is fatal.
pub(super) async fn setup<T>(
    doing: impl Into<String>,
    call: impl Future<Output = lapin::Result<T>>,
) -> Result<T, BrokerError> {
    within(RPC_LIMIT, doing, BrokerError::in_setup, call).await
}

/// [`within`] the usual limit, where a new session heals every error.
pub(super) async fn operate<T>(
    doing: impl Into<String>,
    call: impl Future<Output = lapin::Result<T>>,
) -> Result<T, BrokerError> {
    within(RPC_LIMIT, doing, BrokerError::in_operation, call).await
}

/// Holds the one connection for a purpose.
#[derive(Debug)]
pub(super) struct Connector {
    purpose: &'static str,
    config: Arc<BrokerConfig>,
    /// Held while connecting: the others wait for the outcome.
    current: Mutex<Current>,
    attempts: AtomicU64,
    wanted: AtomicBool,
    view: StdMutex<View>,
    outage: Arc<Outage>,
    closed: CancellationToken,
}

#[derive(Debug, Default)]
struct Current {
    connection: Option<Arc<Connection>>,
    failure: Option<BrokerError>,
}

/// What health looks at, without waiting for anyone.
#[derive(Debug, Default)]
struct View {
    status: Option<ConnectionStatus>,
    last_error: Option<String>,
}

impl Connector {
    pub(super) fn new(
        purpose: &'static str,
        config: Arc<BrokerConfig>,
        outage: Arc<Outage>,
        closed: CancellationToken,
    ) -> Self {
        Self {
            purpose,
            config,
            current: Mutex::default(),
            attempts: AtomicU64::new(0),
            wanted: AtomicBool::new(false),
            view: StdMutex::default(),
            outage,
            closed,
        }
    }

    pub(super) fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    /// The connection, made now if there is none. Whoever asks during an attempt shares its outcome.
    pub(super) async fn get(&self) -> Result<Arc<Connection>, BrokerError> {
        let attempts_seen = self.attempts.load(Ordering::Acquire);
        let mut current = self.current.lock().await;
        if self.closed.is_cancelled() {
            return Err(BrokerError::Closed);
        }
        if let Some(connection) = &current.connection
            && connection.status().connected()
        {
            return Ok(Arc::clone(connection));
        }
        if let Some(failure) = &current.failure
            && self.attempts.load(Ordering::Acquire) != attempts_seen
        {
            return Err(failure.clone());
        }
        let connected_before = current.connection.take().is_some();
        let attempt = self.connect().await;
        self.attempts.fetch_add(1, Ordering::AcqRel);
        match attempt {
            Ok(connection) => {
                if connected_before || current.failure.is_some() {
                    metrics::reconnected(self.purpose);
                }
                tracing::debug!(purpose = self.purpose, "connected to the broker");
                let status = Some(connection.status().clone());
                *self.view.lock().unwrap_or_else(PoisonError::into_inner) = View { status, last_error: None };
                self.outage.ended();
                current.failure = None;
                Ok(Arc::clone(current.connection.insert(Arc::new(connection))))
            }
            Err(error) => {
                self.note(&error);
                current.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<Connection, BrokerError> {
        let url = self.config.url.as_ref().ok_or(BrokerError::NotConfigured)?;
        let limit = self.config.connect_timeout;
        let uri = url.to_uri(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX), HEARTBEAT_S);
        let name = format!("{} {}", self.config.connection_name, self.purpose);
        // Recovery stays off, as it is by default: it does not heal channel errors, so the sessions do all of it.
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        within(limit, "connecting", BrokerError::in_setup, Connection::connect_uri(uri, properties)).await
    }

    /// A channel of one's own on the connection.
    pub(super) async fn channel(&self) -> Result<Channel, BrokerError> {
        let connection = self.get().await?;
        setup("opening a channel", connection.create_channel()).await
    }

    /// Remembers why something failed, for health. Whether the connection stands all the same: if it does not, the
    /// process has said so, and each of those who use it need not.
    pub(super) fn note(&self, error: &BrokerError) -> bool {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        view.last_error = Some(error.to_string());
        let stands = view.status.as_ref().is_some_and(ConnectionStatus::connected) && !error.is_disconnection();
        drop(view);
        if !stands && !self.closed.is_cancelled() {
            self.outage.noticed(error);
        }
        stands
    }

    /// Waits before another try: for so long, or until an outage is over.
    pub(super) async fn pause(&self, pause: Duration) {
        self.outage.pause(pause).await;
    }

    /// What failed works again.
    pub(super) fn note_success(&self) {
        self.view.lock().unwrap_or_else(PoisonError::into_inner).last_error = None;
    }

    /// Says that somebody lives on this connection and makes it again when it is gone. Who only looks at something once
    /// does not: nobody would notice that the connection has gone since.
    pub(super) fn want(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    /// Whether anyone lives on this connection.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    pub(super) fn health(&self) -> BrokerHealth {
        let view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        let status = view.status.as_ref();
        BrokerHealth {
            connected: status.is_some_and(ConnectionStatus::connected),
            last_error: view.last_error.clone(),
            blocked: status.is_some_and(|status| status.connected() && status.blocked()),
        }
    }

    pub(super) async fn close(&self) {
        let connection = self.current.lock().await.connection.take();
        if let Some(connection) = connection
            && connection.status().connected()
        {
            let closing = connection.close(200, "closed by Drover".into());
            if let Err(error) = within(CLOSE_LIMIT, "closing", BrokerError::in_operation, closing).await {
                tracing::debug!(purpose = self.purpose, %error, "the connection did not close in good order");
            }
        }
    }
}
