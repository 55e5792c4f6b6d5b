//! What an operator must look at, by rule.

use std::time::Duration;

use crate::{JobId, JobState};

/// A process whose last word is older than this is not counted among those at work.
pub const BEAT_MAX: Duration = Duration::from_secs(30);
/// A message that waits longer than this in the outbox is waiting for more than its turn.
const OUTBOX_MAX: Duration = Duration::from_secs(30);
/// Figures of the broker that are older than this are not figures of now.
const SAMPLE_MAX: Duration = Duration::from_mins(1);
/// A job of which nothing has moved for longer than this has something in its way: devices that are away, or worse.
const STILL_MAX: Duration = Duration::from_mins(15);

/// The roles without which commands do not come to their end.
pub const NEEDED_ROLES: [&str; 5] = ["plan", "dispatch", "ingest", "timekeep", "relay"];

/// What an operator must look at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Alarm {
    /// The figures are old: the database does not answer.
    DatabaseAway,
    /// Nobody with this role is at work.
    RoleAbsent(&'static str),
    /// Messages wait in a queue that nobody takes from, though nobody has paused it.
    QueueWithoutConsumer {
        /// The queue.
        queue: String,
        /// Messages that wait.
        ready: u64,
    },
    /// Messages wait to be handed to the broker for too long.
    OutboxOld {
        /// How many.
        messages: u64,
        /// The age of the oldest in seconds.
        oldest_s: u64,
    },
    /// Messages were given up.
    DeadLetters {
        /// The queue.
        queue: String,
        /// How many.
        count: u64,
    },
    /// A queue was paused, and somebody must remember it.
    QueuePaused(String),
    /// Nobody has said for a while how the queues stand: the broker is away, or every relay.
    QueuesUnseen,
    /// Nothing of a running job has moved for long.
    JobStill {
        /// The job.
        job: JobId,
        /// For how many seconds at least.
        still_s: u64,
        /// Its commands that have not ended.
        open: u64,
    },
}

impl Alarm {
    /// Whether something stands still or is lost unless somebody acts; the others may be as they should.
    pub const fn is_urgent(&self) -> bool {
        !matches!(self, Self::QueuePaused(_) | Self::QueuesUnseen | Self::JobStill { .. })
    }

    /// The job that it is about; the others are about the installation.
    pub const fn job(&self) -> Option<JobId> {
        match self {
            Self::JobStill { job, .. } => Some(*job),
            _ => None,
        }
    }
}

/// A queue, as it was seen last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueView {
    /// Its name.
    pub name: String,
    /// Whether its workers were told to take nothing.
    pub is_paused: bool,
    /// Messages that wait; `None`: not known.
    pub ready: Option<u64>,
    /// Workers that take from it; `None`: not known.
    pub consumers: Option<u64>,
    /// Messages that were given up, at the broker and taken from there.
    pub dead: u64,
    /// How long ago that was; `None`: never.
    pub age: Option<Duration>,
}

/// A process, by its own word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkerView {
    /// Its roles, by name.
    pub roles: Vec<String>,
    /// How long ago it gave its last word.
    pub age: Duration,
    /// Whether it takes no more work.
    pub is_drained: bool,
}

/// A job, and since when its commands have stood where they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobView {
    /// The job.
    pub id: JobId,
    /// Where it stands.
    pub state: JobState,
    /// Its commands that have not ended.
    pub open: u64,
    /// For how long at least nothing of it has moved.
    pub still: Duration,
}

/// What the rule looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signs {
    /// Whether the rest is of now.
    pub is_database_away: bool,
    /// The queues.
    pub queues: Vec<QueueView>,
    /// The processes.
    pub workers: Vec<WorkerView>,
    /// Messages in the outbox, and the age of the oldest.
    pub outbox: (u64, Duration),
    /// The jobs that have not ended.
    pub jobs: Vec<JobView>,
}

