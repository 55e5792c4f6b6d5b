//! The pool of connections.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use drover_telemetry::spans;
use tokio_postgres::{Config, NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::{Instrument as _, Span};

use crate::{
    StoreError,
    hints::{self, DeviceRange},
};

/// A connection from the pool.
pub type Client = Object;

/// How a transaction that met another one is tried again.
const CONFLICT_TRIES: u32 = 6;

/// How to reach the database.
#[derive(Clone)]
pub struct StoreOptions {
    /// `postgres://…`; holds a password, so it is never shown.
    pub url: String,
    /// Connections at most.
    pub pool_size: usize,
    /// How long a caller waits for a connection.
    pub wait_timeout: Duration,
    /// How long one statement may take.
    pub statement_timeout: Duration,
    /// Whether the connection is encrypted.
    pub tls: TlsMode,
}

/// Whether the connection to the database is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Never.
    Disable,
    /// Always, against the machine's certificate authorities.
    Require,
}

/// An error that may mean: run the same transaction again.
pub trait MayConflict {
    /// Two transactions got in each other's way; the same transaction may succeed when run again.
    fn is_conflict(&self) -> bool;
}

/// The database.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    next_shard: Arc<AtomicU16>,
    connector: Arc<Connector>,
}

/// How connections that do not come from the pool are made.
enum Connector {
    Plain(Config),
    Tls(Config, MakeRustlsConnect),
}

impl Store {
    /// Prepares the pool. Connects at the first use, so an unreachable database shows there.
    pub fn new(options: &StoreOptions) -> Result<Self, StoreError> {
        let mut config: Config = options.url.parse()?;
        let given_options = config.get_options().unwrap_or_default().to_owned();
        config
            .application_name("drover")
            .connect_timeout(options.wait_timeout)
            .keepalives_idle(Duration::from_secs(30))
            .tcp_user_timeout(options.statement_timeout + options.wait_timeout)
            // No statement runs for so long that compiling it would pay, and what the planner takes for long costs a second.
            .options(format!(
                "{given_options} -c jit=off -c statement_timeout={} -c idle_in_transaction_session_timeout={}",
                options.statement_timeout.as_millis(),
                2 * options.statement_timeout.as_millis(),
            ));
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        // What the URL asks for is never taken back: it would go unnoticed.
        let asked = matches!(config.get_ssl_mode(), SslMode::Require).then_some(TlsMode::Require);
        let connector = match asked.unwrap_or(options.tls) {
            TlsMode::Disable => Connector::Plain(config.ssl_mode(SslMode::Disable).clone()),
            TlsMode::Require => {
                Connector::Tls(config.ssl_mode(SslMode::Require).clone(), MakeRustlsConnect::new(tls_client()?))
            }
        };
        let manager = match &connector {
            Connector::Plain(config) => Manager::from_config(config.clone(), NoTls, recycling),
            Connector::Tls(config, tls) => Manager::from_config(config.clone(), tls.clone(), recycling),
        };
        let pool = Pool::builder(manager)
            .max_size(options.pool_size)
            .wait_timeout(Some(options.wait_timeout))
            .create_timeout(Some(options.wait_timeout))
            .recycle_timeout(Some(options.wait_timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Configuration(error.to_string()))?;
        Ok(Self { pool, next_shard: Arc::default(), connector: Arc::new(connector) })
    }

    /// A connection, waiting for one at most the wait timeout.
    pub async fn client(&self) -> Result<Client, StoreError> {
        Ok(self.pool.get().await?)
    }

    /// Runs a transaction, and again when another one got in its way (SQLSTATE 40001 and 40P01).
    pub async fn retrying<T, E, F, Fut>(&self, name: &'static str, mut transaction: F) -> Result<T, E>
    where
        E: MayConflict,
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        // Part of what called for it; what the roles do all the time by themselves is nobody's trace.
        let span = if Span::current().is_none() { Span::none() } else { tracing::debug_span!("transaction", name) };
        spans::name(&span, || format!("transaction {name}"));
        let tries = async {
            let mut tries = 1;
            loop {
                match transaction().await {
                    Err(error) if error.is_conflict() && tries < CONFLICT_TRIES => {
                        metrics::counter!("drover_store_conflicts_total", "transaction" => name).increment(1);
                        tracing::debug!("another transaction got in the way");
                        tries += 1;
                    }
                    done => return done,
                }
            }
        };
        tries.instrument(span).await
    }

    /// Tells the metrics how the pool does.
    #[allow(clippy::cast_precision_loss)] // some hundred connections
    pub fn observe_pool(&self) {
        let pool = self.pool.status();
        let busy = pool.size.saturating_sub(pool.available);
        metrics::gauge!("drover_store_connections", "state" => "busy").set(busy as f64);
        metrics::gauge!("drover_store_connections", "state" => "idle").set(pool.available as f64);
        metrics::gauge!("drover_store_connections_max").set(pool.max_size as f64);
        metrics::gauge!("drover_store_waiting").set(pool.waiting as f64);
    }

    /// The tally shard for the next transaction: transactions of one process take turns, so that they do not queue for
    /// one row.
    pub fn tally_shard(&self) -> i16 {
        (self.next_shard.fetch_add(1, Ordering::Relaxed) % crate::tallies::SHARDS).cast_signed()
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.client().await?.simple_query("SELECT 1").await?;
        Ok(())
    }

    /// Listens on a connection of its own, which no transaction shares.
    pub(crate) async fn listen(&self, heard: impl FnMut(DeviceRange) + Send) -> Result<(), StoreError> {
        match self.connector.as_ref() {
            Connector::Plain(config) => {
                let (client, connection) = config.connect(NoTls).await?;
                hints::hear(client, connection, heard).await
            }
            Connector::Tls(config, tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                hints::hear(client, connection, heard).await
            }
        }
    }

    /// Closes every connection that is not in use.
    pub fn close(&self) {
        self.pool.close();
    }
}

fn tls_client() -> Result<rustls::ClientConfig, StoreError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(StoreError::Configuration(
            "TLS is required and this machine has no certificate authorities".into(),
        ));
    }
    Ok(rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}
