//! One connection, from its first byte to its end.
//!
//! HTTP/1 alone. A connection of HTTP/2 is alive as long as its client answers PINGs, whether or not it asks for anything,
//! and its streams stall behind windows that no write timeout of ours sees; until both are bounded, its preface is
//! answered by closing.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use hyper::server::conn::http1::Builder;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::Watcher,
    service::TowerToHyperService,
};
use tokio::net::TcpStream;
use tower_http::add_extension::AddExtension;

use super::{ServeOptions, io::Guarded};

/// The most of one connection's input that is held while its headers are read, and of an answer that is not yet sent.
const BUFFER_LEN: usize = 64 << 10;
/// The most headers the parser takes; the router refuses fewer, in its own words.
const PARSED_HEADERS: usize = 256;

/// The address that a call came from: that of the proxy in front, if there is one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// What serves connections.
pub(super) struct Server {
    http1: Builder,
    router: Router,
    options: ServeOptions,
}

impl Server {
    pub(super) fn new(router: Router, options: ServeOptions) -> Self {
        let mut http1 = Builder::new();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(options.header_timeout)
            .max_buf_size(BUFFER_LEN)
            .max_headers(PARSED_HEADERS);
        Self { http1, router, options }
    }

    /// Serves one connection until it ends, or until it is idle after the watcher's shutdown.
    pub(super) async fn serve(&self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let io = TokioIo::new(Guarded::new(stream, self.options.write_timeout));
        let router = AddExtension::new(self.router.clone(), Peer(peer.ip()));
        let connection = self.http1.serve_connection(io, TowerToHyperService::new(router));
        if let Err(error) = watcher.watch(connection).await {
            // Every kind of broken client; what it broke off is in the call's own log.
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
