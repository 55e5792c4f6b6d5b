//! The running server.

use std::process::Child;

use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use crate::binaries::Binaries;
use crate::home::Home;
use crate::pidfile::Running;
use crate::start::{self, POLL};
use crate::{PgServerError, PgServerOptions, admin, initdb};

/// A private PostgreSQL server that takes connections.
///
/// Dropping it leaves the server running: after a crash of this process the next [`PgServer::ensure`] adopts it, with
/// nothing to recover. Call [`PgServer::stop`] to end it.
#[derive(Debug)]
pub struct PgServer {
    options: PgServerOptions,
    home: Home,
    running: Running,
    /// Our child, to be reaped; an adopted server is somebody else's.
    child: Option<Child>,
}

impl PgServer {
    /// Makes the server of the data directory run and its database exist: adopts, starts or creates, as needed.
    pub async fn ensure(options: PgServerOptions) -> Result<Self, PgServerError> {
        let home = Home::open(&options)?;
        let lock = home.lock(options.timeout).await?;
        let (running, child) = if let Some(found) = Running::find(&home.cluster()) {
            (start::adopt(&options, &home, found).await?, None)
        } else {
            let binaries = Binaries::find(&options, &home)?;
            initdb::ensure(&home, &binaries, options.is_volatile()).await?;
            let (running, child) = start::start(&options, &home, &binaries).await?;
            (running, Some(child))
        };
        let server = Self { options, home, running, child };
        admin::ensure_database(server.port(), &server.options.database).await?;
        drop(lock);
        Ok(server)
    }

    /// The URL of the server's database, for any PostgreSQL client.
    pub fn url(&self) -> String {
        self.url_of(&self.options.database)
    }

    /// The URL of another database of the server, whether it exists or not.
    pub fn url_of(&self, database: &str) -> String {
        admin::url(self.port(), database)
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.running.port
    }

    /// The process id of the server's parent process.
    pub fn pid(&self) -> i32 {
        self.running.pid
    }

    /// Whether this value started the server, rather than adopting one that ran.
    pub fn is_ours(&self) -> bool {
        self.child.is_some()
    }

    /// The cluster's directory, with `postmaster.pid` in it.
    pub fn cluster_dir(&self) -> std::path::PathBuf {
        self.home.cluster()
    }

    /// Ends the server and waits for it. Open connections are cut, open transactions are rolled back.
    pub async fn stop(&mut self) -> Result<(), PgServerError> {
        self.end(Signal::SIGINT).await
    }

    /// Kills the server as a power failure would, for tests of recovery. Its next start replays the log.
    pub async fn kill9(&mut self) -> Result<(), PgServerError> {
        self.end(Signal::SIGKILL).await
    }

    /// Stops the server when it runs, and starts it with the same settings and, when still free, on the same port.
    pub async fn restart(&mut self) -> Result<(), PgServerError> {
        self.stop().await?;
        let lock = self.home.lock(self.options.timeout).await?;
        let binaries = Binaries::find(&self.options, &self.home)?;
        let (running, child) = start::start(&self.options, &self.home, &binaries).await?;
        drop(lock);
        self.running = running;
        self.child = Some(child);
        Ok(())
    }

    async fn end(&mut self, signal: Signal) -> Result<(), PgServerError> {
        let cluster = self.home.cluster();
        // The number could belong to a stranger once the server is gone and reaped.
        if self.running.is_alive(&cluster) {
            self.running.signal(signal)?;
        }
        let deadline = Instant::now() + self.options.timeout;
        while !self.has_ended() {
            if Instant::now() >= deadline {
                let (waited, log) = (self.options.timeout, self.home.log());
                return Err(PgServerError::Timeout { what: "stop", waited, log });
            }
            sleep(POLL).await;
        }
        tracing::debug!(pid = self.running.pid, %signal, "PostgreSQL has ended");
        Ok(())
    }

    /// Reaps our child too, since nobody else would.
    fn has_ended(&mut self) -> bool {
        match &mut self.child {
            Some(child) => !matches!(child.try_wait(), Ok(None)),
            None => !self.running.is_alive(&self.home.cluster()),
        }
    }
}
