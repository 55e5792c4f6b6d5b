//! A device that listens on MQTT, in a session that stays while it is away.

use std::{collections::VecDeque, time::Duration};

use drover_domain::ChannelKind;
use drover_messages::{DeviceCommand, DeviceReport, Message as _};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, Publish, QoS};

use super::{Device, World};
use crate::support::PATIENCE;

pub(super) struct MqttDevice {
    uuid: String,
    client: AsyncClient,
    connection: EventLoop,
    /// What came while something else was waited for.
    waiting: VecDeque<Publish>,
    /// What came and is not acknowledged.
    taken: Option<Publish>,
}

impl MqttDevice {
    /// Drives the connection until `is_it`; commands that come meanwhile wait.
    async fn until(&mut self, is_it: impl Fn(&Packet) -> bool) {
        let waiting = async {
            loop {
                let event = self.connection.poll().await.unwrap();
                let Event::Incoming(packet) = event else { continue };
                let found = is_it(&packet);
                if let Packet::Publish(publish) = packet {
                    self.waiting.push_back(publish);
                }
                if found {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    }

    async fn acknowledge(&mut self) {
        if let Some(taken) = self.taken.take() {
            self.client.ack(&taken).await.unwrap();
        }
    }
}

impl Device for MqttDevice {
    const CHANNEL: ChannelKind = ChannelKind::Mqtt;
    const REDELIVERS: bool = true;

    async fn come(world: &World, uuid: &str, token: &str) -> Self {
        let mut options = MqttOptions::new(uuid, "127.0.0.1", world.node.mqtt_port().unwrap());
        options.set_credentials(uuid, token).set_clean_session(false).set_manual_acks(true);
        options.set_keep_alive(Duration::from_secs(30));
        let (client, connection) = AsyncClient::new(options, 10);
        client.subscribe(format!("devices/{uuid}/commands"), QoS::AtLeastOnce).await.unwrap();
        let mut device = Self { uuid: uuid.to_owned(), client, connection, waiting: VecDeque::new(), taken: None };
        device.until(|packet| matches!(packet, Packet::SubAck(_))).await;
        device
    }

    async fn next(&mut self) -> DeviceCommand {
        self.acknowledge().await;
        if self.waiting.is_empty() {
            self.until(|packet| matches!(packet, Packet::Publish(_))).await;
        }
        let publish = self.waiting.pop_front().unwrap();
        let command = serde_json::from_slice(&publish.payload).unwrap();
        self.taken = Some(publish);
        command
    }

    async fn report(&mut self, report: DeviceReport) {
        self.acknowledge().await;
        let (topic, body) = (format!("devices/{}/reports", self.uuid), report.encode().unwrap());
        self.client.publish(topic, QoS::AtLeastOnce, false, body).await.unwrap();
        self.until(|packet| matches!(packet, Packet::PubAck(_))).await;
    }

    async fn vanish(self) {}
}
