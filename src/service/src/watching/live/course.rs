//! What readings tell beside each other: how fast jobs move, how their commands ended lately, since when they stand still.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use drover_domain::{CommandState, JobId, StateCounts};
use drover_store::watching::live::LiveJob;
use tokio::time::Instant;

/// Rates are differences over at least this, so that they do not jump with every batch.
const SPACING: Duration = Duration::from_secs(3);
/// How far back outcomes are compared.
const MEMORY: Duration = Duration::from_mins(1);

/// How a job moves.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Motion {
    pub(super) sent_per_s: f64,
    pub(super) finished_per_s: f64,
    /// How commands ended in the last minute.
    pub(super) ended_lately: StateCounts,
    /// For how long, at least, nothing has moved.
    pub(super) still: Duration,
}

/// The readings of the last minute, some seconds apart, and since when each job stands where it stands.
#[derive(Default)]
pub(super) struct Course {
    readings: VecDeque<(Instant, HashMap<JobId, StateCounts>)>,
    standing: HashMap<JobId, (StateCounts, Instant)>,
}

impl Course {
    /// Takes a reading in, and returns how each of its jobs moves.
    pub(super) fn take(&mut self, now: Instant, jobs: &[LiveJob]) -> Vec<Motion> {
        let counts: HashMap<JobId, StateCounts> = jobs.iter().map(|job| (job.id, job.counts)).collect();
        self.standing.retain(|job, _| counts.contains_key(job));
        for (job, counts) in &counts {
            let standing = self.standing.entry(*job).or_insert((*counts, now));
            if standing.0 != *counts {
                *standing = (*counts, now);
            }
        }
        // One older than the memory is kept to compare with, unless nobody has looked for long.
        while self.readings.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= MEMORY)
            || self.readings.front().is_some_and(|(at, _)| now.duration_since(*at) >= MEMORY * 2)
        {
            self.readings.pop_front();
        }
        let motions = jobs.iter().map(|job| self.motion(now, job)).collect();
        if self.readings.back().is_none_or(|(at, _)| now.duration_since(*at) >= SPACING) {
            self.readings.push_back((now, counts));
        }
        motions
    }

    fn motion(&self, now: Instant, job: &LiveJob) -> Motion {
        let still = self.standing.get(&job.id).map_or(Duration::ZERO, |(_, since)| now.duration_since(*since));
        let old_enough = |at: Instant| now.duration_since(at) >= SPACING;
        let mut motion = Motion { still, ..Motion::default() };
        let known = || self.readings.iter().filter_map(|(at, counts)| Some((*at, counts.get(&job.id)?)));
        let before = known().rev().find(|(at, _)| old_enough(*at)).or_else(|| known().next());
        if let Some((at, before)) = before {
            let seconds = now.duration_since(at).as_secs_f64().max(0.001);
            motion.sent_per_s = exact(gone_out(before, &job.counts)) / seconds;
            motion.finished_per_s = exact(ended(before, &job.counts).total()) / seconds;
        }
        if let Some((_, first)) = known().next() {
            motion.ended_lately = ended(first, &job.counts);
        }
        motion
    }
}

/// Commands that ended between two readings, by how. What is tried again is taken from where it had ended, so each state
/// counts by itself.
fn ended(before: &StateCounts, after: &StateCounts) -> StateCounts {
    let terminal = CommandState::ALL.into_iter().filter(|state| state.is_terminal());
    terminal.map(|state| (state, (after.of(state) - before.of(state)).max(0))).collect()
}

/// Commands that went out between two readings: those that are with their devices, or ended there. What comes back for
/// another attempt hides as many; the tallies do not tell more.
fn gone_out(before: &StateCounts, after: &StateCounts) -> i64 {
    let out = |counts: &StateCounts| {
        let answered = [CommandState::Succeeded, CommandState::Failed, CommandState::Rejected, CommandState::TimedOut];
        counts.under_way() + answered.into_iter().map(|state| counts.of(state)).sum::<i64>()
    };
    (out(after) - out(before)).max(0)
}

/// Counts of commands are far below 2^52.
#[allow(clippy::cast_precision_loss)]
fn exact(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use drover_domain::{JobKind, JobState, TenantId};

    use super::*;

    fn job(counts: &[(CommandState, i64)]) -> LiveJob {
        LiveJob {
            id: JobId(1),
            tenant: TenantId(1),
            path: None,
            kind: JobKind::Firmware,
            name: "j".into(),
            state: JobState::Running,
            start_at: None,
            started_at: None,
            expires_at: None,
            finished_at: None,
            counts: counts.iter().copied().collect(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn rates_and_outcomes_are_differences_and_a_job_that_moves_is_not_still() {
        use CommandState as S;
        let mut course = Course::default();
        let began = Instant::now();
        let at = |s: u64| began + Duration::from_secs(s);
        let mut take = |s: u64, counts: &[(S, i64)]| course.take(at(s), &[job(counts)])[0];
        assert_eq!(take(0, &[(S::Queued, 100)]), Motion::default());
        let first = take(2, &[(S::Queued, 60), (S::Sent, 30), (S::Succeeded, 10)]);
        assert_eq!((first.sent_per_s, first.finished_per_s), (20.0, 5.0), "over what there is");
        take(4, &[(S::Queued, 60), (S::Sent, 30), (S::Succeeded, 10)]);
        let third = take(7, &[(S::Queued, 60), (S::Sent, 0), (S::Succeeded, 37), (S::Failed, 3)]);
        assert_eq!((third.sent_per_s, third.finished_per_s), (0.0, 10.0), "over the last three seconds");
        assert_eq!((third.ended_lately.of(S::Succeeded), third.ended_lately.of(S::Failed)), (37, 3));
        assert_eq!(third.still, Duration::ZERO);
        // All that failed is tried again: nothing ended, and what ended well did.
        let retried = take(20, &[(S::Queued, 63), (S::Succeeded, 37)]);
        assert_eq!((retried.sent_per_s, retried.finished_per_s), (0.0, 0.0));
        assert_eq!(take(100, &[(S::Queued, 63), (S::Succeeded, 37)]).still, Duration::from_secs(80));
        let later = take(161, &[(S::Queued, 63), (S::Succeeded, 37)]);
        assert_eq!(later.ended_lately.total(), 0, "the last minute is quiet");
    }
}
