//! What must hold after every fault.

use std::{path::Path, time::Duration};

use drover_testkit::{wait_for, wait_until};
use tokio::time::Instant;

use crate::{
    ledger::Ledger,
    matrix::{Attempts, Row},
    world::World,
};

/// Everything works again and is done within this time after a fault's end.
const RECOVERED_WITHIN: Duration = Duration::from_mins(1);
/// No process takes more, in MiB; these are debug builds.
const MEMORY_MAX_MIB: u64 = 160;
/// What a process may take on top of what it took when it was first looked at.
const MEMORY_GROWTH_MIB: u64 = 48;

impl World {
    /// Waits until every job has ended and nothing is left to do. Returns how long after `ended` that was.
    pub(crate) async fn recover(&mut self, ended: Instant) -> Duration {
        let left = || RECOVERED_WITHIN.saturating_sub(ended.elapsed());
        wait_until(left(), "every job to end after the fault", async || {
            self.rows.count("SELECT count(*) FROM jobs WHERE state = 'running'", &[]).await == 0
        })
        .await;
        wait_until(left(), "the outbox to empty after the fault", async || {
            self.rows.count("SELECT count(*) FROM outbox", &[]).await == 0
        })
        .await;
        for member in self.members.values_mut() {
            let what = format!("{} to be ready after the fault", member.role);
            wait_until(left(), &what, async || {
                assert!(member.process.child.try_wait().unwrap().is_none(), "{} ended", member.role);
                member.process.readiness().await == Some(200)
            })
            .await;
        }
        assert!(self.fleet.child.try_wait().unwrap().is_none(), "the fleet ended");
        ended.elapsed()
    }

    /// Asserts what must hold of the rows that a round left: the jobs from `first` on.
    pub(crate) async fn hold(&mut self, row: &Row, ledger: &Ledger, first: i64) {
        self.oracle_is_content();
        self.every_answer_has_its_row(ledger).await;
        self.every_command_succeeded_once(row, first).await;
        self.every_firmware_has_its_file().await;
        self.memory_is_bounded();
        assert!(ledger.wrong.is_empty(), "answers that no fault excuses: {:#?}", ledger.wrong);
        assert!(ledger.accepted > 0, "nobody could do anything: {ledger:?}");
    }

    fn oracle_is_content(&self) {
        let verdict = self.operator.run(&["check"]);
        let printed = String::from_utf8_lossy(&verdict.stdout);
        assert!(verdict.status.success() && printed.starts_with("clean"), "drover check: {printed}");
    }

    /// No 2xx without a row.
    async fn every_answer_has_its_row(&self, ledger: &Ledger) {
        for deed in &ledger.deeds {
            let sql = "SELECT count(*) FROM commands c JOIN devices d ON d.id = c.device_id
                WHERE c.job_id = $1 AND d.uuid = ANY($2) AND c.state = 'succeeded'";
            let found = self.rows.count(sql, &[&deed.job, &deed.devices]).await;
            assert_eq!(usize::try_from(found).unwrap(), deed.devices.len(), "{deed:?}");
        }
        for stored in &ledger.stored {
            let sql = "SELECT count(*) FROM firmwares WHERE id = $1 AND sha256 = $2";
            assert_eq!(self.rows.count(sql, &[&stored.firmware, &stored.sha256]).await, 1, "{stored:?}");
        }
    }

    /// Nothing lost, nothing twice.
    async fn every_command_succeeded_once(&self, row: &Row, first: i64) {
        let odd = "SELECT count(*) FROM commands WHERE job_id >= $1 AND state <> 'succeeded'";
        assert_eq!(self.rows.count(odd, &[&first]).await, 0, "commands that did not succeed");
        let wins = "SELECT count(*) FROM (SELECT FROM outcomes WHERE job_id >= $1 AND outcome = 'succeeded'
            GROUP BY job_id, device_id HAVING count(*) > 1) twice";
        assert_eq!(self.rows.count(wins, &[&first]).await, 0, "commands that succeeded twice");
        if row.attempts == Attempts::One {
            let again = "SELECT count(*) FROM commands WHERE job_id >= $1 AND attempt > 1";
            assert_eq!(self.rows.count(again, &[&first]).await, 0, "commands that took a second attempt");
        }
    }

    /// A row that names a file that is gone would promise what no device can download.
    async fn every_firmware_has_its_file(&self) {
        let files = self.operator.data.path().join("files");
        for firmware in self.rows.query("SELECT object_path, size_bytes FROM firmwares", &[]).await {
            let path: &Path = &files.join(firmware.get::<_, String>(0));
            let size = path.metadata().map(|found| found.len()).ok();
            assert_eq!(size, u64::try_from(firmware.get::<_, i64>(1)).ok(), "{}", path.display());
        }
    }

    fn memory_is_bounded(&mut self) {
        for member in self.members.values() {
            let now = member.memory_mib();
            let before = *self.memory_mib.entry(member.pid()).or_insert(now);
            assert!(now <= MEMORY_MAX_MIB, "{} takes {now} MiB", member.role);
            assert!(now <= before + MEMORY_GROWTH_MIB, "{} grew from {before} to {now} MiB", member.role);
        }
    }

    /// The id that the next job cannot be below.
    pub(crate) async fn next_job(&self) -> i64 {
        wait_for(RECOVERED_WITHIN, "the database", async || {
            let found = self.rows.try_query("SELECT COALESCE(max(id), 0) + 1 FROM jobs", &[]).await?;
            Some(found[0].get(0))
        })
        .await
    }
}
