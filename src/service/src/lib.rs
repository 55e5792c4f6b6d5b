//! The use cases of Drover. Each opens one transaction, decides by the rules of `drover-domain`, and leaves what is to be
//! sent in the outbox. Nothing here knows HTTP or the broker.

mod audience;
mod cancel;
mod check;
mod credentials;
mod dispatching;
mod enrolment;
mod error;
mod files;
mod finishing;
mod firmware;
mod jobs;
mod links;
mod lists;
mod moved;
mod outbox;
mod planning;
mod progress;
mod recording;
mod recovery;
mod retry;
mod secrets;
mod timekeeping;
mod world;

use std::{sync::Arc, time::Duration};

use drover_domain::{Backoff, Policy};
use drover_store::Store;

pub use audience::Join;
pub use check::CheckReport;
pub use credentials::{AppCredential, Caller, CredentialKind, IssuedCredential};
pub use dispatching::{DispatchChunk, InvalidMessage};
pub use drover_store::{
    CommandRecord, DeviceCommandRecord, DeviceRecord, Firmware, InvalidPage, Job, Page, Paged, Product,
    check::Violation,
    command_list::{CommandCase, CommandFilter},
    commands::Addressee,
    device_list::DeviceFilter,
    devices::NewDevice,
    jobs::JobChange,
    reports::Reason,
};
pub use enrolment::{IssuedProduct, check_device};
pub use error::{BoxError, ServiceError};
pub use files::{ByteStream, FileStore};
pub use firmware::{Download, FirmwareChange, NewFirmware};
pub use jobs::NewFirmwareJob;
pub use planning::Planning;
pub use progress::{JobHistory, JobProgress};
pub use recording::Recorded;
pub use secrets::{InvalidSecretKey, Secret, SecretKey};
pub use world::{Clock, Entropy, random_uuid};

/// What the use cases are told once, at the start.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// The URL under which devices reach the ingress, without a slash at its end.
    pub public_url: String,
    /// How long a download link lives.
    pub link_ttl: Duration,
    /// Devices planned or released in one transaction.
    pub plan_chunk: u32,
    /// How long a released command is the dispatcher's before it is handed out again.
    pub dispatch_lease: Duration,
    /// How long a device may take for one attempt, unless the job says otherwise.
    pub attempt_timeout: Duration,
    /// How long a whole job may take from its start.
    pub job_timeout: Duration,
    /// How long a device's answer to a wish to cancel is waited for.
    pub cancel_timeout: Duration,
    /// The pause between attempts.
    pub backoff: Backoff,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".into(),
            link_ttl: Duration::from_hours(24),
            plan_chunk: 1000,
            dispatch_lease: Duration::from_mins(1),
            attempt_timeout: Duration::from_hours(1),
            job_timeout: Duration::from_hours(30 * 24),
            cancel_timeout: Duration::from_mins(10),
            backoff: Backoff { base: Duration::from_secs(5), max: Duration::from_mins(15) },
        }
    }
}

/// The use cases.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    files: FileStore,
    key: SecretKey,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    options: ServiceOptions,
}

/// Something the service cannot do without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Its name.
    pub name: &'static str,
    /// What is wrong with it; `None` when it answers.
    pub problem: Option<String>,
}

impl Service {
    /// Puts the use cases together.
    pub fn new(
        store: Store,
        files: FileStore,
        key: SecretKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        options: ServiceOptions,
    ) -> Self {
        Self { inner: Arc::new(Inner { store, files, key, clock, entropy, options }) }
    }

    fn store(&self) -> &Store {
        &self.inner.store
    }

    fn options(&self) -> &ServiceOptions {
        &self.inner.options
    }

    /// Looks at everything the service cannot do without.
    pub async fn ready(&self) -> Vec<Dependency> {
        let (pending, files) = tokio::join!(drover_store::migrate::pending(self.store()), self.inner.files.ping());
        let database = match pending {
            Ok(0) => None,
            Ok(pending) => Some(format!("{pending} migrations have not run")),
            Err(error) => Some(error.to_string()),
        };
        vec![
            Dependency { name: "database", problem: database },
            Dependency { name: "files", problem: files.err().map(|error| error.to_string()) },
        ]
    }

    /// How long a released command is the dispatcher's. Never longer than an attempt: then the deadline that follows when
    /// the channel takes it is further away, and needs no timer of its own, whatever another process's lease is.
    fn dispatch_lease(&self, policy: Policy) -> Duration {
        self.options().dispatch_lease.min(policy.attempt_timeout())
    }

    /// A number from 0 up to 1.
    fn chance(&self) -> f64 {
        let mut bytes = [0; 4];
        self.inner.entropy.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}
