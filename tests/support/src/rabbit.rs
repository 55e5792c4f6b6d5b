//! A private RabbitMQ node: its own name, ports, files, plugins and Erlang cookie, whatever else runs on the machine.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use crate::port::free_port;
use crate::supervised::{SupervisedChild, Watchdog};
use crate::wait::wait_until;

/// A node takes some seconds to start, and up to half a minute to come back after a kill.
const START_LIMIT: Duration = Duration::from_mins(2);
/// What `rabbitmqctl` may take: it starts an Erlang machine of its own.
const CTL_LIMIT: Duration = Duration::from_mins(1);
/// Where Debian has the scripts themselves. Those on its PATH change the user, the directory and the log.
const SCRIPTS: &str = "/usr/lib/rabbitmq/bin";
/// What we ship for RabbitMQ: what is tested is that.
const SHIPPED_CONFIG: &str = concat!(
    include_str!("../../../deploy/rabbitmq/rabbitmq.conf"),
    // Debian 12 has RabbitMQ 3.10.
    include_str!("../../../deploy/rabbitmq/limits-before-3.13.conf")
);
/// What a client says first.
const AMQP_HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";

/// Removes the node's files. More than one round: a node that is just dying may still write.
const CLEAN_UP: &str = r#"
for round in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf -- "$1" && [ "$round" -gt 2 ] && exit 0
    sleep 0.1
done
"#;

/// A node that ends, and whose files vanish, with the test process, however that ends.
#[derive(Debug)]
pub struct RabbitNode {
    // The order of dropping: first the node, then its files.
    child: Option<SupervisedChild>,
    _files: Watchdog,
    dir: PathBuf,
    name: String,
    port: u16,
    dist_port: u16,
    mqtt: Option<Mqtt>,
}

/// What a node needs to serve devices, and where.
#[derive(Debug)]
struct Mqtt {
    port: u16,
    management_port: u16,
    config: String,
}

impl RabbitNode {
    /// The node that all tests of this process share. The first call starts it. Each test uses names of its own.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<RabbitNode> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// A node of the test's own, for tests that kill it.
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// A node of the test's own that serves devices over MQTT, configured as we ship it. Who has no account of the node's
    /// own is asked about at `ingress_url`, such as `http://127.0.0.1:8081`, which need not answer yet.
    pub async fn start_with_mqtt(ingress_url: &str) -> Self {
        let (port, management_port) = (free_port(), free_port());
        let config = SHIPPED_CONFIG
            .replace("http://ingress:8081", ingress_url)
            .replace("tcp.default = 1883", &format!("tcp.default = 127.0.0.1:{port}"))
            .replace("tcp.port = 15672", &format!("tcp.port = {management_port}\nmanagement.tcp.ip = 127.0.0.1"));
        Self::start_with(Some(Mqtt { port, management_port, config })).await
    }

    async fn start_with(mqtt: Option<Mqtt>) -> Self {
        let dir = tempfile::Builder::new().prefix("drover-rabbitmq-").tempdir().expect("a temporary directory").keep();
        let files = Watchdog::spawn(CLEAN_UP, &[dir.as_os_str()]).expect("sh runs");
        let (port, dist_port) = (free_port(), free_port());
        // The port is nobody else's, so neither is the name.
        let name = format!("drover-test-{}-{port}@localhost", std::process::id());
        write_files(&dir, mqtt.as_ref());
        let mut node = Self { child: None, _files: files, dir, name, port, dist_port, mqtt };
        node.restart().await;
        node
    }

    /// The node's address, for its first virtual host.
    pub fn url(&self) -> String {
        self.url_of("%2f")
    }

