//! Devices that the harness plays itself, on RabbitMQ as their firmware's author would: what they say, and when, is the
//! fault's to decide.

use drover_broker::{Broker, BrokerConfig, Outgoing, Target, TopicStream};
use drover_messages::{DeviceCommand, DeviceReport, FirmwareFile, Message as _, ReportStatus};
use drover_testkit::RabbitNode;
use uuid::Uuid;

use crate::{campaign::devices, support::PATIENCE, world::QUIET};

/// The names of all of them.
pub(crate) fn everybody() -> Vec<String> {
    devices("quiet-", 1, QUIET)
}

/// The harness's own way to a node.
pub(crate) fn broker_at(node: &RabbitNode) -> Broker {
    Broker::rabbit(BrokerConfig { url: Some(node.url().parse().unwrap()), ..BrokerConfig::default() })
}

/// An upgrade that a device was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) device: String,
    pub(crate) id: i64,
    pub(crate) attempt: i16,
    pub(crate) firmware: FirmwareFile,
}

impl Command {
    /// A report on it.
    pub(crate) fn report(&self, status: ReportStatus) -> DeviceReport {
        DeviceReport {
            v: DeviceReport::VERSION,
            command_id: self.id,
            attempt: self.attempt,
            status,
            code: None,
            message: None,
            firmware_version: None,
            device_uuid: self.device.clone(),
        }
    }

    /// The report that it went well.
    pub(crate) fn succeeded(&self) -> DeviceReport {
        self.report(ReportStatus::Succeeded)
    }
}

/// All of the harness's devices.
pub(crate) struct Crowd {
    broker: Broker,
    commands: TopicStream,
}

impl Crowd {
    /// From now on no command is missed.
    pub(crate) async fn listen(node: &RabbitNode) -> Self {
        let broker = broker_at(node);
        let commands = broker.subscribe_topic("devices.*.commands", 1000).await.unwrap();
        Self { broker, commands }
    }

    /// The next upgrades for devices of the crowd.
    pub(crate) async fn upgrades(&mut self, count: usize) -> Vec<Command> {
        let mut found = Vec::with_capacity(count);
        while found.len() < count {
            let message = tokio::time::timeout(PATIENCE, self.commands.recv()).await;
            let message = message.unwrap_or_else(|_| panic!("{} of {count} commands came", found.len())).unwrap();
            let device = message.routing_key.strip_prefix("devices.").unwrap().strip_suffix(".commands").unwrap();
            if !device.starts_with("quiet-") {
                continue;
            }
            if let DeviceCommand::Upgrade { command_id, attempt, firmware, .. } =
                serde_json::from_slice(&message.body).unwrap()
            {
                found.push(Command { device: device.to_owned(), id: command_id, attempt, firmware });
            }
        }
        found
    }

    /// Gives reports, in this order.
    pub(crate) async fn report(&self, reports: Vec<DeviceReport>) {
        let outgoing = |report: DeviceReport| Outgoing {
            message_id: Uuid::new_v4(),
            target: Target::Topic(format!("devices.{}.reports", report.device_uuid)),
            body: report.encode().unwrap(),
            trace: None,
            expires_after: None,
        };
        for result in self.broker.publish(reports.into_iter().map(outgoing).collect()).await {
            result.unwrap();
        }
    }
}

/// Every device's reports on its command, the last one first.
pub(crate) fn backwards(commands: &[Command]) -> Vec<DeviceReport> {
    let order = [ReportStatus::Succeeded, ReportStatus::Installing, ReportStatus::Downloading];
    order.into_iter().flat_map(|status| commands.iter().map(move |command| command.report(status))).collect()
}
