//! What a queue looks like from outside.

use drover_messages::Queue;

/// A queue at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueState {
    /// Which.
    pub queue: Queue,
    /// Messages that wait for a worker.
    pub ready: u64,
    /// Messages that a worker has and has not settled; `None`: not known, which takes the management API.
    pub unacked: Option<u64>,
    /// Workers that take from it.
    pub consumers: u64,
    /// Messages that came in a second; `None`: not known.
    pub published_per_s: Option<f64>,
    /// Messages that were handed to workers a second; `None`: not known.
    pub delivered_per_s: Option<f64>,
    /// Messages that wait beside it for another try.
    pub retrying: u64,
    /// Messages that were given up and are still here.
    pub dead: u64,
}
