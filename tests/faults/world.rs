//! Everything that takes part: servers, processes, a fleet, and a vendor with its devices.

use std::collections::{BTreeMap, HashMap};

use drover_testkit::{Line, RabbitNode, TestDatabase, TestPostgres, wait_until};
use drover_workers::Role;

use crate::{
    member::{Member, Surroundings},
    rows::Rows,
    support::{Drover, PATIENCE, Setup},
    vendor::{Client, Product, Vendor},
};

/// Devices of a round's campaign: `sim-1` and on.
pub(crate) const MAIN: usize = 300;
/// Devices for the small jobs that are made during a fault, behind those.
pub(crate) const SPARE: usize = 900;
/// Devices that the harness plays itself.
pub(crate) const QUIET: usize = 40;

/// A key for tests: 32 bytes.
const SECRET_KEY: &str = "ZmF1bHRzZmF1bHRzZmF1bHRzZmF1bHRzZmF1bHRzISE=";
/// Short, so that what waits for a deadline waits seconds. Small, so that there is a middle of the work.
const SETTINGS: [(&str, &str); 10] = [
    ("DROVER_SECRET_KEY", SECRET_KEY),
    ("DROVER_WORKERS__PLAN_CHUNK", "20"),
    ("DROVER_WORKERS__REPORT_BATCH_MAX", "20"),
    ("DROVER_WORKERS__TICK_MS", "100"),
    ("DROVER_WORKERS__DISPATCH_LEASE_S", "5"),
    ("DROVER_WORKERS__RETRY_BACKOFF_BASE_S", "1"),
    ("DROVER_WORKERS__RETRY_BACKOFF_MAX_S", "1"),
    ("DROVER_AMQP__PUBLISH_DEADLINE_S", "3"),
    ("DROVER_DATABASE__WAIT_TIMEOUT_S", "2"),
    ("DROVER_DATABASE__POOL_SIZE", "8"),
];

/// Everything that takes part.
pub(crate) struct World {
    // The order in which they end: first what uses the others.
    pub(crate) fleet: Drover,
    pub(crate) members: BTreeMap<Role, Member>,
    pub(crate) client: Client,
    pub(crate) product: Product,
    pub(crate) firmware: i64,
    pub(crate) rows: Rows,
    /// What a process took when it was first looked at, by its id.
    pub(crate) memory_mib: HashMap<u32, u64>,
    /// Nobody's settings but the operator's, and no proxy: its commands work during every fault but the servers' own.
    pub(crate) operator: Setup,
    pub(crate) node: RabbitNode,
    pub(crate) database: TestDatabase,
    pub(crate) postgres: TestPostgres,
}

impl World {
    /// Its devices have so many seconds for an attempt.
    pub(crate) async fn new(attempt_timeout_s: u32) -> Self {
        let (postgres, node) = tokio::join!(TestPostgres::durable(), RabbitNode::start());
        let database = postgres.create_database().await;
        let mut operator = Setup::new(&database.url, Some(&node.url()));
        let ingress_port = Member::any_port();
        let mut settings: Vec<(&str, String)> = SETTINGS.map(|(key, value)| (key, value.to_owned())).into();
        let files = operator.data.path().join("files");
        settings.push(("DROVER_WORKERS__ATTEMPT_TIMEOUT_S", attempt_timeout_s.to_string()));
        settings.push(("DROVER_FILES__URL", files.to_str().unwrap().to_owned()));
        settings.push(("DROVER_HTTP__PUBLIC_URL", format!("http://127.0.0.1:{ingress_port}")));
        operator = settings.iter().fold(operator, |operator, (key, value)| operator.with(key, value));
        operator.ok(&["migrate"]);
        let fleet = start_fleet(&operator).await;
        let broker_url = node.url();
        let surroundings = Surroundings {
            database_url: &database.url,
            database_port: postgres.server.port(),
            broker_url: &broker_url,
            broker_port: node.port(),
            settings: &settings,
        };
        let mut members = BTreeMap::new();
        for role in Role::ALL {
            let port = if role == Role::Ingress { ingress_port } else { Member::any_port() };
            members.insert(role, Member::start(role, port, &surroundings).await);
        }
        for member in members.values_mut() {
            member.process.wait_ready().await;
        }
        let vendor = Vendor::enrol(&operator, "vendor");
        let product = vendor.product(&operator, "meters", "lwm2m");
        vendor.import(&operator, &product, "sim-", MAIN + SPARE);
        vendor.import(&operator, &product, "quiet-", QUIET);
        let client = Client::new(&members[&Role::Ingress].process.base_url, &vendor);
        let firmware = client.firmware(&product, b"firmware").await["firmwareId"].as_i64().unwrap();
        let (rows, memory_mib) = (Rows::new(&database), HashMap::new());
        Self { fleet, members, client, product, firmware, rows, memory_mib, operator, node, database, postgres }
    }

    pub(crate) fn member(&mut self, role: Role) -> &mut Member {
        self.members.get_mut(&role).unwrap()
    }

    /// The lines of every process to the database.
    pub(crate) fn set_database_lines(&self, line: Line) {
        self.members.values().for_each(|member| member.database.set(line));
    }

    /// The lines of every process to the broker. The fleet has its own.
    pub(crate) fn set_broker_lines(&self, line: Line) {
        self.members.values().for_each(|member| member.broker.set(line));
    }

    /// What everybody said last, for a failure to show.
    pub(crate) fn last_words(&self) -> String {
        let of = |member: &Member| format!("--- {}\n{}\n", member.role, member.last_words(25));
        self.members.values().map(of).collect()
    }
}

/// Devices that answer everything well, in up to a second.
async fn start_fleet(operator: &Setup) -> Drover {
    let devices = (MAIN + SPARE).to_string();
    let args = ["simulate", "--devices", &devices, "--failure-rate", "0", "--download-sample", "0"];
    // They stay with a report for longer than the broker is away.
    let patient = operator.clone().with("DROVER_AMQP__PUBLISH_DEADLINE_S", 30);
    let fleet = patient.spawn_plain(&[&args[..], &["--latency-min-ms", "20", "--latency-max-ms", "1000"]].concat());
    wait_until(PATIENCE, "the fleet to listen", async || fleet.log().contains("devices listen")).await;
    fleet
}
