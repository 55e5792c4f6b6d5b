//! Reports on their way to the broker: many in one call, so that nobody waits for a confirm of their own.

use std::time::Duration;

use drover_broker::{Broker, Outgoing, PublishError, Target};
use drover_messages::{Message, ReportStatus};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Given;
use crate::fleet::report::{Manner, Sent};

/// Reports published in one call.
const BATCH_MAX: usize = 500;
/// Tries before a report is given up.
const TRIES: u32 = 6;
/// The pause before the second try; it doubles with every further one.
const PAUSE: Duration = Duration::from_millis(200);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Publishes the reports that come in.
pub(in crate::fleet) struct Publisher {
    broker: Broker,
    random: StdRng,
    sent: Sent,
}

impl Publisher {
    pub(super) fn new(broker: Broker, seed: u64) -> Self {
        Self { broker, random: StdRng::seed_from_u64(seed), sent: Sent::default() }
    }

    /// Runs until no more reports can come. Returns what became of them.
    pub(super) async fn run(mut self, mut given: mpsc::Receiver<Given>, stop: CancellationToken) -> Sent {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while given.recv_many(&mut batch, BATCH_MAX).await > 0 {
            let messages = batch.drain(..).filter_map(|given| self.message(&given)).collect();
            self.publish(messages, &stop).await;
        }
        self.sent
    }

    /// The report as a message, with an identity that it keeps in every try.
    fn message(&mut self, given: &Given) -> Option<Waiting> {
        let body = given.report.encode();
        let body = body.inspect_err(|error| tracing::error!(%error, "a report cannot be encoded")).ok()?;
        let outgoing = Outgoing {
            message_id: uuid::Builder::from_random_bytes(self.random.random()).into_uuid(),
            target: Target::Topic(format!("devices.{}.reports", given.report.device_uuid)),
            body,
            trace: None,
            expires_after: None,
        };
        Some(Waiting { outgoing, status: given.report.status, manner: given.manner })
    }

    async fn publish(&mut self, mut waiting: Vec<Waiting>, stop: &CancellationToken) {
        for tried in 1..=TRIES {
            let results = self.broker.publish(waiting.iter().map(|waiting| waiting.outgoing.clone()).collect()).await;
            let mut failed = Vec::new();
            for (waiting, result) in waiting.into_iter().zip(results) {
                match result {
                    Ok(()) => self.sent.note(waiting.status, waiting.manner),
                    Err(PublishError::TooLarge { .. } | PublishError::InvalidTarget) => self.sent.failures += 1,
                    Err(error) => failed.push((waiting, error)),
                }
            }
            let Some((_, error)) = failed.first() else { return };
            tracing::warn!(reports = failed.len(), tried, %error, "reports were not published");
            waiting = failed.into_iter().map(|(waiting, _)| waiting).collect();
            if tried == TRIES || stop.is_cancelled() {
                break;
            }
            let whole = PAUSE.saturating_mul(1 << (tried - 1)).min(PAUSE_MAX);
            let pause = whole.mul_f64(self.random.random_range(0.5..=1.0));
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.sent.failures += waiting.len() as u64;
    }
}

/// A report that the broker does not have yet.
struct Waiting {
    outgoing: Outgoing,
    status: ReportStatus,
    manner: Manner,
}

#[cfg(test)]
mod tests {
    use drover_messages::DeviceReport;

    use super::*;

    fn given(uuid: &str) -> Given {
        let report = DeviceReport {
            v: 1,
            command_id: 5,
            attempt: 1,
            status: ReportStatus::Succeeded,
            code: None,
            message: None,
            firmware_version: None,
            device_uuid: uuid.into(),
        };
        Given { report, manner: Manner::Plain }
    }

    #[tokio::test(start_paused = true)]
    async fn a_report_that_nobody_takes_is_given_up_after_some_tries() {
        let broker = Broker::in_process();
        broker.close().await;
        let (reports, receiver) = mpsc::channel(10);
        let publisher = Publisher::new(broker, 1);
        reports.send(given("d1")).await.unwrap();
        drop(reports);
        let started = tokio::time::Instant::now();
        let sent = publisher.run(receiver, CancellationToken::new()).await;
        assert_eq!((sent.total(), sent.failures), (0, 1));
        let pauses = started.elapsed();
        assert!(pauses >= Duration::from_millis(3_100) && pauses <= Duration::from_millis(6_210), "{pauses:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_fleet_that_was_told_to_stop_does_not_pause() {
        let (broker, stop) = (Broker::in_process(), CancellationToken::new());
        broker.close().await;
        stop.cancel();
        let (reports, receiver) = mpsc::channel(10);
        reports.send(given("d1")).await.unwrap();
        drop(reports);
        let started = tokio::time::Instant::now();
        assert_eq!(Publisher::new(broker, 1).run(receiver, stop).await.failures, 1);
        assert_eq!(started.elapsed(), Duration::ZERO);
    }
}
