//! Starts `drover` processes that end with the test.

mod campaign;

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};

use drover_testkit::{SupervisedChild, free_port, wait_until};
use nix::sys::signal::Signal;
use tempfile::TempDir;

pub(crate) use campaign::{Campaign, Office, Plan, Policy};

/// The command under test.
pub(crate) const DROVER: &str = env!("CARGO_BIN_EXE_drover");
/// How long a start, a stop or a recovery may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Every role but the ingress.
pub(crate) const WORKER_ROLES: &str = "plan,dispatch,ingest,timekeep,relay";

/// A client for HTTP. Each of its calls has a connection of its own: one that was kept may be closed by the server in the moment
/// in which it is used again, on a busy machine.
pub(crate) fn http() -> reqwest::Client {
    // Ours alone in this process; a second time is no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap()
}

/// One installation: a database, perhaps a broker, a data folder, and settings that all its processes share.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) data: Arc<TempDir>,
    env: Vec<(String, String)>,
    launcher: Vec<String>,
}

impl Setup {
    /// On a database, with RabbitMQ at `amqp_url` or else the in-process broker.
    pub(crate) fn new(database_url: &str, amqp_url: Option<&str>) -> Self {
        let mut env = vec![("DATABASE_URL".to_owned(), database_url.to_owned())];
        env.extend(amqp_url.map(|url| ("AMQP_URL".to_owned(), url.to_owned())));
        Self { data: Arc::new(tempfile::tempdir().unwrap()), env, launcher: Vec::new() }
    }

    /// The same with a configuration key set for every process, such as `DROVER_WORKERS__TICK_MS`.
    #[allow(clippy::needless_pass_by_value)]
    pub(crate) fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.env.push((key.to_owned(), value.to_string()));
        self
    }

    /// The same with a program that starts `drover`: it is given the path and the arguments.
    #[allow(dead_code)] // the fault harness does
    pub(crate) fn started_by(mut self, launcher: &[&str]) -> Self {
        self.launcher = launcher.iter().map(ToString::to_string).collect();
        self
    }

    #[allow(clippy::disallowed_methods)]
    fn command(&self, args: &[&str]) -> Command {
        let mut words = self.launcher.iter().map(String::as_str).chain([DROVER]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words);
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

    /// Runs a command that reads `input`.
    #[allow(dead_code)] // the fault harness does not
    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Output {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
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
        self.spawn_at(free_port(), args)
    }

    /// The same on a given port, one that others were told before. The log of a process that it takes the place of goes on.
    pub(crate) fn spawn_at(&self, port: u16, args: &[&str]) -> Drover {
        let log = self.data.path().join(format!("drover-{port}.log"));
        let mut command = self.command(args);
        command.arg("--listen").arg(format!("127.0.0.1:{port}")).stdin(Stdio::null());
        let file = fs::File::options().create(true).append(true).open(&log).unwrap();
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
