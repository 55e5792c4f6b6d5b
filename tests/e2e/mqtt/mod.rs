//! Devices that nobody here wrote, over RabbitMQ's own MQTT plugin, configured as we ship it.

mod fleet;
mod isolation;
mod revocation;
mod shell_device;

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Output, Stdio},
};

use drover_testkit::{RabbitNode, TestDatabase, TestPostgres, free_port, wait_until};
use tokio::process::{Child, Command};

use crate::{
    support::{Drover, PATIENCE, Setup, WORKER_ROLES},
    vendor::{Client, Product, Vendor, noise},
};

/// What [`World::token`] prints as the secret.
type Token = String;

/// An ingress and a worker, a broker that asks the ingress about devices, and a product with devices `d1` and on.
struct World {
    // The order in which they end: first what uses the others.
    worker: Drover,
    ingress: Drover,
    client: Client,
    product: Product,
    firmware: serde_json::Value,
    file: Vec<u8>,
    setup: Setup,
    node: RabbitNode,
    _database: TestDatabase,
    sql: tokio_postgres::Client,
}

impl World {
    async fn new(devices: usize) -> Self {
        let (port, internal) = (free_port(), format!("127.0.0.1:{}", free_port()));
        let url = format!("http://127.0.0.1:{port}");
        let asked = format!("http://{internal}");
        let (database, node) = tokio::join!(TestPostgres::database(), RabbitNode::start_with_mqtt(&asked));
        let setup = Setup::new(&database.url, Some(&node.url()))
            .with("DROVER_AMQP__MANAGEMENT_URL", node.management_url().unwrap())
            .with("DROVER_DEVICES__AUTH_CACHE_S", 2)
            .with("DROVER_WORKERS__DISPATCH_LEASE_S", 30)
            // The worker is told too, and has no answers to give.
            .with("DROVER_HTTP__INTERNAL_LISTEN", internal)
            .with("DROVER_HTTP__PUBLIC_URL", &url);
        let vendor = Vendor::enrol(&setup, "vendor");
        let product = vendor.product(&setup, "meters", "mqtt");
        vendor.import(&setup, &product, "d", devices);
        let mut ingress = setup.spawn_at(port, &["serve", "--roles", "ingress"]);
        let mut worker = setup.spawn(&["serve", "--roles", WORKER_ROLES]);
        tokio::join!(ingress.wait_ready(), worker.wait_ready());
        let client = Client::new(&ingress.base_url, &vendor);
        let file = noise(100_000);
        let firmware = client.firmware(&product, &file).await;
        let sql = database.client().await;
        Self { worker, ingress, client, product, firmware, file, setup, node, _database: database, sql }
    }

    /// Gives a device its token.
    fn token(&self, uuid: &str) -> Token {
        let args = ["credential", "add", "--kind", "device", "--tenant", &self.client.vendor.tenant, "--device", uuid];
        let printed = self.setup.ok(&args);
        printed.lines().find_map(|line| line.strip_prefix("secret")).unwrap().trim().to_owned()
    }

    /// Starts a task for devices, with commas between them.
    async fn start_task(&self, devices: &str) {
        let task = self.client.task(&self.product, &self.firmware).await;
        self.client.join(&self.product, &task, devices).await;
        self.client.start(&self.product, &task).await;
    }

    /// How many rows a query finds.
    async fn count(&self, rows: &str) -> i64 {
        self.sql.query_one(&format!("SELECT count(*) FROM {rows}"), &[]).await.unwrap().get(0)
    }

    /// The state of a device's newest command.
    async fn state(&self, uuid: &str) -> String {
        let sql = "SELECT c.state FROM commands c JOIN devices d ON d.id = c.device_id WHERE d.uuid = $1
            ORDER BY c.job_id DESC LIMIT 1";
        self.sql.query_one(sql, &[&uuid]).await.unwrap().get(0)
    }

    async fn until_state(&self, uuid: &str, state: &str) {
        wait_until(PATIENCE, &format!("the command of {uuid} to be {state}"), async || self.state(uuid).await == state)
            .await;
    }

    /// Ends the processes in good order, and asks the oracle.
    async fn end_clean(mut self) {
        assert!(self.worker.terminate().await && self.ingress.terminate().await);
        let verdict = self.setup.ok(&["check"]);
        assert!(verdict.starts_with("clean"), "{verdict}");
    }

    /// One of mosquitto's tools, logging in as a device under a client id.
    fn mosquitto(&self, tool: &str, (uuid, token): (&str, &str), client_id: &str, rest: &[&str]) -> Command {
        let port = self.node.mqtt_port().unwrap().to_string();
        let mut command = Command::new(tool);
        command.args(["-h", "127.0.0.1", "-p", &port, "-u", uuid, "-P", token, "-q", "1"]);
        // Without one, the tool sends an empty client id.
        if !client_id.is_empty() {
            command.args(["-i", client_id]);
        }
        command.args(rest);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// A device that listens for its commands in a session that stays, and says what happens to its connection.
    async fn listener(&self, login: (&str, &str)) -> Listener {
        let topic = format!("devices/{}/commands", login.0);
        let mut listener = self.listen(login, login.0, &["-c", "-d", "-t", &topic]);
        listener.until("SUBACK").await;
        listener
    }

    /// The same with whatever arguments, and perhaps in vain.
    fn listen(&self, login: (&str, &str), client_id: &str, rest: &[&str]) -> Listener {
        let said = self.setup.data.path().join(format!("listener-{}.log", free_port()));
        let file = File::create(&said).unwrap();
        // Line by line, as a terminal would have it.
        let mosquitto = self.mosquitto("mosquitto_sub", login, client_id, rest);
        let mut command = Command::new("stdbuf");
        command.arg("-oL").arg("mosquitto_sub").args(mosquitto.as_std().get_args());
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).kill_on_drop(true);
        Listener { child: command.spawn().unwrap(), said }
    }
}

/// A running `mosquitto_sub`.
struct Listener {
    child: Child,
    said: PathBuf,
}

impl Listener {
    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    fn times(&self, what: &str) -> usize {
        self.said().matches(what).count()
    }

    async fn until(&mut self, what: &str) {
        wait_until(PATIENCE, &format!("the device to say {what}"), async || {
            let is_said = self.times(what) > 0;
            let ended = self.child.try_wait().unwrap();
            assert!(is_said || ended.is_none(), "it ended with {ended:?}: {}", self.said());
            is_said
        })
        .await;
    }

    /// What it says when it gives up.
    async fn refusal(mut self) -> String {
        self.until_ended().await;
        self.said()
    }

    /// Waits until it has given up.
    async fn until_ended(&mut self) {
        wait_until(PATIENCE, "the device to give up", async || self.child.try_wait().unwrap().is_some()).await;
    }
}

/// What a command printed, on both streams.
fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
