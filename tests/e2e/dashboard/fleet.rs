//! Devices that ask for their commands over HTTP and do what the test says, and the job that they are to carry out.

use drover_domain::ChannelKind;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::world::World;
use crate::support::{Campaign, Plan, http};

/// Devices `sim-000001` and on, and a job for all of them that has not started.
pub(super) struct Fleet {
    pub(super) campaign: Campaign,
    pub(super) job: i64,
    tokens: Vec<String>,
    base_url: String,
}

impl Fleet {
    /// Makes the tenant, the devices and the job.
    pub(super) async fn enrol(world: &World, devices: usize) -> Self {
        let plan = Plan { devices, channel: ChannelKind::Poll, ..Plan::default() };
        let campaign = Campaign::prepare_with(&world.setup, &world.database.url, plan).await;
        let mut tokens = Vec::new();
        for number in 1..=devices {
            tokens.push(campaign.office.token(&name(number)).await);
        }
        let row = world.database.client().await.query_one("SELECT max(id) FROM jobs", &[]).await.unwrap();
        Self { campaign, job: row.get(0), tokens, base_url: world.drover.base_url.clone() }
    }

    fn call(&self, device: usize, method: Method, path: &str) -> RequestBuilder {
        let call = http().request(method, format!("{}{path}", self.base_url));
        call.basic_auth(name(device), Some(&self.tokens[device - 1]))
    }

    /// What the device finds for it, now or within seconds.
    pub(super) async fn ask(&self, device: usize, wait_s: u32) -> Value {
        let path = format!("/device/v1/commands?wait={wait_s}");
        let answer = self.call(device, Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json::<Value>().await.unwrap()["commands"].take()
    }

    /// Takes the command that is there for the device.
    pub(super) async fn take(&self, device: usize) -> Value {
        let found = self.ask(device, 20).await;
        assert_eq!(found[0]["type"], "upgrade", "{found}");
        found[0].clone()
    }

    /// Takes it and reports how it ended.
    pub(super) async fn end(&self, device: usize, report: Value) {
        let command = self.take(device).await;
        self.say(device, &command, report).await;
    }

    /// Reports about a command that the device has.
    pub(super) async fn say(&self, device: usize, command: &Value, report: Value) {
        let mut said = json!({"v": 1, "command_id": command["command_id"], "attempt": command["attempt"]});
        said.as_object_mut().unwrap().extend(report.as_object().unwrap().clone());
        let answer = self.call(device, Method::POST, "/device/v1/reports").json(&said).send().await.unwrap();
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({"results": ["applied"]}));
    }

    /// Takes it and carries it out.
    pub(super) async fn succeed(&self, device: usize) {
        self.end(device, json!({"status": "succeeded", "firmware_version": "2.0"})).await;
    }
}

/// What a device is called.
pub(super) fn name(number: usize) -> String {
    format!("sim-{number:06}")
}
