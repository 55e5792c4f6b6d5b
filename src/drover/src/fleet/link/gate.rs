//! The gate that devices connect through: so many a second, and so many at a time.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

/// Bounds how fast connections are opened, however many devices want one.
#[derive(Debug)]
pub(super) struct Gate {
    /// The time between two entries.
    every: Duration,
    /// When the next one may enter.
    next: Mutex<Instant>,
    /// Those that are still busy opening.
    opening: Semaphore,
}

impl Gate {
    /// A gate that lets `per_second` enter, while no more than `at_once` are opening.
    pub(super) fn new(per_second: u32, at_once: usize) -> Self {
        let every = Duration::from_secs(1) / per_second.max(1);
        Self { every, next: Mutex::new(Instant::now()), opening: Semaphore::new(at_once.max(1)) }
    }

    /// Waits for a turn. What it returns is dropped once the connection is open, or is not to be.
    pub(super) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        // Nobody closes the semaphore.
        let permit = self.opening.acquire().await.ok();
        tokio::time::sleep_until(self.turn()).await;
        permit
    }

    fn turn(&self) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = (*next).max(Instant::now());
        *next = turn + self.every;
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_enter_in_a_second() {
        let (gate, started) = (Gate::new(10, 1000), Instant::now());
        for _ in 0..31 {
            drop(gate.enter().await);
        }
        assert_eq!(started.elapsed().as_secs(), 3);
        tokio::time::sleep(Duration::from_mins(1)).await;
        let later = Instant::now();
        for _ in 0..11 {
            drop(gate.enter().await);
        }
        assert!(later.elapsed() >= Duration::from_secs(1), "turns that nobody took are not saved up");
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_are_opening_at_a_time() {
        let gate = Gate::new(1000, 2);
        let (first, _second) = (gate.enter().await, gate.enter().await);
        let third = tokio::time::timeout(Duration::from_mins(1), gate.enter()).await;
        assert!(third.is_err(), "two are at it");
        drop(first);
        assert!(gate.enter().await.is_some());
    }
}
