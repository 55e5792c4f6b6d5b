//! An installation as one process sees it: its key, its database, its broker, and the use cases over them.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    num::NonZeroU32,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use drover_broker::{AmqpUrl, Broker, BrokerConfig};
use drover_domain::Backoff;
use drover_pgserver::{PgServer, PgServerOptions};
use drover_service::{Entropy, FileStore, SecretKey, Service, ServiceOptions};
use drover_store::{Store, StoreOptions, TlsMode};
use drover_workers::DeviceSessions;

use crate::{
    config::{Config, DatabaseTls},
    system::{SystemClock, SystemEntropy},
};

/// An installation as one process sees it.
pub(crate) struct Installation {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) service: Service,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// The private database of the data folder, when no other was named.
    private_database: Option<PgServer>,
    /// Held by the one process that plays roles in a data folder.
    lock: Option<File>,
}

impl Installation {
    /// An installation whose database is named by the configuration.
    pub(crate) fn shared(config: Config) -> anyhow::Result<Self> {
        let Some(url) = &config.database.url else {
            bail!("no database: set DATABASE_URL, or use `drover up`, which brings its own");
        };
        let url = url.expose().clone();
        Self::assemble(config, url, None)
    }

    /// An installation that lives in the data folder and belongs to this process until it ends.
    pub(crate) async fn exclusive(config: Config) -> anyhow::Result<Self> {
        let lock = lock_file(&config)?;
        if lock.try_lock().is_err() {
            bail!("another drover is up in {}", config.data_dir.display());
        }
        let mut installation = Self::embedded(config).await?;
        installation.lock = Some(lock);
        Ok(installation)
    }

    /// An installation whose database is named by the configuration, or else lives in the data folder: that of a process
    /// that is up, an earlier run's, or a new one.
    pub(crate) async fn embedded(config: Config) -> anyhow::Result<Self> {
        create_data_dir(&config)?;
        if config.database.url.is_some() {
            return Self::shared(config);
        }
        let server = PgServer::ensure(PgServerOptions::new(&config.data_dir)).await?;
        let url = server.url();
        Self::assemble(config, url, Some(server))
    }

    fn assemble(config: Config, url: String, private_database: Option<PgServer>) -> anyhow::Result<Self> {
        let database = &config.database;
        let store = Store::new(&StoreOptions {
            url,
            pool_size: database.pool_size,
            wait_timeout: Duration::from_secs(database.wait_timeout_s),
            statement_timeout: Duration::from_secs(database.statement_timeout_s),
            tls: match database.tls {
                DatabaseTls::Disable => TlsMode::Disable,
                DatabaseTls::Require => TlsMode::Require,
            },
        })?;
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let key = secret_key(&config, entropy.as_ref())?;
        let files = FileStore::folder(&config.files_dir())
            .with_context(|| format!("cannot keep files in {}", config.files_dir().display()))?;
        let service = Service::new(
            store.clone(),
            files,
            key,
            Arc::new(SystemClock),
            Arc::clone(&entropy),
            service_options(&config)?,
        );
        Ok(Self { config, store, service, entropy, private_database, lock: None })
    }

    /// The broker that the configuration names, or one inside this process.
    pub(crate) fn broker(&self) -> anyhow::Result<Broker> {
        broker_of(&self.config)
    }

    /// Where devices are connected, and whether their connections can be ended.
    pub(crate) fn device_sessions(&self) -> anyhow::Result<DeviceSessions> {
        let amqp = &self.config.amqp;
        match &amqp.management_url {
            _ if amqp.url.is_none() => Ok(DeviceSessions::Nowhere),
            None => Ok(DeviceSessions::OutOfReach),
            Some(url) => Ok(DeviceSessions::Managed(url.expose().parse().context("amqp.management_url")?)),
        }
    }

    /// Whether the broker is inside this process and forgets everything with it.
    pub(crate) fn has_forgetful_broker(&self) -> bool {
        self.config.amqp.url.is_none()
    }

    /// Ends the private database, unless another process is up that uses it.
    pub(crate) async fn close(&mut self) -> anyhow::Result<()> {
        self.store.close();
        let Some(server) = &mut self.private_database else { return Ok(()) };
        let lock = match self.lock.take() {
            Some(held) => Some(held),
            None if server.is_ours() => Some(lock_file(&self.config)?).filter(|lock| lock.try_lock().is_ok()),
            None => None,
        };
        if lock.is_some() {
            server.stop().await?;
        }
        Ok(())
    }
}

