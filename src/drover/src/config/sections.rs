//! The sections of the configuration and their built-in values. Ranges are in `ranges`.

use std::net::{Ipv4Addr, SocketAddr};

use drover_service::ServiceOptions;
use serde::{Deserialize, Serialize};

use super::Secret;

/// The HTTP server, its limits and how the world reaches it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    /// Address and port to listen on.
    pub(crate) listen: SocketAddr,
    /// Address and port for our own servers, which log in nowhere: RabbitMQ's questions about devices. `None`: nowhere.
    pub(crate) internal_listen: Option<SocketAddr>,
    /// What links to files begin with. `None`: `http://` and the listening address.
    pub(crate) public_url: Option<String>,
    /// Time for a connection to send its request's headers.
    pub(crate) header_timeout_s: u64,
    /// Time for a request to be answered; uploads and downloads count anew with every piece.
    pub(crate) request_timeout_s: u64,
    /// How long a device may wait for a command in one call.
    pub(crate) poll_wait_s: u64,
    /// Devices that may wait at once; others are answered without a wait.
    pub(crate) max_waiting_devices: usize,
    /// Connections at once; more wait to be accepted.
    pub(crate) max_connections: usize,
    /// The largest file that may be uploaded.
    pub(crate) max_upload_bytes: u64,
    /// The largest list of devices in one call; every other call takes 1 MiB at the most.
    pub(crate) max_body_bytes: u64,
    /// How long an operator's access token lives.
    pub(crate) access_token_ttl_s: u64,
    /// Proxies in a row in front, whose `X-Forwarded-For` is believed.
    pub(crate) proxies: u8,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            internal_listen: None,
            public_url: None,
            header_timeout_s: 10,
            request_timeout_s: 30,
            poll_wait_s: 25,
            max_waiting_devices: 2048,
            max_connections: 4096,
            max_upload_bytes: 1 << 30,
            max_body_bytes: 16 << 20,
            access_token_ttl_s: 7200,
            proxies: 0,
        }
    }
}

/// Whether connections to PostgreSQL are encrypted. There is no "prefer": it would fall back silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DatabaseTls {
    /// Never, for a server on this machine or in a closed network.
    Disable,
    /// Always, and the server's certificate must be valid.
    Require,
}

/// PostgreSQL and the pool of connections to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    /// `postgres://…`. Without it `drover up` starts a private server.
    pub(crate) url: Option<Secret<String>>,
    /// Connections that this process keeps at most.
    pub(crate) pool_size: usize,
    /// Time to wait for a free connection before answering that Drover is overloaded.
    pub(crate) wait_timeout_s: u64,
    /// Time for one statement before the server cancels it.
    pub(crate) statement_timeout_s: u64,
    /// Encryption.
    pub(crate) tls: DatabaseTls,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: None, pool_size: 16, wait_timeout_s: 5, statement_timeout_s: 30, tls: DatabaseTls::Disable }
    }
}

/// RabbitMQ.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Amqp {
    /// `amqp://…` or `amqps://…`. Without it `drover up` uses its in-process broker.
    pub(crate) url: Option<Secret<String>>,
    /// Time for the broker to confirm a message before it counts as not sent.
    pub(crate) publish_deadline_s: u64,
    /// RabbitMQ's management API, `http://user:password@host:15672`, to end the connections of revoked devices.
    pub(crate) management_url: Option<Secret<String>>,
}

impl Default for Amqp {
    fn default() -> Self {
        Self { url: None, publish_deadline_s: 10, management_url: None }
    }
}

/// Devices that log in, over MQTT or HTTP.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Devices {
    /// How long what the database says of a device's token is believed.
    pub(crate) auth_cache_s: u64,
    /// The virtual host of RabbitMQ in which devices may be.
    pub(crate) vhost: String,
}

impl Default for Devices {
    fn default() -> Self {
        Self { auth_cache_s: 10, vhost: "/".to_owned() }
    }
}

