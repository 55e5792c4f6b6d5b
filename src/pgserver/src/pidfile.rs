//! `postmaster.pid`: whether a server runs on a cluster, and where it listens.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::PgServerError;

/// A server that is running on a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Running {
    /// The postmaster's process id.
    pub(crate) pid: i32,
    /// The TCP port, 0 while the server has not said it yet.
    pub(crate) port: u16,
}

impl Running {
    /// The server on `cluster`, when its pid file names a process that is one.
    pub(crate) fn find(cluster: &Path) -> Option<Self> {
        let found = parse(&fs::read_to_string(path(cluster)).ok()?)?;
        is_postmaster(found.pid, cluster).then_some(found)
    }

    /// Whether the server is still there.
    pub(crate) fn is_alive(self, cluster: &Path) -> bool {
        is_postmaster(self.pid, cluster)
    }

    /// Sends a signal; a process that has gone meanwhile is fine.
    pub(crate) fn signal(self, signal: Signal) -> Result<(), PgServerError> {
        match kill(Pid::from_raw(self.pid), signal) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(source) => Err(PgServerError::Signal { pid: self.pid, source }),
        }
    }
}

/// Removes the pid file of a server that is gone.
///
/// PostgreSQL does so itself unless the number belongs to another process by now, which after a restart of the
/// machine or in a container is likely: then it would refuse to start.
pub(crate) fn remove_stale(cluster: &Path) -> Result<(), PgServerError> {
    let path = path(cluster);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(PgServerError::Io { what: "remove", path, source: error })
        }
        _ => Ok(()),
    }
}

fn path(cluster: &Path) -> PathBuf {
    cluster.join("postmaster.pid")
}

/// Line 1 is the process, line 4 the port; a file that is being written may end before that.
fn parse(text: &str) -> Option<Running> {
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 0)?;
    let port = lines.nth(2).and_then(|line| line.trim().parse().ok()).unwrap_or(0);
    Some(Running { pid, port })
}

/// A postmaster works in its cluster's directory, which tells it from a stranger that has inherited its number.
fn is_postmaster(pid: i32, cluster: &Path) -> bool {
    match fs::read_link(format!("/proc/{pid}/cwd")) {
        Ok(folder) => folder == cluster,
        // We may not look (hardened /proc), or there is no /proc: believe the signal.
        Err(error) if error.kind() == ErrorKind::PermissionDenied || !Path::new("/proc/self").exists() => {
            kill(Pid::from_raw(pid), None).is_ok()
        }
        // No such process, or one that has ended and waits to be reaped.
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_process_and_port() {
        let text = "4711\n/data\n1700000000\n5433\n\n127.0.0.1\n  123  456\nready   \n";
        assert_eq!(parse(text), Some(Running { pid: 4711, port: 5433 }));
        assert_eq!(parse("4711\n/data\n"), Some(Running { pid: 4711, port: 0 }), "half written");
        assert_eq!(parse(""), None);
        assert_eq!(parse("-1\n"), None, "would signal every process");
    }

    #[test]
    fn a_stranger_is_no_postmaster() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(!is_postmaster(own, Path::new("/nowhere")));
    }
}
