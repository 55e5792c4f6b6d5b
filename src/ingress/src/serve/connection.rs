//! One connection, from its first byte to its end.

use std::time::Duration;

use axum::Router;
use bytes::BytesMut;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::Watcher},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{ServeOptions, io::Guarded};

/// What a client of HTTP/2 says first (RFC 9113, 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The most of one connection's input that is held while its headers are read, and of an answer that is not yet sent.
const BUFFER_LEN: usize = 64 << 10;
/// The most headers the parser takes; the router refuses fewer, in its own words.
const PARSED_HEADERS: usize = 256;
const HTTP2_MAX_STREAMS: u32 = 64;
const HTTP2_WINDOW_LEN: u32 = 256 << 10;
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(20);
const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(10);

/// What serves connections.
pub(super) struct Server {
    http1: Builder<TokioExecutor>,
    http2: Builder<TokioExecutor>,
    router: Router,
    options: ServeOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Http1,
    Http2,
}

impl Server {
    pub(super) fn new(router: Router, options: ServeOptions) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(options.header_timeout)
            .max_buf_size(BUFFER_LEN)
            .max_headers(PARSED_HEADERS);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(HTTP2_PING_INTERVAL)
            .keep_alive_timeout(HTTP2_PING_TIMEOUT)
            .max_concurrent_streams(HTTP2_MAX_STREAMS)
            .initial_stream_window_size(HTTP2_WINDOW_LEN)
            .initial_connection_window_size(HTTP2_WINDOW_LEN * 4);
        Self { http1: builder.clone().http1_only(), http2: builder.http2_only(), router, options }
    }

    /// Serves one connection until it ends, or until it is idle after `shutdown`.
    pub(super) async fn serve(&self, mut stream: TcpStream, watcher: Watcher, shutdown: CancellationToken) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        // The builder's own detection of the version waits for ever (hyper's header timeout starts after it), so the
        // first bytes are read here.
        let first = timeout(self.options.header_timeout, detect(&mut stream));
        let (version, first) = match shutdown.run_until_cancelled(first).await {
            Some(Ok(Some(detected))) => detected,
            Some(Ok(None)) | None => return,
            Some(Err(_)) => return tracing::debug!("a client connected and said nothing"),
        };
        let io = TokioIo::new(Guarded::new(stream, first, self.options.write_timeout));
        let service = TowerToHyperService::new(self.router.clone());
        let builder = match version {
            Version::Http1 => &self.http1,
            Version::Http2 => &self.http2,
        };
        let connection = builder.serve_connection_with_upgrades(io, service);
        if let Err(error) = watcher.watch(connection).await {
            // Every kind of broken client; what it broke off is in the call's own log.
            tracing::debug!(error, "a connection ended early");
        }
    }
}

/// Reads until it is clear what the client speaks; `None` when it says too little and leaves.
async fn detect<R: AsyncRead + Unpin>(stream: &mut R) -> Option<(Version, BytesMut)> {
    let mut first = BytesMut::with_capacity(HTTP2_PREFACE.len());
    loop {
        let read = stream.read_buf(&mut first).await.ok()?;
        let compared = first.len().min(HTTP2_PREFACE.len());
        if first[..compared] != HTTP2_PREFACE[..compared] {
            return Some((Version::Http1, first));
        }
        if compared == HTTP2_PREFACE.len() {
            return Some((Version::Http2, first));
        }
        if read == 0 {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt as _;

    #[tokio::test]
    async fn the_version_is_known_by_the_first_byte_that_differs() {
        for (sent, version) in [
            (&b"GET / HTTP/1.1\r\n"[..], Some(Version::Http1)),
            (b"PUT", Some(Version::Http1)),
            (b"PRI * HTTP/1", Some(Version::Http1)),
            (HTTP2_PREFACE, Some(Version::Http2)),
            (&HTTP2_PREFACE[..5], None),
            (b"", None),
            (b"\x16\x03\x01", Some(Version::Http1)),
        ] {
            // One byte a read, as a hostile network would have it.
            let (mut client, mut server) = tokio::io::duplex(1);
            let write = async move {
                // The reader may have seen enough.
                let _ = client.write_all(sent).await;
            };
            let read = async move { detect(&mut server).await };
            let ((), detected) = tokio::join!(write, read);
            assert_eq!(detected.as_ref().map(|(version, _)| *version), version, "{sent:?}");
            if let Some((_, first)) = detected {
                assert!(sent.starts_with(&first), "nothing is lost");
            }
        }
    }
}
