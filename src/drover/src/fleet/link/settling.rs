//! Waiting until each device has logged in for the first time.

use std::time::Duration;

use anyhow::ensure;
use tokio::sync::mpsc;

/// How often it is told who is still missing.
const TELL: Duration = Duration::from_secs(10);
/// Refusals in a row after which a device counts as refused: whoever answers may just be starting.
const REFUSALS_MAX: u32 = 3;

/// A device's word on whether it was let in, given once.
#[derive(Debug)]
pub(super) struct Settling {
    tell: Option<mpsc::Sender<bool>>,
    refusals: u32,
}

/// Where all devices give their word.
#[derive(Debug)]
pub(super) struct Settled {
    tell: mpsc::Sender<bool>,
    told: mpsc::Receiver<bool>,
}

impl Settled {
    pub(super) fn new() -> Self {
        let (tell, told) = mpsc::channel(1);
        Self { tell, told }
    }

    /// For one device.
    pub(super) fn one(&self) -> Settling {
        Settling { tell: Some(self.tell.clone()), refusals: 0 }
    }

    /// Returns when each of `count` devices was either let in or refused several times. The refused go on trying; that all
    /// are is an error. `place` is where they log in.
    pub(super) async fn wait(self, count: usize, place: &str) -> anyhow::Result<()> {
        let Self { tell, mut told } = self;
        drop(tell);
        let mut interval = tokio::time::interval(TELL);
        let (mut waiting, mut refused) = (count, 0);
        while waiting > 0 {
            tokio::select! {
                is_in = told.recv() => {
                    // One whose task panicked never gives its word.
                    let Some(is_in) = is_in else { break };
                    waiting -= 1;
                    refused += usize::from(!is_in);
                }
                _ = interval.tick() => tracing::info!(devices = count, waiting, "simulated devices log in"),
            }
        }
        ensure!(count == 0 || refused < count, "{place} refused every one of {count} devices: are these its tokens?");
        if refused > 0 {
            tracing::warn!(refused, devices = count, "some simulated devices were refused; they go on trying");
        }
        Ok(())
    }
}

impl Settling {
    /// The device was let in.
    pub(super) async fn let_in(&mut self) {
        self.refusals = 0;
        self.tell(true).await;
    }

    /// The device was refused.
    pub(super) async fn refused(&mut self) {
        self.refusals += 1;
        if self.refusals >= REFUSALS_MAX {
            self.tell(false).await;
        }
    }

    async fn tell(&mut self, is_in: bool) {
        if let Some(tell) = self.tell.take() {
            // Whoever waits for it may have given up waiting.
            let _ = tell.send(is_in).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn outcome(refused: [bool; 3]) -> anyhow::Result<()> {
        let settled = Settled::new();
        for is_refused in refused {
            let mut device = settled.one();
            tokio::spawn(async move {
                for _ in 0..REFUSALS_MAX - 1 {
                    device.refused().await;
                }
                if is_refused {
                    device.refused().await;
                } else {
                    device.let_in().await;
                }
                // Whatever comes later changes nothing.
                device.let_in().await;
            });
        }
        settled.wait(refused.len(), "the place").await
    }

    #[tokio::test(start_paused = true)]
    async fn all_are_waited_for_and_nobody_let_in_is_an_error() {
        assert!(outcome([false, false, false]).await.is_ok());
        assert!(outcome([true, false, true]).await.is_ok());
        assert!(outcome([true; 3]).await.unwrap_err().to_string().contains("the place refused"));
    }
}
