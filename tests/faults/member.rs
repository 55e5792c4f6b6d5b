//! A role as a process of its own, behind a proxy to the database and one to the broker.

use std::fs;

use drover_testkit::{Line, Proxy, free_port};
use drover_workers::Role;

use crate::support::{Drover, Setup};

/// Starts `drover` so that a file that may not grow is an error to it, as a full disk is, and not its end.
const LAUNCHER: [&str; 3] = ["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""];

/// A role and its process.
pub(crate) struct Member {
    pub(crate) role: Role,
    pub(crate) process: Drover,
    pub(crate) database: Proxy,
    pub(crate) broker: Proxy,
    port: u16,
    setup: Setup,
}

/// Where the servers are, and what every process is told.
pub(crate) struct Surroundings<'a> {
    pub(crate) database_url: &'a str,
    pub(crate) database_port: u16,
    pub(crate) broker_url: &'a str,
    pub(crate) broker_port: u16,
    pub(crate) settings: &'a [(&'a str, String)],
}

impl Member {
    /// Starts the role's process on that port. Waits for nothing.
    pub(crate) async fn start(role: Role, port: u16, surroundings: &Surroundings<'_>) -> Self {
        let Surroundings { database_url, database_port, broker_url, broker_port, settings } = *surroundings;
        let (database, broker) = (Proxy::to(database_port).await, Proxy::to(broker_port).await);
        let by = |url: &str, from: u16, to: u16| url.replace(&format!(":{from}/"), &format!(":{to}/"));
        let database_url = by(database_url, database_port, database.port());
        let broker_url = by(broker_url, broker_port, broker.port());
        let setup = settings
            .iter()
            .fold(Setup::new(&database_url, Some(&broker_url)), |setup, (key, value)| setup.with(key, value));
        let setup = setup.started_by(&LAUNCHER);
        let process = setup.spawn_at(port, &["serve", "--roles", role.as_str()]);
        Self { role, process, database, broker, port, setup }
    }

    /// The port for a role whose address nobody has to know beforehand.
    pub(crate) fn any_port() -> u16 {
        free_port()
    }

    /// Kills the process, as a power failure would.
    pub(crate) fn kill(&mut self) {
        self.process.child.kill9().unwrap();
    }

    /// Starts a process in the place of one that ended, or that is killed for it, with settings that only it has.
    pub(crate) fn start_again(&mut self, settings: &[(&str, &str)]) {
        self.kill();
        let setup = settings.iter().fold(self.setup.clone(), |setup, (key, value)| setup.with(key, value));
        self.process = setup.spawn_at(self.port, &["serve", "--roles", self.role.as_str()]);
    }

    /// Changes both lines.
    pub(crate) fn set_lines(&self, line: Line) {
        self.database.set(line);
        self.broker.set(line);
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.child.pid()
    }

    /// Memory in use, in MiB.
    pub(crate) fn memory_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
    }

    /// The last lines of its log.
    pub(crate) fn last_words(&self, lines: usize) -> String {
        let log = self.process.log();
        let all: Vec<&str> = log.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}
