//! Time and chance as the machine gives them: the only place that asks.

use chrono::{DateTime, Utc};
use drover_service::{Clock, Entropy};

/// The machine's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // this is the clock
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// The machine's randomness, good enough for keys.
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        rand::fill(bytes);
    }
}
