//! A device that listens on RabbitMQ, as its firmware's author would write it.

use drover_broker::{Broker, BrokerConfig, Outgoing, Target, TopicStream};
use drover_messages::{DeviceCommand, DeviceReport, FirmwareFile, Message as _, ReportStatus, device_topic};
use drover_testkit::RabbitNode;
use uuid::Uuid;

use crate::support::PATIENCE;

/// The devices' side of a node.
pub(crate) fn broker_at(node: &RabbitNode) -> Broker {
    let url = Some(node.url().parse().unwrap());
    Broker::rabbit(BrokerConfig { url, ..BrokerConfig::default() })
}

/// A device and the command that it got last.
pub(crate) struct Device {
    pub(crate) uuid: String,
    broker: Broker,
    commands: TopicStream,
    command_id: i64,
    pub(crate) attempt: i16,
}

impl Device {
    pub(crate) async fn listen(broker: &Broker, uuid: &str) -> Self {
        let commands = broker.subscribe_topic(&device_topic(uuid), 10).await.unwrap();
        Self { uuid: uuid.to_owned(), broker: broker.clone(), commands, command_id: 0, attempt: 0 }
    }

    pub(crate) async fn next(&mut self) -> DeviceCommand {
        let message = tokio::time::timeout(PATIENCE, self.commands.recv()).await.unwrap().unwrap();
        let command: DeviceCommand = serde_json::from_slice(&message.body).unwrap();
        (self.command_id, self.attempt) = command.identity();
        command
    }

    /// The next command, which must be an upgrade.
    pub(crate) async fn upgrade(&mut self) -> FirmwareFile {
        match self.next().await {
            DeviceCommand::Upgrade { firmware, .. } => firmware,
            other => panic!("{} was told {other:?}", self.uuid),
        }
    }

    /// The next command, which must ask it to stop.
    pub(crate) async fn cancel(&mut self) {
        let command = self.next().await;
        assert!(matches!(command, DeviceCommand::Cancel { .. }), "{} was told {command:?}", self.uuid);
    }

    /// Reports on the command it got last.
    pub(crate) async fn report(&self, status: ReportStatus, code: Option<&str>, firmware_version: Option<&str>) {
        let report = DeviceReport {
            v: 1,
            command_id: self.command_id,
            attempt: self.attempt,
            status,
            code: code.map(str::to_owned),
            message: None,
            firmware_version: firmware_version.map(str::to_owned),
            device_uuid: String::new(),
        };
        let outgoing = Outgoing {
            message_id: Uuid::new_v4(),
            target: Target::Topic(format!("devices.{}.reports", self.uuid)),
            body: report.encode().unwrap(),
            trace: None,
            expires_after: None,
        };
        self.broker.publish(vec![outgoing]).await.remove(0).unwrap();
    }
}
