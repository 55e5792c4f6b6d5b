//! What every handler is given.

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use drover_messages::TraceContext;
use drover_service::Service;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::Lobby;

/// Tells the time.
pub type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;
/// Gives 64 random bits, for the ids of traces.
pub type Random = Arc<dyn Fn() -> u64 + Send + Sync>;
/// Asks a dependency that the service does not know: what is wrong with it, or `None` when nothing is.
pub type Probe = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// What every handler is given; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The use cases.
    pub service: Service,
    /// The clock against which calls are fresh or stale.
    pub now: Now,
    /// The source of trace ids.
    pub random: Random,
    /// How the broker does.
    pub broker: Probe,
    /// Where devices wait.
    pub lobby: Lobby,
    /// The virtual host of the broker in which devices live.
    pub devices_vhost: Arc<str>,
    /// The metrics of the process, or `None` when it records none.
    pub metrics: Option<PrometheusHandle>,
    /// How much and how long.
    pub limits: Limits,
}

impl AppState {
    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }

    /// The root of a new trace.
    pub(crate) fn new_trace(&self) -> TraceContext {
        let bits = || u128::from((self.random)());
        TraceContext::root(bits() << 64 | bits(), (self.random)())
    }
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppState").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// How much a call may send and how long it may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest body that is read into memory: that of a call with a list. A list of 100,000 devices takes about 5 MB.
    /// Every other call has the smaller of this and 1 MiB.
    pub max_body_bytes: usize,
    /// The most that all bodies in memory take together; never less than the largest one. A body of up to 16 KiB does not
    /// count: the limit of connections bounds those. A call that finds no room waits, and is refused after half of
    /// [`request_timeout`](Self::request_timeout).
    pub body_budget_bytes: usize,
    /// The largest firmware file.
    pub max_upload_bytes: u64,
    /// How long a call may take until its answer begins. Uploads are exempt.
    pub request_timeout: Duration,
    /// How long a device may wait for a command in one call; always somewhat less than `request_timeout`.
    pub poll_wait: Duration,
    /// How long an upload may send nothing, and the file store may take for one chunk of a download. Both fail after it;
    /// neither has a limit for the whole. A client that takes nothing of its download is
    /// [`ServeOptions::write_timeout`](crate::ServeOptions::write_timeout)'s.
    pub idle_timeout: Duration,
    /// Proxies in a row before this server, whose word is taken for where a call came from; 0 when there is none.
    pub proxies: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 16 << 20,
            body_budget_bytes: 64 << 20,
            max_upload_bytes: 1 << 30,
            request_timeout: Duration::from_secs(30),
            poll_wait: Duration::from_secs(25),
            idle_timeout: Duration::from_secs(30),
            proxies: 0,
        }
    }
}