/// Uploaded files and the links to them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Files {
    /// A directory, as a path or a `file://` URL. `None`: `files` in the data directory.
    pub(crate) url: Option<String>,
    /// How long a signed download link is good for.
    pub(crate) link_ttl_s: u64,
    /// How long an uploaded file is kept that nothing came to name; 0 keeps it for ever.
    pub(crate) unused_retention_s: u64,
}

impl Default for Files {
    fn default() -> Self {
        Self { url: None, link_ttl_s: 86_400, unused_retention_s: 7 * 86_400 }
    }
}

/// Uploaded applications.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Applications {
    /// What the manifest of an Android package holds that was wrapped for the container: a name, or a name and a value.
    pub(crate) container_entry: String,
    /// What the manifest of a built-in application holds.
    pub(crate) built_in_entry: String,
}

impl Default for Applications {
    fn default() -> Self {
        let ServiceOptions { container_entry, built_in_entry, .. } = ServiceOptions::default();
        Self { container_entry: container_entry.to_string(), built_in_entry: built_in_entry.to_string() }
    }
}

/// The TOP gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Top {
    /// How many calls a second of one app key this process answers, unless the key says otherwise.
    pub(crate) calls_per_s: u32,
}

impl Default for Top {
    fn default() -> Self {
        Self { calls_per_s: ServiceOptions::default().top_calls_per_s.get() }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// For people.
    Text,
}

/// The log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    /// The shape of a line.
    pub(crate) format: LogFormat,
    /// What is logged, as tracing's `EnvFilter` reads it: `info`, `drover=debug,info`.
    pub(crate) filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

/// Traces by OpenTelemetry.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Traces {
    /// The collector that spans are sent to by OTLP over HTTP, without the path: `http://collector:4318`. `None`: nobody.
    pub(crate) otlp_url: Option<String>,
    /// How many of 1,000 traces that begin here are recorded. Of others, whoever began them has decided.
    pub(crate) sample_permille: u64,
}

impl Default for Traces {
    fn default() -> Self {
        Self { otlp_url: None, sample_permille: 1000 }
    }
}

/// The worker roles.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workers {
    /// Chunks that one process plans at once.
    pub(crate) plan_concurrency: usize,
    /// Chunks that one process dispatches at once.
    pub(crate) dispatch_concurrency: usize,
    /// Commands in a chunk.
    pub(crate) plan_chunk: usize,
    /// Reports that are recorded in one transaction at most.
    pub(crate) report_batch_max: usize,
    /// How long a report waits for others to share its transaction.
    pub(crate) report_batch_wait_ms: u64,
    /// How often timekeeper and relay look for work that nobody has told them of.
    pub(crate) tick_ms: u64,
    /// Time for a device to end an attempt, when its job's policy does not say.
    pub(crate) attempt_timeout_s: u64,
    /// Time for a planner or dispatcher to finish a chunk before another may take it over.
    pub(crate) dispatch_lease_s: u64,
    /// Time for a device to confirm a cancellation before the command ends as cancelled without one.
    pub(crate) cancel_timeout_s: u64,
    /// The pause before the second attempt; it doubles with every further one.
    pub(crate) retry_backoff_base_s: u64,
    /// The longest pause between two attempts.
    pub(crate) retry_backoff_max_s: u64,
    /// How long reports that moved nothing are kept; 0 keeps them for ever.
    pub(crate) evidence_retention_s: u64,
    /// How long messages that no worker could handle are kept; 0 keeps them for ever.
    pub(crate) dead_letter_retention_s: u64,
    /// Time for work in hand after SIGTERM before the process ends anyway.
    pub(crate) drain_timeout_s: u64,
}

impl Default for Workers {
    fn default() -> Self {
        Self {
            plan_concurrency: 2,
            dispatch_concurrency: 4,
            plan_chunk: 1000,
            report_batch_max: 500,
            report_batch_wait_ms: 10,
            tick_ms: 250,
            attempt_timeout_s: 3600,
            dispatch_lease_s: 60,
            cancel_timeout_s: 600,
            retry_backoff_base_s: 5,
            retry_backoff_max_s: 900,
            evidence_retention_s: 30 * 86_400,
            dead_letter_retention_s: 30 * 86_400,
            drain_timeout_s: 25,
        }
    }
}
