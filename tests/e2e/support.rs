//! Starts `drover` processes that end with the test.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use drover_domain::{CommandId, DeviceId, Protocol};
use drover_messages::TraceContext;
use drover_service::{
    Caller, Clock, Entropy, FileStore, Job, Join, NewDevice, NewFirmware, NewFirmwareJob, Product, SecretKey, Service,
    ServiceOptions,
};
use drover_store::{Store, StoreOptions, TlsMode};
use drover_testkit::{SupervisedChild, free_port, wait_until};
use nix::sys::signal::Signal;
use tempfile::TempDir;

/// The command under test.
pub(crate) const DROVER: &str = env!("CARGO_BIN_EXE_drover");
/// How long a start, a stop or a recovery may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Every role but the ingress.
pub(crate) const WORKER_ROLES: &str = "plan,dispatch,ingest,timekeep,relay";

/// A client for HTTP.
pub(crate) fn http() -> reqwest::Client {
    // Ours alone in this process; a second time is no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// One installation: a database, perhaps a broker, a data folder, and settings that all its processes share.
pub(crate) struct Setup {
    pub(crate) data: TempDir,
    env: Vec<(String, String)>,
}

impl Setup {
    /// On a database, with RabbitMQ at `amqp_url` or else the in-process broker.
    pub(crate) fn new(database_url: &str, amqp_url: Option<&str>) -> Self {
        let mut env = vec![("DATABASE_URL".to_owned(), database_url.to_owned())];
        env.extend(amqp_url.map(|url| ("AMQP_URL".to_owned(), url.to_owned())));
        Self { data: tempfile::tempdir().unwrap(), env }
    }

    /// The same with a configuration key set for every process, such as `DROVER_WORKERS__TICK_MS`.
    #[allow(clippy::needless_pass_by_value)]
    pub(crate) fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.env.push((key.to_owned(), value.to_string()));
        self
    }

    #[allow(clippy::disallowed_methods)]
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(DROVER);
        // Nothing of the tester's own environment: its DATABASE_URL is not ours.
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "HOME"));
        command.envs(self.env.iter().map(|(key, value)| (key, value)));
        command.args(args).arg("--data").arg(self.data.path()).current_dir(self.data.path());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a command that must succeed, and returns what it printed.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "drover {args:?}: {}\n{out}\n{err}", output.status);
        out.into_owned()
    }

    /// Starts a process that stays: `args` without `--listen`. Waits for nothing.
    pub(crate) fn spawn(&self, args: &[&str]) -> Drover {
        let port = free_port();
        let log = self.data.path().join(format!("drover-{port}.log"));
        let mut command = self.command(args);
        command.arg("--listen").arg(format!("127.0.0.1:{port}")).stdin(Stdio::null());
        let file = fs::File::create(&log).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        Drover { child: SupervisedChild::spawn(command).unwrap(), base_url: format!("http://127.0.0.1:{port}"), log }
    }

    /// Starts a process that stays and answers no HTTP.
    pub(crate) fn spawn_plain(&self, args: &[&str]) -> Drover {
        let log = self.data.path().join(format!("drover-{}.log", args[0]));
        let file = fs::File::create(&log).unwrap();
        let mut command = self.command(args);
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        Drover { child: SupervisedChild::spawn(command).unwrap(), base_url: String::new(), log }
    }

    /// The same, and waits until it is ready.
    pub(crate) async fn start(&self, args: &[&str]) -> Drover {
        let mut drover = self.spawn(args);
        drover.wait_ready().await;
        drover
    }
}

/// A `drover` process.
pub(crate) struct Drover {
    pub(crate) child: SupervisedChild,
    pub(crate) base_url: String,
    log: PathBuf,
}

impl Drover {
    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its answer to `/readyz`, or `None` when it does not answer.
    pub(crate) async fn readiness(&self) -> Option<u16> {
        let answer = http().get(format!("{}/readyz", self.base_url)).send().await.ok()?;
        Some(answer.status().as_u16())
    }

    /// Waits until everything it needs is there.
    pub(crate) async fn wait_ready(&mut self) {
        wait_until(PATIENCE, "the process to be ready", async || {
            assert!(self.child.try_wait().unwrap().is_none(), "drover ended early:\n{}", self.log());
            self.readiness().await == Some(200)
        })
        .await;
    }

    /// Asks it to end and waits for that. Returns whether it ended well.
    pub(crate) async fn terminate(&mut self) -> bool {
        self.child.signal(Signal::SIGTERM).unwrap();
        let mut status = None;
        wait_until(PATIENCE, "the process to end", async || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.is_some_and(|status| status.success())
    }

    /// A metric's value summed over its labels, when all of `labels` are among them.
    pub(crate) async fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let Ok(answer) = http().get(format!("{}/metrics", self.base_url)).send().await else { return 0.0 };
        let text = answer.text().await.unwrap_or_default();
        let of_interest = |line: &&str| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']))
                && labels.iter().all(|label| line.contains(label))
        };
        text.lines().filter(of_interest).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

/// A firmware job for devices `sim-000001` and on, made by the use cases directly: its making is not what is tested.
pub(crate) struct Campaign {
    service: Service,
    product: Product,
    job: Job,
}

impl Campaign {
    /// Makes the job and lets its devices join; nothing goes out yet.
    pub(crate) async fn prepare(setup: &Setup, database_url: &str, devices: usize) -> Self {
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
        let device = |number: usize| NewDevice {
            uuid: format!("sim-{number:06}"),
            name: String::new(),
            sn: String::new(),
            imei: String::new(),
            group_uuid: String::new(),
            firmware_version: "1.0".into(),
            channel: "simulated".into(),
        };
        let fleet: Vec<NewDevice> = (1..=devices).map(device).collect();
        service.enrol(&product, &fleet).await.unwrap();
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
        let firmware = service.create_firmware(&product, new, file).await.unwrap();
        let new = NewFirmwareJob {
            firmware: firmware.id,
            name: "campaign".into(),
            description: String::new(),
            created_by: "test".into(),
            retry_limit: Some(0),
            attempt_timeout_s: None,
            job_timeout_s: None,
        };
        let job = service.create_firmware_job(&product, new, TraceContext::root(1, 1)).await.unwrap();
        service.join_devices(&product, job.id, Join::Everyone, "test").await.unwrap();
        Self { service, product, job }
    }

    /// Lets it go.
    pub(crate) async fn start(&self) {
        self.service.start_job(&self.product, self.job.id, None).await.unwrap();
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