/// Everything that an operator must look at, the urgent first.
pub fn alarms(signs: &Signs) -> Vec<Alarm> {
    let mut found = Vec::new();
    if signs.is_database_away {
        found.push(Alarm::DatabaseAway);
    }
    let is_at_work = |worker: &&WorkerView| worker.age <= BEAT_MAX && !worker.is_drained;
    let has = |role: &str| signs.workers.iter().filter(is_at_work).any(|worker| worker.roles.iter().any(|r| r == role));
    found.extend(NEEDED_ROLES.into_iter().filter(|role| !has(role)).map(Alarm::RoleAbsent));
    for queue in &signs.queues {
        let is_fresh = queue.age.is_some_and(|age| age <= SAMPLE_MAX);
        if is_fresh
            && !queue.is_paused
            && queue.consumers == Some(0)
            && let Some(ready @ 1..) = queue.ready
        {
            found.push(Alarm::QueueWithoutConsumer { queue: queue.name.clone(), ready });
        }
        if queue.dead > 0 {
            found.push(Alarm::DeadLetters { queue: queue.name.clone(), count: queue.dead });
        }
        if queue.is_paused {
            found.push(Alarm::QueuePaused(queue.name.clone()));
        }
    }
    let (messages, age) = signs.outbox;
    if messages > 0 && age > OUTBOX_MAX {
        found.push(Alarm::OutboxOld { messages, oldest_s: age.as_secs() });
    }
    if !signs.queues.is_empty() && signs.queues.iter().all(|queue| queue.age.is_none_or(|age| age > SAMPLE_MAX)) {
        found.push(Alarm::QueuesUnseen);
    }
    for job in &signs.jobs {
        if job.state == JobState::Running && job.open > 0 && job.still > STILL_MAX {
            found.push(Alarm::JobStill { job: job.id, still_s: job.still.as_secs(), open: job.open });
        }
    }
    // The order of the variants is that of their weight.
    found.sort_by_cached_key(|alarm| (!alarm.is_urgent(), alarm.clone()));
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at_work() -> WorkerView {
        let roles = NEEDED_ROLES.map(str::to_owned).to_vec();
        WorkerView { roles, age: Duration::from_secs(5), is_drained: false }
    }

    fn queue(ready: u64, consumers: u64) -> QueueView {
        QueueView {
            name: "dispatch.firmware".into(),
            ready: Some(ready),
            consumers: Some(consumers),
            age: Some(Duration::from_secs(1)),
            ..QueueView::default()
        }
    }

    fn calm() -> Signs {
        Signs { queues: vec![queue(0, 1)], workers: vec![at_work()], ..Signs::default() }
    }

    #[test]
    fn nothing_is_said_when_all_is_well() {
        assert_eq!(alarms(&calm()), []);
    }

    #[test]
    fn each_sign_raises_its_own_alarm() {
        let with = |change: fn(&mut Signs)| {
            let mut signs = calm();
            change(&mut signs);
            alarms(&signs)
        };
        assert_eq!(with(|s| s.is_database_away = true), [Alarm::DatabaseAway]);
        assert_eq!(with(|s| s.workers.clear()), sorted(NEEDED_ROLES.map(Alarm::RoleAbsent)));
        assert_eq!(with(|s| s.workers[0].age = BEAT_MAX + Duration::from_secs(1)).len(), NEEDED_ROLES.len());
        assert_eq!(with(|s| s.workers[0].is_drained = true).len(), NEEDED_ROLES.len());
        let name = || "dispatch.firmware".to_owned();
        assert_eq!(with(|s| s.queues[0] = queue(3, 0)), [Alarm::QueueWithoutConsumer { queue: name(), ready: 3 }],);
        assert_eq!(with(|s| s.queues[0] = queue(0, 0)), [], "nobody is missed where nothing waits");
        assert_eq!(
            with(|s| s.queues[0] = QueueView { is_paused: true, ..queue(3, 0) }),
            [Alarm::QueuePaused(name())],
            "a paused queue has no consumers by intent"
        );
        assert_eq!(with(|s| s.queues[0].dead = 2), [Alarm::DeadLetters { queue: name(), count: 2 }]);
        assert_eq!(with(|s| s.queues[0].age = None), [Alarm::QueuesUnseen]);
        assert_eq!(with(|s| s.outbox = (7, Duration::from_secs(31))), [Alarm::OutboxOld { messages: 7, oldest_s: 31 }]);
        assert_eq!(with(|s| s.outbox = (7, Duration::from_secs(29))), []);
    }

    fn sorted<const N: usize>(mut alarms: [Alarm; N]) -> [Alarm; N] {
        alarms.sort();
        alarms
    }

    #[test]
    fn a_job_is_still_when_it_runs_and_has_something_left() {
        let still = |state, open, minutes| {
            let jobs = vec![JobView { id: JobId(7), state, open, still: Duration::from_mins(minutes) }];
            alarms(&Signs { jobs, ..calm() })
        };
        assert_eq!(still(JobState::Running, 3, 16), [Alarm::JobStill { job: JobId(7), still_s: 960, open: 3 }]);
        for (state, open, minutes) in
            [(JobState::Running, 3, 15), (JobState::Running, 0, 16), (JobState::Paused, 3, 16)]
        {
            assert_eq!(still(state, open, minutes), [], "{state:?} {open} {minutes}");
        }
    }

    proptest! {
        #[test]
        fn what_is_urgent_comes_first(ready in 0_u64..3, consumers in 0_u64..2, dead in 0_u64..2, is_paused: bool,
            outbox_s in 0_u64..100, still_s in 0_u64..2000)
        {
            let signs = Signs {
                queues: vec![QueueView { is_paused, dead, ..queue(ready, consumers) }],
                outbox: (1, Duration::from_secs(outbox_s)),
                jobs: vec![JobView { id: JobId(1), state: JobState::Running, open: 1, still: Duration::from_secs(still_s) }],
                ..calm()
            };
            let urgent: Vec<bool> = alarms(&signs).iter().map(Alarm::is_urgent).collect();
            prop_assert!(urgent.is_sorted_by(|a, b| a >= b), "{urgent:?}");
        }
    }
}
