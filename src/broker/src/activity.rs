//! What the workers of a process are doing, for its heartbeat.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Counts what workers handle. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Activity(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    in_flight: AtomicU64,
    handled: AtomicU64,
}

impl Activity {
    /// Messages that handlers have now.
    pub fn in_flight(&self) -> u64 {
        self.0.in_flight.load(Ordering::Relaxed)
    }

    /// Messages that handlers were done with since the beginning, whatever they said of them.
    pub fn handled(&self) -> u64 {
        self.0.handled.load(Ordering::Relaxed)
    }

    /// A handler got so many messages. It has them until what is returned is dropped.
    pub(crate) fn begin(&self, messages: usize) -> InHand {
        let messages = messages as u64;
        self.0.in_flight.fetch_add(messages, Ordering::Relaxed);
        InHand { activity: self.clone(), messages }
    }
}

/// Messages that a handler has.
#[derive(Debug)]
pub(crate) struct InHand {
    activity: Activity,
    messages: u64,
}

impl InHand {
    /// The handler is done with them.
    pub(crate) fn handled(self) {
        self.activity.0.handled.fetch_add(self.messages, Ordering::Relaxed);
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.activity.0.in_flight.fetch_sub(self.messages, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cancelled_handler_had_is_in_no_hand_and_was_not_handled() {
        let activity = Activity::default();
        let (done, cancelled) = (activity.begin(3), activity.begin(4));
        assert_eq!((activity.in_flight(), activity.handled()), (7, 0));
        done.handled();
        drop(cancelled);
        assert_eq!((activity.in_flight(), activity.handled()), (0, 3));
    }
}
