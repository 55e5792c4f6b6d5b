//! The link between the fleet and Drover: commands come out of it, reports go into it, many at a time. What the devices
//! do with them is not its business, and how they travel is not theirs.

mod backoff;
mod breaks;
mod gate;
mod mqtt;
mod poll;
mod publisher;
mod settling;
mod switchboard;
mod tokens;
mod topic;

use bytes::Bytes;
use drover_broker::TopicStream;
use drover_messages::DeviceReport;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::report::{Delivered, Manner};
use mqtt::Receipt;
use publisher::Publisher;
use switchboard::Switchboard;

pub(crate) use mqtt::MqttUrl;
pub(super) use mqtt::connect as over_mqtt;
pub(super) use poll::connect as over_http;
pub(crate) use tokens::{DeviceToken, from_file as tokens_from};
pub(super) use topic::listen as over_broker;

/// Commands taken at a time.
const TAKE_MAX: usize = 512;

/// A link whose two ends go their own ways: commands are taken by the loop that plays the fleet, reports are sent beside
/// it.
pub(super) struct Link {
    pub(super) commands: Commands,
    pub(super) reports: Reports,
}

/// A message for one device.
#[derive(Debug)]
pub(super) struct Arrival {
    /// Whose it is.
    pub(super) device: String,
    /// What it says.
    pub(super) body: Bytes,
    /// Whom to tell that it was taken, where somebody wants to know.
    receipt: Option<Receipt>,
}

impl Arrival {
    /// The device knows of it now. What is dropped without this comes again.
    pub(super) fn acknowledge(self) {
        if let Some(receipt) = self.receipt {
            receipt.acknowledge();
        }
    }
}

/// A report to send.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) report: DeviceReport,
    pub(super) manner: Manner,
}

/// The end that commands come out of.
pub(super) enum Commands {
    /// One subscription for all devices.
    Topic(TopicStream),
    /// A connection for each.
    Devices(mpsc::Receiver<Arrival>),
}

impl Commands {
    /// Appends the commands that are there, waiting for the first. `false`: no more can come.
    pub(super) async fn take(&mut self, taken: &mut Vec<Arrival>) -> bool {
        match self {
            Self::Topic(stream) => topic::take(stream, taken, TAKE_MAX).await,
            Self::Devices(commands) => commands.recv_many(taken, TAKE_MAX).await > 0,
        }
    }
}

/// The end that reports go into.
pub(super) enum Reports {
    /// One publisher for all devices.
    Broker(Box<Publisher>),
    /// A connection for each.
    Devices(Switchboard),
}

impl Reports {
    /// Sends the reports that come in until no more can come. Returns what became of each. Once `stop` is cancelled, what
    /// cannot be sent soon is given up.
    pub(super) async fn send(self, given: mpsc::Receiver<Given>, stop: CancellationToken) -> Delivered {
        match self {
            Self::Broker(publisher) => Delivered { sent: publisher.run(given, stop).await, ..Delivered::default() },
            // Whether or not it was told to stop: a device has little to say, and says it within a limit.
            Self::Devices(switchboard) => switchboard.run(given).await,
        }
    }
}
