//! A device that is played on the broker itself, as `drover simulate` does.

use drover_broker::{Outgoing, Target, TopicStream};
use drover_domain::ChannelKind;
use drover_messages::{DeviceCommand, DeviceReport, Message as _, device_topic};
use uuid::Uuid;

use super::{Device, World};
use crate::support::PATIENCE;

pub(super) struct SimulatedDevice {
    uuid: String,
    broker: drover_broker::Broker,
    commands: TopicStream,
}

impl Device for SimulatedDevice {
    const CHANNEL: ChannelKind = ChannelKind::Simulated;
    /// Nothing is kept for it.
    const REDELIVERS: bool = false;

    async fn come(world: &World, uuid: &str, _token: &str) -> Self {
        let commands = world.broker.subscribe_topic(&device_topic(uuid), 10).await.unwrap();
        Self { uuid: uuid.to_owned(), broker: world.broker.clone(), commands }
    }

    async fn next(&mut self) -> DeviceCommand {
        let message = tokio::time::timeout(PATIENCE, self.commands.recv()).await.unwrap().unwrap();
        serde_json::from_slice(&message.body).unwrap()
    }

    async fn report(&mut self, report: DeviceReport) {
        let outgoing = Outgoing {
            message_id: Uuid::new_v4(),
            target: Target::Topic(format!("devices.{}.reports", self.uuid)),
            body: report.encode().unwrap(),
            trace: None,
            expires_after: None,
        };
        self.broker.publish(vec![outgoing]).await.remove(0).unwrap();
    }

    async fn vanish(self) {}
}
