//! The use cases of Drover. Each opens one transaction, decides by the rules of `drover-domain`, and leaves what is to be
//! sent in the outbox. Nothing here knows HTTP or the broker.

mod actor;
mod applications;
mod audit;
mod catalogue;
mod clients;
mod control;
mod credentials;
mod devices;
mod enrolment;
mod error;
mod files;
mod firmware;
mod imports;
mod jobs;
mod logins;
mod metrics;
mod people;
mod queues;
mod secrets;
mod watching;
mod world;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use drover_domain::{Backoff, Policy};
use drover_store::Store;
use tokio::time::timeout;

use credentials::TopAuth;
use devices::device_auth::DeviceAuth;
use people::OperatorAuth;

pub use actor::{Actor, Via};
pub use applications::{
    ApplicationRefusal, Decision, DistributionSearch, InvalidManifestEntry, ListedApp, ManifestEntry, NewCategory,
    NewPackage, NewPolicyValues, NewRestriction, PushRequest, RestrictionChange, RestrictionFilter, RestrictionPush,
    RestrictionRecord, Saved, SpooledPackage, Undecided, Uploaded,
};
pub use audit::Action;
pub use catalogue::{Software, SoftwareCheck};
pub use clients::{
    ClientGroup, ClientVersion, DownloadPage, GroupFilter, GroupKey, GroupUpdates, NewClientGroup, NewClientVersion,
    Offer, PackageUpdate, PublishRequest, Sort, Target, VersionKey,
};
pub use control::{Affected, Control, JobStanding, RetryFilter};
pub use credentials::{AppCredential, Caller, CredentialKind, IssuedCredential, TopCredential, TopTerms};
pub use devices::device_auth::{DeviceIdentity, DeviceLogin};
pub use devices::device_tokens::{IssuedTokens, TokensAfter};
pub use devices::managed_devices::{DeviceChange, ManagedDeviceFilter, NewManagedDevice};
pub use devices::revocation::CutOff;
pub use drover_domain::StateCounts;
pub use drover_store::{
    Artifact, CommandRecord, DeviceCommandRecord, DeviceRecord, Firmware, FirmwareJob, InvalidPage, Job, Page, Paged,
    Product, Window, Windowed,
    applications::{
        ApplicationFilter, ApplicationRecord,
        categories::{Category, FilledCategory},
        policies::{Policy as ApplicationPolicy, PolicyChange},
        uploads::ApplicationValues,
    },
    applications::{DeviceApp, Distributed, DistributedUser, ManagedApp},
    audit::AuditEntry,
    check::Violation,
    clients::logs::{DistributeKey, DistributeLog, LogPage, PublishKey, PublishLog, UpgradeKey, UpgradeLog},
    commands::{
        Addressee,
        list::{CommandCase, CommandFilter},
    },
    devices::{
        NewDevice,
        list::DeviceFilter,
        managed::{DeviceValues, ManagedDevice},
    },
    failures::{self, FailureReason, Failures},
    files::StoredFile,
    hints::DeviceRange,
    jobs::JobChange,
    people::{
        reach::Reach,
        user_sets::{UserSet, UserSetKind},
        users::{User, UserValues},
    },
    pushing::assignments::{Targets, Wish},
    queues::{QueueSample, dead_letters::DeadLetter, workers::WorkerRecord},
    reports::Reason,
    samples::JobSample,
    watching::live::{LiveJob, LivePace, LiveQueue, LiveWorker},
    watching::{
        commands::{CommandRow, CommandSearch},
        device::{
            DeviceCommand, SearchAfter, SearchBy, Searched, SeenApp, SeenDevice, SeenList, SeenOutcome, SeenReport,
        },
        job::{Asked, Audience, JobMore, RetryWish},
        jobs::{JobSearch, JobSummary},
    },
};
pub use enrolment::{IssuedProduct, check_device};
pub use error::{BoxError, ServiceError};
pub use files::downloads::Download;
pub use files::stored_files::NewFile;
pub use files::{ByteStream, FileStore, FileSweep};
pub use firmware::{FirmwareChange, NewFirmware};
pub use imports::{Fault, ImportKind, Imported};
pub use jobs::NewFirmwareJob;
pub use jobs::audience::Join;
pub use jobs::cancel::{CancelMode, CancelResult};
pub use jobs::check::CheckReport;
pub use jobs::dispatching::{DispatchChunk, InvalidMessage};
pub use jobs::order::Order;
pub use jobs::planning::Planning;
pub use jobs::progress::{JobHistory, JobProgress};
pub use jobs::recording::Recorded;
pub use metrics::METRICS;
pub use people::{
    IssuedToken, List, ListFrom, MemberChange, MembersChanged, NewOperator, NewUser, NewUserSet, Operator,
    OperatorChange, OperatorLogin, OperatorRecord, Organisation, TokenCheck, UserChange, UserFilter, UserSetChange,
};
pub use queues::{Condition, DeadLetterFilter, Dealt, Matching, QueueView, WorkerView, dead_letters::BodyText};
pub use secrets::{InvalidSecretKey, Secret, SecretKey};
pub use watching::device::{CommandStory, DeviceReason, DeviceStory};
pub use watching::live::{Figures, JobNow, Live, Snapshot, Viewer, WaitingLongest, Watched, WatchedJob};
pub use watching::{
    job::{JobDetail, JobPace},
    sampling::PaceReading,
};
pub use world::{Clock, Entropy, random_uuid};

