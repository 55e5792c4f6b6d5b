//! What a process has used, as Linux tells it.

use std::{fs, time::Duration};

use anyhow::Context;

/// The kernel's unit of CPU time in `/proc`, whatever its own tick: `USER_HZ`, which is part of its interface.
const TICKS_PER_S: u64 = 100;

/// What a process has used since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage {
    /// CPU time of all its threads, in user mode and in the kernel.
    pub(super) cpu: Duration,
    /// The most memory it ever had.
    pub(super) peak_rss_kib: u32,
}

impl Usage {
    /// What the process has used.
    pub(super) fn of(pid: u32) -> anyhow::Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{pid}/{file}");
            fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        Self::parse(&read("stat")?, &read("status")?)
            .with_context(|| format!("cannot read what process {pid} has used"))
    }

    fn parse(stat: &str, status: &str) -> Option<Self> {
        // The second field is the program's name in parentheses, which may hold spaces and parentheses itself.
        let (_, fields) = stat.rsplit_once(')')?;
        // utime and stime are the 14th and 15th; the 3rd is the first of these.
        let mut times = fields.split_ascii_whitespace().skip(11).map(str::parse::<u64>);
        let ticks = times.next()?.ok()? + times.next()?.ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let peak_rss_kib = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(Self { cpu: Duration::from_millis(ticks * 1000 / TICKS_PER_S), peak_rss_kib })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_have_any_name() {
        let stat = "4711 (a) b (c) S 1 4711 4711 0 -1 4194560 5000 0 0 0 250 75 0 0 20 0 5 0 100 1 2 3";
        let status = "Name:\ta) b (c\nVmPeak:\t  900 kB\nVmHWM:\t   62000 kB\nVmRSS:\t 100 kB\n";
        let usage = Usage { cpu: Duration::from_millis(3250), peak_rss_kib: 62_000 };
        assert_eq!(Usage::parse(stat, status), Some(usage));
        assert_eq!(Usage::parse("4711 (x) Z 1", status), None);
        assert_eq!(Usage::parse(stat, "Name:\tx\n"), None);
    }

    #[test]
    fn this_process_has_used_something() {
        assert!(Usage::of(std::process::id()).unwrap().peak_rss_kib > 0);
    }
}
