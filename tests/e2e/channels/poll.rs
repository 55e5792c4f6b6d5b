//! A device that asks over HTTP, by a client of its own.

use drover_domain::ChannelKind;
use drover_messages::{DeviceCommand, DeviceCommands, DeviceReport};
use reqwest::StatusCode;

use super::{Device, World};
use crate::support::{PATIENCE, http};

pub(super) struct PollingDevice {
    base_url: String,
    uuid: String,
    token: String,
    known: Option<String>,
}

impl Device for PollingDevice {
    const CHANNEL: ChannelKind = ChannelKind::Poll;
    const REDELIVERS: bool = true;

    async fn come(world: &World, uuid: &str, token: &str) -> Self {
        let base_url = format!("{}/device/v1", world.drover.base_url);
        Self { base_url, uuid: uuid.to_owned(), token: token.to_owned(), known: None }
    }

    async fn next(&mut self) -> DeviceCommand {
        let asking = async {
            loop {
                let call = http().get(format!("{}/commands?wait=20", self.base_url));
                let call = call.basic_auth(&self.uuid, Some(&self.token));
                let known = self.known.iter();
                let answer = known.fold(call, |call, tag| call.header("If-None-Match", tag)).send().await.unwrap();
                if answer.status() == StatusCode::NOT_MODIFIED {
                    continue;
                }
                assert_eq!(answer.status(), StatusCode::OK);
                self.known = Some(answer.headers()["etag"].to_str().unwrap().to_owned());
                let DeviceCommands { commands } = answer.json().await.unwrap();
                assert!(commands.len() <= 1, "{commands:?}");
                if let Some(command) = commands.into_iter().next() {
                    return command;
                }
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap()
    }

    async fn report(&mut self, report: DeviceReport) {
        let call = http().post(format!("{}/reports", self.base_url)).basic_auth(&self.uuid, Some(&self.token));
        assert_eq!(call.json(&report).send().await.unwrap().status(), StatusCode::OK);
    }

    async fn vanish(self) {}
}
