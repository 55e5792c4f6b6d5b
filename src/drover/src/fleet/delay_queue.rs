//! What is to happen later: one sorted map and one timer for the whole fleet, not a task for each device.

use std::collections::BTreeMap;

use tokio::time::Instant;

/// Items by the time at which they are due; those of one time in the order in which they came.
#[derive(Debug)]
pub(super) struct DelayQueue<T> {
    items: BTreeMap<(Instant, u64), T>,
    pushed: u64,
}

impl<T> DelayQueue<T> {
    pub(super) const fn new() -> Self {
        Self { items: BTreeMap::new(), pushed: 0 }
    }

    pub(super) fn push(&mut self, due: Instant, item: T) {
        self.items.insert((due, self.pushed), item);
        self.pushed += 1;
    }

    /// The first item that is due by `now`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<T> {
        let first = self.items.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the next item is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.items.first_key_value().map(|((due, _), _)| *due)
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn items_come_when_due_and_in_order() {
        let (start, mut queue) = (Instant::now(), DelayQueue::new());
        for (after_s, item) in [(2, "late"), (0, "first"), (1, "middle"), (0, "second")] {
            queue.push(start + Duration::from_secs(after_s), item);
        }
        let mut due = |now| std::iter::from_fn(|| queue.pop_due(now)).collect::<Vec<_>>();
        assert_eq!(due(start), ["first", "second"]);
        assert_eq!(due(start + Duration::from_millis(999)), [""; 0]);
        assert_eq!(due(start + Duration::from_secs(3)), ["middle", "late"]);
        assert_eq!((queue.next_due(), queue.len()), (None, 0));
    }
}
