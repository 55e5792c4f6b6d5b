//! The process that is measured: a `drover serve` of its own.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::client::http_client;

/// Time for the process to be ready.
const READY_LIMIT: Duration = Duration::from_mins(1);
/// Time for one look whether it is.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest pause between two looks.
const LOOK_PAUSE_MAX: Duration = Duration::from_secs(1);
/// Time for the process to drain before it is killed.
const END_LIMIT: Duration = Duration::from_secs(30);

/// The process. Dropped before its end, it is killed.
pub(super) struct Worker {
    /// Where to find it.
    pub(super) place: Place,
    child: Child,
}

/// Where to find the process.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Where it answers.
    pub(super) base_url: String,
    /// The same as an address.
    pub(super) address: SocketAddr,
    /// Its id.
    pub(super) pid: u32,
}

impl Worker {
    /// Starts it on a free port, in these roles, with this process's environment.
    pub(super) fn start(data_dir: &Path, roles: &str) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program does not know where it is")?;
        // Free a moment ago; should somebody else have taken it, the process says so and ends.
        let listen = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let child = Command::new(&program)
            .args(["serve", "--roles", roles, "--log", "warn", "--listen", &listen.to_string(), "--data"])
            .arg(data_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let pid = child.id().context("the worker process ended at once")?;
        Ok(Self { place: Place { base_url: format!("http://{listen}"), address: listen, pid }, child })
    }

    /// Completes when the process ends although nobody asked it to.
    pub(super) async fn ended(&mut self) -> anyhow::Error {
        match self.child.wait().await {
            Ok(status) => anyhow!("the worker process ended: {status}"),
            Err(error) => anyhow!(error).context("the worker process cannot be waited for"),
        }
    }

    /// Asks the process to end, and makes it end when it does not.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        let Self { place, mut child } = self;
        if child.try_wait()?.is_none() {
            // It was not waited for yet, so its id is nobody else's.
            kill(Pid::from_raw(place.pid.cast_signed()), Signal::SIGTERM).context("cannot end the worker process")?;
        }
        if let Ok(status) = timeout(END_LIMIT, child.wait()).await {
            let status = status?;
            anyhow::ensure!(status.success(), "the worker process ended with {status}");
            return Ok(());
        }
        child.kill().await.context("cannot kill the worker process")?;
        bail!("the worker process did not end within {END_LIMIT:?} and was killed")
    }
}

impl Place {
    /// Waits until the process has everything it depends on.
    pub(super) async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let http = http_client().timeout(LOOK_TIMEOUT).build()?;
        let url = format!("{}/readyz", self.base_url);
        let (given_up, mut pause) = (Instant::now() + READY_LIMIT, Duration::from_millis(50));
        loop {
            let problem = match http.get(&url).send().await {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) => response.text().await.unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            if Instant::now() >= given_up {
                bail!("the worker process was not ready within {READY_LIMIT:?}: {problem}");
            }
            sleep(pause.mul_f64(rand::random_range(0.5..=1.0))).await;
            pause = (pause * 2).min(LOOK_PAUSE_MAX);
        }
    }
}
