//! How fast messages come and go, from how many had by the last look.

use std::{collections::HashMap, time::Duration};

use drover_messages::Queue;
use tokio::time::Instant;

use super::store::Counts;
use crate::QueueState;

/// A look that comes sooner after another tells that one's rates.
const SHORTEST: Duration = Duration::from_millis(500);

/// What the last look saw.
#[derive(Debug, Default)]
pub(super) struct Rates {
    at: Option<Instant>,
    counts: HashMap<Queue, Counts>,
    per_s: HashMap<Queue, (f64, f64)>,
}

impl Rates {
    /// Adds rates to what is seen now. The first look knows none.
    pub(super) fn add_to(&mut self, seen: Vec<(QueueState, Counts)>, now: Instant) -> Vec<QueueState> {
        let elapsed = self.at.map(|at| now.saturating_duration_since(at));
        if elapsed.is_none_or(|elapsed| elapsed >= SHORTEST) {
            for (state, counts) in &seen {
                let before = self.counts.insert(state.queue, *counts);
                if let (Some(before), Some(elapsed)) = (before, elapsed) {
                    let per_s = |now: u64, before: u64| count(now.saturating_sub(before)) / elapsed.as_secs_f64();
                    let rates = (per_s(counts.published, before.published), per_s(counts.delivered, before.delivered));
                    self.per_s.insert(state.queue, rates);
                }
            }
            self.at = Some(now);
        }
        let with_rates = |(mut state, _): (QueueState, Counts)| {
            let rates = self.per_s.get(&state.queue);
            state.published_per_s = rates.map(|(published, _)| *published);
            state.delivered_per_s = rates.map(|(_, delivered)| *delivered);
            state
        };
        seen.into_iter().map(with_rates).collect()
    }
}

#[allow(clippy::cast_precision_loss)] // a rate
fn count(messages: u64) -> f64 {
    messages as f64
}
