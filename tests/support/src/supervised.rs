//! Children that do not outlive the test process, not even one that is killed with SIGKILL.
//!
//! A shell in a process group of its own waits for its standard input to close. The write end is in the test process
//! alone, so the kernel closes it whichever way that process ends, and the shell then cleans up.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// A shell script that runs once this process has ended, or once the watchdog is dropped.
#[derive(Debug)]
pub struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// Arms `script`, which sees `args` as `$1`, `$2` and so on. Its output goes nowhere, it runs in `/`.
    pub fn spawn(script: &str, args: &[&OsStr]) -> io::Result<Self> {
        Self::spawn_shell(&format!("cat >/dev/null\n{script}"), args)
    }

    fn spawn_shell(script: &str, args: &[&OsStr]) -> io::Result<Self> {
        let shell = Command::new("sh")
            .arg("-c")
            .arg(script)
            .arg("watchdog")
            .args(args)
            .current_dir("/")
            // Whatever is aimed at the test's process group, Ctrl-C or a runner's timeout, must not hit this one.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { shell })
    }

    fn tell(&mut self, line: &str) -> io::Result<()> {
        match &mut self.shell.stdin {
            Some(stdin) => writeln!(stdin, "{line}"),
            None => Ok(()),
        }
    }
}

impl Drop for Watchdog {
    /// Lets the script run to its end, so that what it removes is gone when the test goes on.
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// A child with all its descendants, unless they leave its process group: it dies when this value is dropped or this
/// process ends.
#[derive(Debug)]
pub struct SupervisedChild {
    child: Child,
    watchdog: Watchdog,
}

impl SupervisedChild {
    /// Starts `command` in a process group of its own. Give it files or null for its output: a pipe of the test
    /// runner that it holds open would look like a leak.
    pub fn spawn(command: Command) -> io::Result<Self> {
        Self::spawn_then(command, "", &[])
    }

    /// The same, and when the child is gone `cleanup` runs in a shell, with `args` as `$1`, `$2` and so on.
    pub fn spawn_then(mut command: Command, cleanup: &str, args: &[&OsStr]) -> io::Result<Self> {
        // First line: the group to kill. A second one: it is dead already, and its number may be another's.
        let script =
            format!("read -r group || exit 0\nread -r ended || kill -KILL -- \"-$group\"\ncat >/dev/null\n{cleanup}");
        let mut watchdog = Watchdog::spawn_shell(&script, args)?;
        let child = command.process_group(0).spawn()?;
        watchdog.tell(&child.id().to_string())?;
        Ok(Self { child, watchdog })
    }

    /// The process id, which is the process group's too.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How the child ended, when it has.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Sends a signal to the whole group; one that has ended is fine.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        match killpg(Pid::from_raw(self.child.id().cast_signed()), signal) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Kills the group and waits for the child.
    pub fn kill9(&mut self) -> io::Result<ExitStatus> {
        // Only reaping frees the number, and only this method reaps a child that still runs.
        self.signal(Signal::SIGKILL)?;
        let status = self.child.wait()?;
        self.watchdog.tell("ended")?;
        Ok(status)
    }
}

impl Drop for SupervisedChild {
    fn drop(&mut self) {
        let _ = self.kill9();
    }
}
