//! The ways to devices. A channel takes commands; whether a device has them only its report says.
//!
//! All channels pass one suite, in `tests/e2e/channels`.

mod poll;
mod topic;

use std::time::Duration;

use drover_broker::PublishError;
use drover_domain::ChannelKind;
use drover_messages::{DeviceCommand, TraceContext};
use drover_service::DeviceRange;
use futures_util::future::BoxFuture;

pub(crate) use poll::PollChannel;
pub(crate) use topic::TopicChannel;

/// A command and the device it is for.
#[derive(Debug, Clone)]
pub(crate) struct Addressed {
    pub(crate) device: i64,
    pub(crate) device_uuid: String,
    pub(crate) channel: ChannelKind,
    pub(crate) command: DeviceCommand,
}

/// What a channel is told of the commands that it is given together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handover {
    /// The trace of the job.
    pub(crate) trace: Option<TraceContext>,
    /// When the attempt is over: what the device has not fetched by then is of no use to it.
    pub(crate) expires_after: Duration,
}

/// What became of a command that a channel was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handed {
    /// The channel keeps it for the device: the attempt has begun.
    Accepted,
    /// Nobody is there to take it. The command stays queued until the device comes.
    Absent,
}

/// Why a channel could not be asked; it is asked again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChannelError {
    /// The broker did not take the message.
    #[error(transparent)]
    Broker(#[from] PublishError),
}

/// A way to devices.
pub(crate) trait Channel: Send + Sync {
    /// Hands commands over. One answer a command, in order. Handing over the same attempt twice must do no harm: its
    /// device acts once.
    fn send<'a>(
        &'a self,
        commands: &'a [Addressed],
        handover: Handover,
    ) -> BoxFuture<'a, Vec<Result<Handed, ChannelError>>>;
}

/// Every channel of this process.
pub(crate) struct Channels {
    pub(crate) topic: TopicChannel,
    pub(crate) poll: PollChannel,
}

impl Channels {
    fn of(&self, kind: ChannelKind) -> &dyn Channel {
        match kind {
            // A simulated device listens where a real one does.
            ChannelKind::Mqtt | ChannelKind::Simulated => &self.topic,
            ChannelKind::Poll => &self.poll,
        }
    }

    /// Hands each command to its device's channel. The answers come in no particular order, each with its command.
    pub(crate) async fn send(
        &self,
        mut commands: Vec<Addressed>,
        handover: Handover,
    ) -> Vec<(Addressed, Result<Handed, ChannelError>)> {
        commands.sort_by_key(|command| command.channel);
        let mut results = Vec::with_capacity(commands.len());
        for same_channel in commands.chunk_by(|a, b| a.channel == b.channel) {
            results.extend(self.of(same_channel[0].channel).send(same_channel, handover).await);
        }
        commands.into_iter().zip(results).collect()
    }
}

/// From the lowest to the highest of the devices that are addressed.
fn range_of(commands: &[Addressed]) -> Option<DeviceRange> {
    let devices = || commands.iter().map(|command| command.device);
    Some(DeviceRange { first: devices().min()?, last: devices().max()? })
}
