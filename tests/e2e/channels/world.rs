//! Where the suite runs: every role in one process, a broker that speaks MQTT and asks that process who a device is.

use std::sync::atomic::{AtomicUsize, Ordering};

use drover_broker::{Broker, BrokerConfig};
use drover_domain::ChannelKind;
use drover_messages::{DeviceReport, ReportStatus};
use drover_service::Join;
use drover_testkit::{RabbitNode, TestDatabase, TestPostgres, free_port, wait_until};

use super::Device;
use crate::support::{Campaign, Drover, Office, PATIENCE, Policy, Setup};

pub(super) struct World {
    // The order in which they end: first what uses the others.
    pub(super) drover: Drover,
    /// The broker, for devices that are simulated on it.
    pub(super) broker: Broker,
    pub(super) node: RabbitNode,
    office: Office,
    client: tokio_postgres::Client,
    setup: Setup,
    devices: AtomicUsize,
    _database: TestDatabase,
}

/// One device's part in a job.
pub(super) struct Errand {
    pub(super) uuid: String,
    pub(super) token: String,
    pub(super) campaign: Campaign,
}

impl World {
    pub(super) async fn new() -> Self {
        let internal = format!("127.0.0.1:{}", free_port());
        let asked = format!("http://{internal}");
        let (database, node) = tokio::join!(TestPostgres::database(), RabbitNode::start_with_mqtt(&asked));
        let setup = Setup::new(&database.url, Some(&node.url()))
            .with("DROVER_HTTP__INTERNAL_LISTEN", internal)
            .with("DROVER_WORKERS__DISPATCH_LEASE_S", 5)
            .with("DROVER_WORKERS__RETRY_BACKOFF_BASE_S", 0);
        setup.ok(&["migrate"]);
        let drover = setup.start(&["serve"]).await;
        let amqp_url = Some(node.url().parse().unwrap());
        Self {
            drover,
            broker: Broker::rabbit(BrokerConfig { url: amqp_url, ..BrokerConfig::default() }),
            node,
            office: Office::open(&setup, &database.url).await,
            client: database.client().await,
            setup,
            devices: AtomicUsize::new(0),
            _database: database,
        }
    }

    /// A new device of a channel, and a job for it that has not started.
    pub(super) async fn errand(&self, case: &str, channel: ChannelKind, policy: Policy) -> Errand {
        let number = self.devices.fetch_add(1, Ordering::Relaxed);
        let uuid = format!("{}-{case}-{number}", channel.as_str());
        self.office.enrol(channel, [uuid.clone()]).await;
        let token = self.office.token(&uuid).await;
        let campaign = self.office.job(Join::Devices(vec![uuid.clone()]), policy).await;
        Errand { uuid, token, campaign }
    }

    /// A device that is there when its job starts.
    pub(super) async fn started<D: Device>(&self, case: &str, policy: Policy) -> (Errand, D) {
        let errand = self.errand(case, D::CHANNEL, policy).await;
        let device = D::come(self, &errand.uuid, &errand.token).await;
        errand.campaign.start().await;
        (errand, device)
    }

    /// State and attempt of a device's command.
    pub(super) async fn command(&self, uuid: &str) -> (String, i16) {
        let sql = "SELECT c.state, c.attempt FROM commands c JOIN devices d ON d.id = c.device_id WHERE d.uuid = $1";
        let row = self.client.query_one(sql, &[&uuid]).await.unwrap();
        (row.get(0), row.get(1))
    }

    pub(super) async fn until(&self, uuid: &str, state: &str, attempt: i16) {
        let what = format!("{uuid} to be {state} in attempt {attempt}");
        wait_until(PATIENCE, &what, async || self.command(uuid).await == (state.to_owned(), attempt)).await;
    }

    /// How a device's attempts ended.
    pub(super) async fn outcomes(&self, uuid: &str) -> Vec<String> {
        let sql = "SELECT o.outcome FROM outcomes o JOIN devices d ON d.id = o.device_id WHERE d.uuid = $1 ORDER BY o.attempt";
        self.client.query(sql, &[&uuid]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// What a device said that moved nothing, and why.
    pub(super) async fn evidence(&self, uuid: &str) -> Vec<(String, String)> {
        let sql = "SELECT u.status, u.reason FROM unapplied_reports u JOIN devices d ON d.id = u.device_id
            WHERE d.uuid = $1 ORDER BY u.id";
        self.client.query(sql, &[&uuid]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    pub(super) async fn until_evidence(&self, uuid: &str, expected: (&str, &str)) {
        let (status, reason) = (expected.0.to_owned(), expected.1.to_owned());
        let what = format!("evidence of {uuid}: {expected:?}");
        wait_until(PATIENCE, &what, async || self.evidence(uuid).await == [(status.clone(), reason.clone())]).await;
    }

    /// Whether somebody asked the device's channel in vain since `before` times.
    pub(super) async fn times_absent(&self, channel: ChannelKind) -> f64 {
        let label = format!("channel=\"{}\"", channel.as_str());
        self.drover.metric("drover_commands_absent_total", &[&label]).await
    }

    /// Ends the process in good order, and asks the oracle.
    pub(super) async fn end(&mut self) {
        self.broker.close().await;
        assert!(self.drover.terminate().await, "{}", self.drover.log());
        let verdict = self.setup.ok(&["check"]);
        assert!(verdict.starts_with("clean"), "{verdict}");
    }
}

/// A report on an attempt.
pub(super) fn said((command_id, attempt): (i64, i16), status: ReportStatus) -> DeviceReport {
    let firmware_version = (status == ReportStatus::Succeeded).then(|| "2.0".to_owned());
    DeviceReport {
        v: 1,
        command_id,
        attempt,
        status,
        code: None,
        message: None,
        firmware_version,
        device_uuid: String::new(),
    }
}
