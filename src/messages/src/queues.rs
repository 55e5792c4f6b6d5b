//! The queues: one of jobs and one of dispatches for each kind, one of reports.

use std::fmt;

use drover_domain::JobKind;

/// A queue of the topology.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Queue {
    /// Jobs waiting for a planner.
    Jobs(JobKind),
    /// Chunks of commands waiting for a dispatcher.
    Dispatch(JobKind),
    /// Reports of devices waiting for ingest.
    Reports,
}

impl Queue {
    /// Every queue.
    pub fn all() -> impl Iterator<Item = Self> {
        JobKind::ALL.into_iter().flat_map(|kind| [Self::Jobs(kind), Self::Dispatch(kind)]).chain([Self::Reports])
    }

    /// The queue of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|queue| queue.to_string() == name)
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jobs(kind) => write!(f, "jobs.{}", kind.as_str()),
            Self::Dispatch(kind) => write!(f, "dispatch.{}", kind.as_str()),
            Self::Reports => f.write_str("reports"),
        }
    }
}
