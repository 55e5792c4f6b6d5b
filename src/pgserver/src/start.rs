//! Starting the server of a cluster, or joining one that runs.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::binaries::Binaries;
use crate::home::Home;
use crate::pidfile::{self, Running};
use crate::{PgServerError, PgServerOptions, admin, files, port};

/// How often the server is asked whether it has started or ended.
pub(crate) const POLL: Duration = Duration::from_millis(10);
/// Lines of the server's log that an error shows.
const SHOWN: usize = 12;

/// Waits until a server that somebody else has started takes connections.
pub(crate) async fn adopt(options: &PgServerOptions, home: &Home, found: Running) -> Result<Running, PgServerError> {
    let deadline = Instant::now() + options.timeout;
    let mut now = found;
    while now.port == 0 || !admin::is_ready(now.port).await {
        if Instant::now() >= deadline {
            return Err(timeout(options, home));
        }
        sleep(POLL).await;
        let Some(found) = Running::find(&home.cluster()) else {
            return Err(PgServerError::Start { log: home.log(), tail: files::tail(&home.log(), SHOWN) });
        };
        now = found;
    }
    tracing::info!(pid = now.pid, port = now.port, "adopted the PostgreSQL of an earlier run");
    Ok(now)
}

/// Starts the server and waits until it takes connections.
///
/// Two failures pass by themselves and are tried again: somebody took the port between our look and the server's,
/// and the children of a killed server have not all noticed yet.
pub(crate) async fn start(
    options: &PgServerOptions,
    home: &Home,
    binaries: &Binaries,
) -> Result<(Running, Child), PgServerError> {
    let deadline = Instant::now() + options.timeout;
    pidfile::remove_stale(&home.cluster())?;
    loop {
        let port = port::pick(options, home)?;
        let mut child = spawn(options, home, binaries, port)?;
        if wait_ready(&mut child, port, deadline).await {
            port::remember(home, port)?;
            let running = Running { pid: child.id().cast_signed(), port };
            tracing::info!(pid = running.pid, port, "started PostgreSQL");
            return Ok((running, child));
        }
        let ended = !matches!(child.try_wait(), Ok(None));
        let tail = files::tail(&home.log(), SHOWN);
        if Instant::now() >= deadline {
            // Its log says how far it came; nobody would stop it later.
            let _ = child.kill().and_then(|()| child.wait());
            return Err(timeout(options, home));
        }
        let passing = ["Address already in use", "still in use"].iter().any(|sign| tail.contains(sign));
        if ended && !passing {
            return Err(PgServerError::Start { log: home.log(), tail });
        }
        sleep(POLL).await;
    }
}

/// Settings go on the command line: nothing of one run stays in the cluster's files for the next.
fn spawn(options: &PgServerOptions, home: &Home, binaries: &Binaries, port: u16) -> Result<Child, PgServerError> {
    let log = home.log();
    let open = OpenOptions::new().create(true).write(true).truncate(true).open(&log);
    let out = open.map_err(PgServerError::io("write", &log))?;
    let err = out.try_clone().map_err(PgServerError::io("write", &log))?;
    let program = binaries.postgres();
    let mut command = home.account().command(&program);
    command.arg("-D").arg(home.cluster());
    let ours = [("listen_addresses", "127.0.0.1"), ("unix_socket_directories", ""), ("timezone", "UTC")];
    for (name, value) in ours {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    command.arg("-c").arg(format!("port={port}"));
    for (name, value) in &options.settings {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    // A process group of its own: Ctrl-C in our terminal is ours to handle, the server ends after us.
    command.process_group(0).stdin(Stdio::null()).stdout(out).stderr(err);
    command.spawn().map_err(PgServerError::io("run", &program))
}

/// True once the server answers, false when it has ended or the time is over.
async fn wait_ready(child: &mut Child, port: u16, deadline: Instant) -> bool {
    while Instant::now() < deadline {
        if !matches!(child.try_wait(), Ok(None)) {
            return false;
        }
        if admin::is_ready(port).await {
            return true;
        }
        sleep(POLL).await;
    }
    false
}

fn timeout(options: &PgServerOptions, home: &Home) -> PgServerError {
    PgServerError::Timeout { what: "start", waited: options.timeout, log: home.log() }
}