/// How long a dependency may take to say that it is there.
const READY_LIMIT: Duration = Duration::from_secs(2);

/// What the use cases are told once, at the start.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// The URL under which devices reach the ingress, without a slash at its end.
    pub public_url: String,
    /// How long a download link lives.
    pub link_ttl: Duration,
    /// Devices planned or released in one transaction.
    pub plan_chunk: u32,
    /// How long a released command is the dispatcher's before it is handed out again, and a job the planner's before that
    /// is called again.
    pub dispatch_lease: Duration,
    /// How long a device may take for one attempt, unless the job says otherwise.
    pub attempt_timeout: Duration,
    /// How long a whole job may take from its start.
    pub job_timeout: Duration,
    /// How long a device's answer to a wish to cancel is waited for.
    pub cancel_timeout: Duration,
    /// The pause between attempts.
    pub backoff: Backoff,
    /// How long what the database says of a device's token is believed.
    pub auth_cache: Duration,
    /// How long an operator's access token lives.
    pub access_token_ttl: Duration,
    /// How long what the database says of an access token is believed: as long, a revoked one may still be let in.
    pub access_token_cache: Duration,
    /// How long what the database says of an app key of the TOP gateway is believed: as long, a revoked one may still call.
    pub top_credential_cache: Duration,
    /// How many calls a second of one app key each process answers at the TOP gateway, unless the key says otherwise.
    pub top_calls_per_s: NonZeroU32,
    /// How long reports that moved nothing are kept; `None` is for ever.
    pub evidence_retention: Option<Duration>,
    /// How long a message is kept that no worker could handle; `None` is for ever.
    pub dead_letter_retention: Option<Duration>,
    /// How long an uploaded file is kept that nothing came to name; `None` is for ever.
    pub unused_file_retention: Option<Duration>,
    /// What an Android package's manifest holds when it was wrapped for the container.
    pub container_entry: ManifestEntry,
    /// What the manifest of a built-in application holds.
    pub built_in_entry: ManifestEntry,
    /// From one reading of what is going on to the next, while anybody looks.
    pub live_interval: Duration,
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
            auth_cache: Duration::from_secs(10),
            access_token_ttl: Duration::from_hours(2),
            access_token_cache: Duration::from_secs(5),
            top_credential_cache: Duration::from_secs(5),
            top_calls_per_s: NonZeroU32::MIN.saturating_add(999),
            evidence_retention: Some(Duration::from_hours(30 * 24)),
            dead_letter_retention: Some(Duration::from_hours(30 * 24)),
            unused_file_retention: Some(Duration::from_hours(7 * 24)),
            container_entry: ManifestEntry::new("drover.domain", Some("container")),
            built_in_entry: ManifestEntry::new("drover.domain", Some("built-in")),
            live_interval: Duration::from_secs(1),
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
    device_auth: DeviceAuth,
    operator_auth: OperatorAuth,
    facts: Arc<catalogue::FactsReader>,
    catalogues: catalogue::Catalogues,
    top_auth: TopAuth,
    imports: imports::Turns,
    parses: applications::Turns,
    live: Live,
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
        let device_auth = DeviceAuth::new(options.auth_cache);
        let operator_auth = OperatorAuth::new(options.access_token_cache);
        let (facts, catalogues) =
            (catalogue::FactsReader::new(store.clone()), catalogue::Catalogues::new(store.clone()));
        let top_auth = TopAuth::new(options.top_credential_cache);
        let (imports, parses) = (imports::Turns::new(), applications::Turns::new());
        let live = Live::new(store.clone(), Arc::clone(&entropy), options.live_interval);
        Self {
            inner: Arc::new(Inner {
                store,
                files,
                key,
                clock,
                entropy,
                device_auth,
                operator_auth,
                facts,
                catalogues,
                top_auth,
                imports,
                parses,
                live,
                options,
            }),
        }
    }

    fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The URL under which the world reaches the ingress, without a slash at its end.
    pub fn public_url(&self) -> &str {
        &self.inner.options.public_url
    }

    fn options(&self) -> &ServiceOptions {
        &self.inner.options
    }

    /// Looks at everything the service cannot do without.
    pub async fn ready(&self) -> Vec<Dependency> {
        let silent = || Some(format!("does not answer within {} s", READY_LIMIT.as_secs()));
        let (pending, files) = tokio::join!(
            timeout(READY_LIMIT, drover_store::migrate::pending(self.store())),
            timeout(READY_LIMIT, self.inner.files.ping()),
        );
        let database = match pending {
            Ok(Ok(0)) => None,
            Ok(Ok(pending)) => Some(format!("{pending} migrations have not run")),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => silent(),
        };
        let files = files.map_or_else(|_| silent(), |files| files.err().map(|error| error.to_string()));
        vec![Dependency { name: "database", problem: database }, Dependency { name: "files", problem: files }]
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
