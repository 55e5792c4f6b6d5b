//! Jobs made by the use cases directly, in the test's own process: their making is not what is tested.

use std::{fs, sync::Arc};

use chrono::{DateTime, Utc};
use drover_domain::{ChannelKind, CommandId, DeviceId, FirmwareId, JobId, Protocol};
use drover_messages::TraceContext;
use drover_service::{
    Actor, Caller, CancelMode, Clock, CredentialKind, Entropy, FileStore, FirmwareJob, Join, NewDevice, NewFirmware,
    NewFirmwareJob, Product, SecretKey, Service, ServiceOptions,
};
use drover_store::{Store, StoreOptions, TlsMode};

use super::{PATIENCE, Setup};

/// A vendor's back end: one product, one firmware for it, and what it may do with them.
#[derive(Clone)]
pub(crate) struct Office {
    service: Service,
    product: Product,
    firmware: FirmwareId,
}

impl Office {
    /// Opens one on an installation whose schema is there.
    pub(crate) async fn open(setup: &Setup, database_url: &str) -> Self {
        let store = Store::new(&StoreOptions {
            url: database_url.to_owned(),
            pool_size: 2,
            wait_timeout: PATIENCE,
            statement_timeout: PATIENCE,
            tls: TlsMode::Disable,
        })
        .unwrap();
        let key = SecretKey::parse(&fs::read_to_string(setup.data.path().join("secret.key")).unwrap()).unwrap();
        let files = FileStore::folder(&setup.data.path().join("files")).unwrap();
        let (world, options) = (Arc::new(World), ServiceOptions::default());
        let service = Service::new(store, files, key, world.clone(), world, options);
        let tenant = service.add_tenant("acme").await.unwrap();
        let caller = Caller { tenant, app_key: "test".into() };
        let issued = service.add_product("acme", "meter", Protocol::Lwm2m).await.unwrap();
        let product = service.product(&caller, issued.id, None).await.unwrap();
        let new = NewFirmware {
            name: "firmware".into(),
            version: "2.0".into(),
            file_name: "firmware.bin".into(),
            description: String::new(),
            upgrade_plan: 1,
            created_by: "test".into(),
            expected_sha256: None,
            max_bytes: 100,
        };
        let file = futures_util::stream::iter([Ok("bytes".into())]);
        let firmware = service.create_firmware(&product, new, file).await.unwrap().id;
        Self { service, product, firmware }
    }

    /// Enrols devices of one channel.
    pub(crate) async fn enrol(&self, channel: ChannelKind, uuids: impl IntoIterator<Item = String>) {
        let device = |uuid| NewDevice {
            uuid,
            name: String::new(),
            sn: String::new(),
            imei: String::new(),
            group_uuid: String::new(),
            firmware_version: "1.0".into(),
            channel: channel.as_str().into(),
        };
        let devices: Vec<NewDevice> = uuids.into_iter().map(device).collect();
        self.service.enrol(&self.product, &devices).await.unwrap();
    }

    /// A token for a device.
    pub(crate) async fn token(&self, uuid: &str) -> String {
        let issued = self.service.add_credential("acme", CredentialKind::Device, Some(uuid)).await.unwrap();
        issued.secret.expose().to_owned()
    }

    /// Makes a job and lets devices join; nothing goes out yet.
    pub(crate) async fn job(&self, who: Join, policy: Policy) -> Campaign {
        let new = NewFirmwareJob {
            firmware: self.firmware,
            name: "campaign".into(),
            description: String::new(),
            created_by: "test".into(),
            retry_limit: Some(policy.retry_limit),
            attempt_timeout_s: policy.attempt_timeout_s,
            job_timeout_s: None,
        };
        let job = self.service.create_firmware_job(&self.product, new, TraceContext::root(1, 1)).await.unwrap();
        self.service.join_devices(&self.product, job.id, who, "test").await.unwrap();
        Campaign { office: self.clone(), job }
    }
}

/// How often a device may try, and for how long.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Policy {
    pub(crate) retry_limit: i16,
    pub(crate) attempt_timeout_s: Option<i32>,
}

/// Who takes part, and how they are treated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) devices: usize,
    pub(crate) channel: ChannelKind,
    pub(crate) retry_limit: i16,
    pub(crate) attempt_timeout_s: Option<i32>,
}

impl Default for Plan {
    fn default() -> Self {
        Self { devices: 1, channel: ChannelKind::Simulated, retry_limit: 0, attempt_timeout_s: None }
    }
}

/// A job, and whose it is.
pub(crate) struct Campaign {
    pub(crate) office: Office,
    job: FirmwareJob,
}

impl Campaign {
    /// Makes a job for simulated devices `sim-000001` and on, who get one try, and lets them join; nothing goes out yet.
    pub(crate) async fn prepare(setup: &Setup, database_url: &str, devices: usize) -> Self {
        Self::prepare_with(setup, database_url, Plan { devices, ..Plan::default() }).await
    }

    /// The same for other devices, or with another policy.
    pub(crate) async fn prepare_with(setup: &Setup, database_url: &str, plan: Plan) -> Self {
        let Plan { devices, channel, retry_limit, attempt_timeout_s } = plan;
        let office = Office::open(setup, database_url).await;
        office.enrol(channel, (1..=devices).map(|number| format!("sim-{number:06}"))).await;
        office.job(Join::Everyone, Policy { retry_limit, attempt_timeout_s }).await
    }

    /// Lets it go.
    pub(crate) async fn start(&self) {
        self.office.service.start_job(&self.office.product, self.job.id, None).await.unwrap();
    }

    /// The job.
    pub(crate) fn id(&self) -> JobId {
        self.job.id
    }

    /// Holds it.
    pub(crate) async fn pause(&self) {
        self.office.service.pause_job(&Actor::command_line("test"), self.job.id).await.unwrap();
    }

    /// Asks for one command to be stopped.
    pub(crate) async fn cancel(&self, command_id: i64) {
        let (Office { service, product, .. }, command) = (&self.office, CommandId::from_i64(command_id).unwrap());
        service.cancel_commands(product, self.job.id, &[command], CancelMode::Soft, "test").await.unwrap();
    }

    /// The command of the device with that number, by its id.
    pub(crate) fn command_of(&self, device: i64) -> i64 {
        CommandId { job: self.job.id, device: DeviceId(device) }.to_i64()
    }
}

/// The test process's own time and chance.
struct World;

impl Clock for World {
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

impl Entropy for World {
    fn fill(&self, bytes: &mut [u8]) {
        rand::fill(bytes);
    }
}
