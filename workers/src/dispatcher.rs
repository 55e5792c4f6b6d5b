//! The dispatcher: commands go to their channels.

use std::{collections::HashSet, time::Duration};

use drover_broker::{Batch, Delivery, Disposition, Handler, PublishError};
use drover_domain::CommandId;
use drover_messages::{DeviceCommand, DispatchAction, DispatchCommands, FirmwareFile, TraceContext};
use drover_service::{Addressee, DispatchChunk, Job, Service, ServiceError};

use crate::{
    channels::{Addressed, TopicChannel},
    patience::{failed, while_unavailable},
};

/// The pause before a chunk that could not go out is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Handles messages that name commands to hand over.
///
/// Killed between handing over and noting it, the chunk is delivered again and handed over again: the device gets the same
/// attempt twice and acts once, and its report is recorded once.
pub(crate) struct Dispatcher {
    service: Service,
    channel: TopicChannel,
}

impl Dispatcher {
    pub(crate) fn new(service: Service, channel: TopicChannel) -> Self {
        Self { service, channel }
    }

    async fn dispatch(&self, delivery: &Delivery<DispatchCommands>) -> Result<Disposition, ServiceError> {
        let Delivery { message, trace, .. } = delivery;
        let DispatchChunk { job, addressees } = match while_unavailable(|| self.service.load_dispatch(message)).await? {
            Ok(chunk) => chunk,
            Err(invalid) => return Ok(Disposition::Dead { reason: invalid.to_string() }),
        };
        match message.action {
            DispatchAction::Send { attempt } => {
                if delivery.redelivered || delivery.broker_attempt > 0 {
                    let stopped = self.service.load_stopped(job.id, attempt, &message.devices).await?;
                    self.cancel(&job, &stopped, *trace).await;
                }
                self.send(&job, attempt, &addressees, *trace).await
            }
            DispatchAction::Cancel => Ok(self.cancel(&job, &addressees, *trace).await),
        }
    }

    async fn send(
        &self,
        job: &Job,
        attempt: i16,
        addressees: &[Addressee],
        trace: Option<TraceContext>,
    ) -> Result<Disposition, ServiceError> {
        if addressees.is_empty() {
            return Ok(Disposition::Done);
        }
        let firmware = FirmwareFile {
            url: self.service.firmware_link_for(&job.firmware, job.policy.attempt_timeout()),
            version: job.firmware.version.clone(),
            size_bytes: job.firmware.size_bytes,
            sha256: job.firmware.sha256.clone(),
            md5: job.firmware.md5.clone(),
        };
        let timeout_s = i64::from(job.policy.attempt_timeout_s);
        let commands: Vec<Addressed> = addressees
            .iter()
            .map(|addressee| Addressed {
                device_uuid: addressee.uuid.clone(),
                command: DeviceCommand::Upgrade {
                    v: DeviceCommand::VERSION,
                    command_id: command_id(job, addressee),
                    attempt,
                    firmware: firmware.clone(),
                    timeout_s,
                },
            })
            .collect();
        let results = self.channel.send(&commands, trace, job.policy.attempt_timeout()).await;
        let (mut sent, mut problem) = (Vec::with_capacity(addressees.len()), None);
        for (addressee, result) in addressees.iter().zip(results) {
            match result {
                Ok(()) => sent.push(addressee.device.0),
                // Nobody listens there: the command stays queued, and its timer hands it out again.
                Err(PublishError::Unroutable { .. }) => {
                    metrics::counter!("drover_commands_unroutable_total", "kind" => job.kind.as_str()).increment(1);
                    tracing::debug!(job = %job.id, command = command_id(job, addressee), device = addressee.uuid, attempt, "nobody listens for the device");
                }
                Err(error) => problem = Some(error),
            }
        }
        let stopped = while_unavailable(|| self.service.record_sent(job, attempt, &sent)).await?;
        tracing::debug!(job = %job.id, attempt, sent = sent.len(), of = addressees.len(), "dispatched");
        if !stopped.is_empty() {
            // That came between reading the rows and noting them: the devices have a command that is no more.
            let stopped: HashSet<i64> = stopped.into_iter().collect();
            let told: Vec<Addressee> = addressees.iter().filter(|a| stopped.contains(&a.device.0)).cloned().collect();
            self.cancel(job, &told, trace).await;
        }
        Ok(problem.map_or(Disposition::Done, |error| retry(job, &error)))
    }

    async fn cancel(&self, job: &Job, addressees: &[Addressee], trace: Option<TraceContext>) -> Disposition {
        if addressees.is_empty() {
            return Disposition::Done;
        }
        let commands: Vec<Addressed> = addressees
            .iter()
            .map(|addressee| Addressed {
                device_uuid: addressee.uuid.clone(),
                command: DeviceCommand::Cancel {
                    v: DeviceCommand::VERSION,
                    command_id: command_id(job, addressee),
                    attempt: addressee.attempt,
                },
            })
            .collect();
        let results = self.channel.send(&commands, trace, job.policy.attempt_timeout()).await;
        let problem =
            results.into_iter().filter_map(Result::err).find(|error| !matches!(error, PublishError::Unroutable { .. }));
        problem.map_or(Disposition::Done, |error| retry(job, &error))
    }
}

fn retry(job: &Job, error: &PublishError) -> Disposition {
    tracing::warn!(job = %job.id, %error, "a chunk did not go out whole; the rest is tried again");
    Disposition::Retry { after: RETRY_AFTER, reason: error.to_string() }
}

fn command_id(job: &Job, addressee: &Addressee) -> i64 {
    CommandId { job: job.id, device: addressee.device }.to_i64()
}

impl Handler<DispatchCommands> for Dispatcher {
    async fn handle(&self, batch: Batch<DispatchCommands>) -> Vec<Disposition> {
        let mut dispositions = Vec::with_capacity(batch.len());
        for delivery in &batch {
            let disposition = self.dispatch(delivery).await.unwrap_or_else(|error| {
                tracing::warn!(job = delivery.message.job_id, %error, "dispatching failed and is tried again");
                failed(&error, RETRY_AFTER)
            });
            dispositions.push(disposition);
        }
        dispositions
    }
}