fn create_data_dir(config: &Config) -> anyhow::Result<()> {
    fs::create_dir_all(&config.data_dir).with_context(|| format!("cannot create {}", config.data_dir.display()))
}

fn lock_file(config: &Config) -> anyhow::Result<File> {
    create_data_dir(config)?;
    let file = config.data_dir.join("drover.lock");
    File::create(&file).with_context(|| format!("cannot write {}", file.display()))
}

/// The broker that a configuration names, or one inside this process.
pub(crate) fn broker_of(config: &Config) -> anyhow::Result<Broker> {
    let publish_deadline = Duration::from_secs(config.amqp.publish_deadline_s);
    let management = match &config.amqp.management_url {
        Some(url) => Some(url.expose().parse().context("amqp.management_url")?),
        None => None,
    };
    let options = BrokerConfig { publish_deadline, management, ..BrokerConfig::default() };
    match &config.amqp.url {
        None => Ok(Broker::in_process_with(options)),
        Some(url) => {
            let url: AmqpUrl = url.expose().parse().context("amqp.url (AMQP_URL) is not an AMQP URL")?;
            Ok(Broker::rabbit(BrokerConfig { url: Some(url), ..options }))
        }
    }
}

fn service_options(config: &Config) -> anyhow::Result<ServiceOptions> {
    let (workers, applications) = (&config.workers, &config.applications);
    let seconds = Duration::from_secs;
    let listen = config.http.listen;
    Ok(ServiceOptions {
        public_url: config
            .http
            .public_url
            .clone()
            .unwrap_or_else(|| format!("http://{listen}"))
            .trim_end_matches('/')
            .to_owned(),
        link_ttl: seconds(config.files.link_ttl_s),
        plan_chunk: u32::try_from(workers.plan_chunk).unwrap_or(u32::MAX),
        dispatch_lease: seconds(workers.dispatch_lease_s),
        attempt_timeout: seconds(workers.attempt_timeout_s),
        cancel_timeout: seconds(workers.cancel_timeout_s),
        backoff: Backoff { base: seconds(workers.retry_backoff_base_s), max: seconds(workers.retry_backoff_max_s) },
        auth_cache: seconds(config.devices.auth_cache_s),
        access_token_ttl: seconds(config.http.access_token_ttl_s),
        top_calls_per_s: NonZeroU32::new(config.top.calls_per_s).unwrap_or(NonZeroU32::MIN),
        evidence_retention: Some(workers.evidence_retention_s).filter(|retention| *retention > 0).map(seconds),
        dead_letter_retention: Some(workers.dead_letter_retention_s).filter(|retention| *retention > 0).map(seconds),
        unused_file_retention: Some(config.files.unused_retention_s).filter(|retention| *retention > 0).map(seconds),
        container_entry: applications.container_entry.parse().context("applications.container_entry")?,
        built_in_entry: applications.built_in_entry.parse().context("applications.built_in_entry")?,
        ..ServiceOptions::default()
    })
}

/// Where the key is when none is configured.
pub(crate) fn key_file(config: &Config) -> PathBuf {
    config.data_dir.join("secret.key")
}

/// The configured key, or the one in the data folder, made at the first need.
fn secret_key(config: &Config, entropy: &dyn Entropy) -> anyhow::Result<SecretKey> {
    if let Some(key) = &config.secret_key {
        return Ok(SecretKey::parse(&BASE64_STANDARD.encode(key.expose()))?);
    }
    let file = key_file(config);
    create_data_dir(config)?;
    match new_key_file(&file, &SecretKey::generate(entropy)) {
        Ok(()) => {
            tracing::info!(file = %file.display(), "made a secret key; every process of this installation needs the same");
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(|| format!("cannot write {}", file.display())),
    }
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    SecretKey::parse(&text).with_context(|| format!("{} holds no key", file.display()))
}

/// Writes the key whole or not at all, for nobody else to read: a second process that starts now sees all of it or none.
fn new_key_file(file: &Path, key: &str) -> std::io::Result<()> {
    let draft = file.with_extension(format!("key.{}", std::process::id()));
    let mut written = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    writeln!(written, "{key}")?;
    written.sync_all()?;
    let linked = fs::hard_link(&draft, file);
    fs::remove_file(&draft)?;
    linked
}
