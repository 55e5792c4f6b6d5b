//! The serving loop, HTTP/1 alone: connections are counted, bounded in every wait, and drained at the end.

mod connection;
mod io;

use std::{io::Error as IoError, io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use connection::Peer;
use connection::Server;

/// The gauge of open connections.
pub(crate) const CONNECTIONS: &str = "drover_http_connections";

/// The shortest and the longest pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// How connections are treated.
#[derive(Debug, Clone, Copy)]
pub struct ServeOptions {
    /// How long a client may take for the headers of a call, and how long it may rest between two calls.
    pub header_timeout: Duration,
    /// How long a client may take nothing of an answer before its connection is cut. Any byte it takes starts this anew,
    /// so a large download may take as long as it flows. It counts for every answer; [`Limits::idle_timeout`] is its
    /// counterpart for what comes in.
    ///
    /// [`Limits::idle_timeout`]: crate::Limits::idle_timeout
    pub write_timeout: Duration,
    /// Connections served at once; more wait to be accepted.
    pub max_connections: usize,
    /// How long calls under way may take to end, once the server is to stop.
    pub drain_timeout: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            max_connections: 4096,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

/// Why serving ended other than well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Calls were still under way when the time to drain was over; they were cut off.
    #[error("{connections} connections had not ended after {} s and were cut off", .drain_timeout.as_secs_f32())]
    Undrained {
        /// How many.
        connections: usize,
        /// How long they had.
        drain_timeout: Duration,
    },
}

/// Serves `router` until `shutdown`, then lets calls under way end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: ServeOptions,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let server = Arc::new(Server::new(router, options));
    let permits = Arc::new(Semaphore::new(options.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
    let graceful = GracefulShutdown::new();
    let connections = TaskTracker::new();
    let cut_off = CancellationToken::new();
    while let Some((permit, stream, peer)) = shutdown.run_until_cancelled(accept(&listener, &permits)).await {
        let (server, watcher) = (Arc::clone(&server), graceful.watcher());
        let cut_off = cut_off.clone();
        connections.spawn(async move {
            metrics::gauge!(CONNECTIONS).increment(1.0);
            cut_off.run_until_cancelled(server.serve(stream, peer, watcher)).await;
            metrics::gauge!(CONNECTIONS).decrement(1.0);
            drop(permit);
        });
    }
    // From here on nobody can connect; those who did are served.
    drop(listener);
    connections.close();
    tracing::info!(connections = connections.len(), "draining");
    let drained = timeout(options.drain_timeout, async { tokio::join!(graceful.shutdown(), connections.wait()) }).await;
    if drained.is_ok() {
        return Ok(());
    }
    let undrained = connections.len();
    cut_off.cancel();
    connections.wait().await;
    Err(ServeError::Undrained { connections: undrained, drain_timeout: options.drain_timeout })
}

/// Waits for room, then for a client. The order matters: a client that is accepted is served at once, and one that is
/// not waits in the kernel's queue, where it costs nothing.
async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> (OwnedSemaphorePermit, TcpStream, SocketAddr) {
    let mut pause = ACCEPT_PAUSE;
    loop {
        let Ok(permit) = Arc::clone(permits).acquire_owned().await else {
            // The semaphore is never closed; were it, nobody could be served.
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, peer)) => return (permit, stream, peer),
            Err(error) if is_the_clients(&error) => tracing::debug!(%error, "a client left before it was accepted"),
            Err(error) => {
                // Most likely out of file descriptors: only time, and connections that end, help.
                tracing::error!(%error, pause_ms = pause.as_millis(), "cannot accept connections");
                sleep(pause).await;
                pause = (pause * 2).min(ACCEPT_PAUSE_MAX);
            }
        }
    }
}

fn is_the_clients(error: &IoError) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}