    /// The node's address for a virtual host, given as it stands in a URL.
    pub fn url_of(&self, vhost: &str) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/{vhost}", self.port)
    }

    /// The AMQP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The MQTT port on 127.0.0.1, if the node speaks MQTT.
    pub fn mqtt_port(&self) -> Option<u16> {
        self.mqtt.as_ref().map(|mqtt| mqtt.port)
    }

    /// The address of the management API, with an account that may use it, if the node speaks MQTT.
    pub fn management_url(&self) -> Option<String> {
        self.mqtt.as_ref().map(|mqtt| format!("http://guest:guest@127.0.0.1:{}", mqtt.management_port))
    }

    /// Kills the node, as a power failure would.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill9().expect("the node can be killed");
        }
    }

    /// Starts the node on the files that it left, killing it first if it runs. Returns when it answers.
    pub async fn restart(&mut self) {
        self.spawn();
        self.wait_ready().await;
    }

    /// The same without waiting.
    pub fn spawn(&mut self) {
        self.kill9();
        let log = File::create(self.dir.join("output.log")).expect("the directory is ours");
        let errors = log.try_clone().expect("a file can be opened twice");
        let mut command = self.command("rabbitmq-server");
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        self.child = Some(SupervisedChild::spawn(command).expect("rabbitmq-server runs"));
    }

    /// Waits until the node answers.
    pub async fn wait_ready(&mut self) {
        let (port, mqtt_port, dir) = (self.port, self.mqtt_port(), self.dir.clone());
        let Some(child) = &mut self.child else { panic!("the node was not started") };
        wait_until(START_LIMIT, "RabbitMQ to answer", async || {
            if let Ok(Some(status)) = child.try_wait() {
                let output = fs::read_to_string(dir.join("output.log")).unwrap_or_default();
                panic!("RabbitMQ ended with {status}: {output}");
            }
            // The plugin's listener comes last.
            speaks_amqp(port).await && is_open(mqtt_port).await
        })
        .await;
    }

    /// Runs `rabbitmqctl` on the node and returns what it prints.
    pub async fn ctl(&self, args: &[&str]) -> String {
        let mut command = tokio::process::Command::from(self.command("rabbitmqctl"));
        command.args(["--quiet", "--node", &self.name]).args(args).stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(CTL_LIMIT, command.output()).await;
        let output = output.expect("rabbitmqctl answers").expect("rabbitmqctl runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "rabbitmqctl {args:?}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Closes every connection, as an operator would.
    pub async fn close_all_connections(&self) {
        self.ctl(&["close_all_connections", "closed by a test"]).await;
    }

    /// Raises or clears the memory alarm: while it is raised, the node takes no messages.
    pub async fn set_memory_alarm(&self, raised: bool) {
        let watermark = if raised { "0.000001" } else { "0.4" };
        self.ctl(&["set_vm_memory_high_watermark", watermark]).await;
    }

    fn command(&self, script: &str) -> Command {
        let path = Path::new(SCRIPTS).join(script);
        let mut command = if path.exists() { Command::new(path) } else { Command::new(script) };
        let file = |name: &str| self.dir.join(name);
        command
            .current_dir("/")
            // Nothing of the caller's may point to the machine's own node.
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            // The Erlang cookie is there.
            .env("HOME", &self.dir)
            .env("RABBITMQ_NODENAME", &self.name)
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_DIST_PORT", self.dist_port.to_string())
            .env("RABBITMQ_MNESIA_BASE", file("mnesia"))
            .env("RABBITMQ_LOG_BASE", file("log"))
            .env("RABBITMQ_PID_FILE", file("pid"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", file("enabled_plugins"))
            .env("RABBITMQ_CONFIG_FILE", file("rabbitmq.conf"))
            .env("RABBITMQ_CONFIG_FILES", file("conf.d"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", file("advanced.config"))
            .env("RABBITMQ_CONF_ENV_FILE", file("rabbitmq-env.conf"))
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_FLAGS", "-kernel inet_dist_use_interface {127,0,0,1}")
            .env("LANG", "C.UTF-8");
        command
    }
}

fn write_files(dir: &Path, mqtt: Option<&Mqtt>) {
    let write = |name: &str, text: &str| fs::write(dir.join(name), text).expect("the directory is ours");
    let (plugins, config) = match mqtt {
        Some(mqtt) => ("[rabbitmq_auth_backend_http,rabbitmq_management,rabbitmq_mqtt].\n", mqtt.config.as_str()),
        None => ("[].\n", ""),
    };
    write("enabled_plugins", plugins);
    write("rabbitmq.conf", &format!("log.file.level = warning\n{config}"));
    write("advanced.config", "[].\n");
    write("rabbitmq-env.conf", "");
    fs::create_dir(dir.join("conf.d")).expect("the directory is ours");
    // Erlang refuses a cookie that others may read.
    let cookie = fs::OpenOptions::new().write(true).create_new(true).mode(0o400).open(dir.join(".erlang.cookie"));
    let cookie = cookie.and_then(|mut file| write!(file, "DROVERTEST{}", std::process::id()));
    cookie.expect("the directory is ours");
}

async fn speaks_amqp(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else { return false };
    let mut first = [0];
    // A method frame: Connection.Start.
    stream.write_all(AMQP_HEADER).await.is_ok() && stream.read_exact(&mut first).await.is_ok() && first == [1]
}

async fn is_open(port: Option<u16>) -> bool {
    let Some(port) = port else { return true };
    TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}
