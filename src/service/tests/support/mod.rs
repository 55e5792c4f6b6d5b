//! A service over a real Postgres, with a clock and a chance of the test's own.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use drover_domain::{JobId, Protocol};
use drover_messages::{DeviceReport, ReportStatus, TraceContext};
use drover_service::{
    Caller, Clock, Entropy, FileStore, Firmware, FirmwareJob, NewDevice, NewFirmware, NewFirmwareJob, Product,
    SecretKey, Service, ServiceOptions,
};
use drover_store::{Client, Store, StoreOptions, TlsMode, migrate};
use drover_testkit::{TestDatabase, TestPostgres};
use futures_util::stream;

pub struct FixedClock;
impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }
}

/// Different bytes at each call, the same ones in each run.
#[derive(Default)]
pub struct Counter(AtomicU64);
impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        let n = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = n.to_le_bytes()[index % 8] ^ u8::try_from(index / 8).unwrap();
        }
    }
}

pub struct World {
    pub service: Service,
    pub store: Store,
    pub caller: Caller,
    pub product: Product,
    pub firmware: Firmware,
    _database: TestDatabase,
    pub files: tempfile::TempDir,
}

pub const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

impl World {
    /// With deadlines that pass at once, so that a test never waits: what is due is due now.
    pub async fn new() -> Self {
        Self::with(ServiceOptions {
            plan_chunk: 10,
            dispatch_lease: Duration::from_mins(1),
            backoff: drover_domain::Backoff { base: Duration::ZERO, max: Duration::ZERO },
            ..ServiceOptions::default()
        })
        .await
    }

    pub async fn with(options: ServiceOptions) -> Self {
        let database = TestPostgres::database().await;
        let store = Store::new(&StoreOptions {
            url: database.url.clone(),
            pool_size: 8,
            wait_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(30),
            tls: TlsMode::Disable,
        })
        .unwrap();
        migrate::run(&store).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let entropy = Arc::new(Counter::default());
        let key = SecretKey::parse(&SecretKey::generate(entropy.as_ref())).unwrap();
        let files = FileStore::folder(folder.path()).unwrap();
        let service = Service::new(store.clone(), files, key, Arc::new(FixedClock), entropy, options);
        let tenant = service.add_tenant("acme").await.unwrap();
        let caller = Caller { tenant, app_key: "app".into() };
        let issued = service.add_product("acme", "meter", Protocol::Lwm2m).await.unwrap();
        let product = service.product(&caller, issued.id, Some(issued.master_key.expose())).await.unwrap();
        let new = NewFirmware {
            name: "f".into(),
            version: "2.0".into(),
            file_name: "f.bin".into(),
            description: String::new(),
            upgrade_plan: 1,
            created_by: "me".into(),
            expected_sha256: None,
            max_bytes: 100,
        };
        let firmware = service.create_firmware(&product, new, stream::iter([Ok("bytes".into())])).await.unwrap();
        Self { service, store, caller, product, firmware, _database: database, files: folder }
    }

    /// Enrols `sim-1` … `sim-<count>`.
    pub async fn enrol(&self, count: usize) -> Vec<String> {
        let uuids: Vec<String> = (1..=count).map(|n| format!("sim-{n:04}")).collect();
        let devices: Vec<NewDevice> = uuids.iter().map(|uuid| device(uuid)).collect();
        self.service.enrol(&self.product, &devices).await.unwrap();
        uuids
    }

    pub async fn draft(&self, retry_limit: i16) -> FirmwareJob {
        let new = NewFirmwareJob {
            firmware: self.firmware.id,
            name: "upgrade".into(),
            description: String::new(),
            created_by: "me".into(),
            retry_limit: Some(retry_limit),
            attempt_timeout_s: Some(3600),
            job_timeout_s: None,
        };
        self.service.create_firmware_job(&self.product, new, TRACE.parse::<TraceContext>().unwrap()).await.unwrap()
    }

    pub async fn client(&self) -> Client {
        self.store.client().await.unwrap()
    }

    /// The job's commands by state.
    pub async fn states(&self, job: JobId) -> Vec<(String, i64)> {
        let rows = self
            .client()
            .await
            .query("SELECT state, count(*) FROM commands WHERE job_id = $1 GROUP BY state ORDER BY state", &[&job.0])
            .await
            .unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// What waits in the outbox, and takes it away: the broker and the relay in one.
    pub async fn take_outbox(&self) -> Vec<(String, Vec<u8>)> {
        let rows = self.client().await.query("WITH taken AS (DELETE FROM outbox RETURNING id, queue, body) SELECT queue, body FROM taken ORDER BY id", &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Files that the file store has in a folder.
    pub fn files_in(&self, folder: &str) -> usize {
        std::fs::read_dir(self.files.path().join(folder)).map_or(0, Iterator::count)
    }

    pub async fn assert_clean(&self) {
        assert_eq!(self.service.check().await.unwrap().violations, []);
    }

    /// Lets every deadline of a job pass.
    pub async fn let_deadlines_pass(&self) {
        let client = self.client().await;
        client.batch_execute("UPDATE commands SET deadline_at = now() - interval '1 s' WHERE deadline_at IS NOT NULL; UPDATE timers SET fire_at = now() - interval '1 s'").await.unwrap();
    }

    /// Lets the deadlines of what waits in a queue pass.
    pub async fn let_deadlines_pass_of_queued(&self) {
        let client = self.client().await;
        client.batch_execute("UPDATE commands SET deadline_at = now() - interval '1 s' WHERE state = 'queued'; UPDATE timers SET fire_at = now() - interval '1 s'").await.unwrap();
    }

    pub async fn serve_timers(&self) {
        while self.service.serve_timer().await.unwrap() {}
    }
}

pub fn device(uuid: &str) -> NewDevice {
    NewDevice {
        uuid: uuid.into(),
        name: format!("device {uuid}"),
        sn: String::new(),
        imei: String::new(),
        group_uuid: String::new(),
        firmware_version: "1.0".into(),
        channel: "simulated".into(),
    }
}

pub fn report(uuid: &str, command_id: i64, attempt: i16, status: ReportStatus) -> DeviceReport {
    DeviceReport {
        v: 1,
        command_id,
        attempt,
        status,
        code: None,
        message: None,
        firmware_version: None,
        device_uuid: uuid.into(),
    }
}
