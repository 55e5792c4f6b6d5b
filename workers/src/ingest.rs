//! Ingest: reports of devices are recorded.

use std::time::Duration;

use drover_broker::{Batch, Disposition, Handler};
use drover_messages::DeviceReport;
use drover_service::{Recorded, Service};

use crate::patience::{failed, reason, while_unavailable};

/// The pause before reports that could not be recorded are tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Handles reports, many in one transaction.
pub(crate) struct Ingest {
    service: Service,
}

impl Ingest {
    pub(crate) fn new(service: Service) -> Self {
        Self { service }
    }

    /// One report by itself, after the batch it was in failed for somebody's bad data.
    async fn record_alone(&self, report: &DeviceReport) -> Disposition {
        match while_unavailable(|| self.service.record_reports(std::slice::from_ref(report))).await {
            Ok(recorded) => recorded.into_iter().next().map_or(Disposition::Done, settle),
            Err(error) if error.is_bad_data() => {
                tracing::error!(command = report.command_id, device = report.device_uuid, attempt = report.attempt, %error, "a report cannot be recorded and goes to the dead-letter queue");
                Disposition::Dead { reason: reason(&error) }
            }
            Err(error) => failed(&error, RETRY_AFTER),
        }
    }
}

impl Handler<DeviceReport> for Ingest {
    async fn handle(&self, batch: Batch<DeviceReport>) -> Vec<Disposition> {
        let reports: Vec<DeviceReport> = batch.into_iter().map(|delivery| delivery.message).collect();
        match while_unavailable(|| self.service.record_reports(&reports)).await {
            Ok(recorded) => recorded.into_iter().map(settle).collect(),
            Err(error) if error.is_bad_data() => {
                let mut dispositions = Vec::with_capacity(reports.len());
                for report in &reports {
                    dispositions.push(self.record_alone(report).await);
                }
                dispositions
            }
            Err(error) => {
                tracing::warn!(reports = reports.len(), %error, "recording failed and is tried again");
                Disposition::for_all(reports.len(), &failed(&error, RETRY_AFTER))
            }
        }
    }
}

/// Whatever became of a report, it is done with. That there is no such command of its device is counted with the others
/// (`drover_reports_total`), and no more: whoever has a device's login can claim anything, as fast as it likes.
const fn settle(recorded: Recorded) -> Disposition {
    match recorded {
        Recorded::Applied | Recorded::Kept(_) | Recorded::Stale | Recorded::Unknown => Disposition::Done,
    }
}
