//! The dispatcher: commands go to their channels.

use std::{collections::HashSet, time::Duration};

use drover_broker::{Batch, Delivery, Disposition, Handler};
use drover_domain::CommandId;
use drover_messages::{DeviceCommand, DispatchAction, DispatchCommands, TraceContext};
use drover_service::{Addressee, DispatchChunk, Job, Order, Service, ServiceError};
use drover_telemetry::spans;
use tracing::Span;

use crate::{
    channels::{Addressed, ChannelError, Channels, Handed, Handover},
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
    channels: Channels,
}

impl Dispatcher {
    pub(crate) fn new(service: Service, channels: Channels) -> Self {
        Self { service, channels }
    }

    async fn dispatch(&self, delivery: &Delivery<DispatchCommands>) -> Result<Disposition, ServiceError> {
        let Delivery { message, trace, .. } = delivery;
        let trace = &spans::current().or(*trace);
        spans::note(&Span::current(), "drover.job.id", message.job_id);
        let DispatchChunk { job, artifact, addressees } =
            match while_unavailable(|| self.service.load_dispatch(message)).await? {
                Ok(chunk) => chunk,
                Err(invalid) => return Ok(Disposition::Dead { reason: invalid.to_string() }),
            };
        match message.action {
            DispatchAction::Send { attempt } => {
                if delivery.redelivered || delivery.broker_attempt > 0 {
                    let stopped = self.service.load_stopped(job.id, attempt, &message.devices).await?;
                    self.cancel(&job, &stopped, *trace).await;
                }
                match artifact {
                    Some(artifact) => {
                        let order = self.service.order(&job, &artifact);
                        self.send(&job, &order, attempt, &addressees, *trace).await
                    }
                    None => Ok(Disposition::Done),
                }
            }
            DispatchAction::Cancel => Ok(self.cancel(&job, &addressees, *trace).await),
        }
    }

    async fn send(
        &self,
        job: &Job,
        order: &Order,
        attempt: i16,
        addressees: &[Addressee],
        trace: Option<TraceContext>,
    ) -> Result<Disposition, ServiceError> {
        let timeout_s = i64::from(job.policy.attempt_timeout_s);
        let upgrade = |command_id| order.command(command_id, attempt, timeout_s);
        let (mut sent, mut problem) = (Vec::with_capacity(addressees.len()), None);
        for (command, result) in self.hand_over(job, addressees, trace, |id, _| upgrade(id)).await {
            match result {
                Ok(Handed::Accepted) => sent.push(command.device),
                // Nobody is there: the command stays queued, and its timer hands it out again.
                Ok(Handed::Absent) => {
                    let (kind, channel) = (job.kind.as_str(), command.channel.as_str());
                    metrics::counter!("drover_commands_absent_total", "kind" => kind, "channel" => channel)
                        .increment(1);
                    tracing::debug!(job = %job.id, device = command.device_uuid, attempt, "nobody is there for the device");
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
        let cancel = |command_id, attempt| DeviceCommand::Cancel { v: DeviceCommand::VERSION, command_id, attempt };
        let results = self.hand_over(job, addressees, trace, cancel).await;
        let problem = results.into_iter().find_map(|(_, result)| result.err());
        problem.map_or(Disposition::Done, |error| retry(job, &error))
    }

    /// Gives each addressee's channel what `word` makes of its command id and attempt.
    async fn hand_over(
        &self,
        job: &Job,
        addressees: &[Addressee],
        trace: Option<TraceContext>,
        word: impl Fn(i64, i16) -> DeviceCommand,
    ) -> Vec<(Addressed, Result<Handed, ChannelError>)> {
        let addressed = |addressee: &Addressee| Addressed {
            device: addressee.device.0,
            device_uuid: addressee.uuid.clone(),
            channel: addressee.channel,
            command: word(CommandId { job: job.id, device: addressee.device }.to_i64(), addressee.attempt),
        };
        let handover = Handover { trace, expires_after: job.policy.attempt_timeout() };
        self.channels.send(addressees.iter().map(addressed).collect(), handover).await
    }
}

fn retry(job: &Job, error: &ChannelError) -> Disposition {
    tracing::warn!(job = %job.id, %error, "a chunk did not go out whole; the rest is tried again");
    Disposition::Retry { after: RETRY_AFTER, reason: error.to_string() }
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
