//! The whole fleet over the in-process broker, by a clock that does not wait.

use std::collections::HashMap;

use drover_broker::{Outgoing, Target, TopicStream};
use drover_messages::{
    ApplicationFile, DeviceCommand, DeviceReport, FirmwareFile, InstallOptions, ListKind, Message, PackageFile,
    ReportStatus, RestrictionList, device_topic,
};
use tokio::task::JoinHandle;

use super::*;

const TIMEOUT_S: i64 = 30;
const DEVICES: u32 = 1000;

struct Scene {
    broker: Broker,
    reports: TopicStream,
    stop: CancellationToken,
    fleet: JoinHandle<FleetReport>,
    published: u128,
}

impl Scene {
    async fn begin(options: FleetOptions) -> Self {
        let broker = Broker::in_process();
        let reports = broker.subscribe_topic("devices.*.reports", u16::MAX).await.unwrap();
        let fleet = Fleet::listen(broker.clone(), options).await.unwrap();
        let stop = CancellationToken::new();
        let fleet = tokio::spawn(fleet.run(stop.clone()));
        Self { broker, reports, stop, fleet, published: 0 }
    }

    async fn send(&mut self, uuid: &str, body: Vec<u8>) {
        self.published += 1;
        let outgoing = Outgoing {
            message_id: uuid::Uuid::from_u128(self.published),
            target: Target::Topic(device_topic(uuid)),
            body,
            trace: None,
            expires_after: None,
        };
        self.broker.publish(vec![outgoing]).await.remove(0).unwrap();
    }

    async fn upgrade(&mut self, number: u32, attempt: i16) {
        let (url, sha256, md5) = ("http://127.0.0.1:1/file".into(), String::new(), String::new());
        let firmware = FirmwareFile { url, version: "2.0".into(), size_bytes: 3, sha256, md5 };
        let command =
            DeviceCommand::Upgrade { v: 1, command_id: number.into(), attempt, firmware, timeout_s: TIMEOUT_S };
        self.send(&uuid(number), serde_json::to_vec(&command).unwrap()).await;
    }

    async fn cancel(&mut self, number: u32) {
        let command = DeviceCommand::Cancel { v: 1, command_id: number.into(), attempt: 1 };
        self.send(&uuid(number), serde_json::to_vec(&command).unwrap()).await;
    }

    async fn report(&mut self) -> DeviceReport {
        let message = self.reports.recv().await.unwrap();
        DeviceReport::decode(&message.body, &message.routing_key).unwrap()
    }

    /// Waits for so many reports, ends the fleet, and returns all of its reports.
    async fn end(mut self, expected: usize) -> (Vec<DeviceReport>, FleetReport) {
        let mut reports = Vec::new();
        while reports.len() < expected {
            reports.push(self.report().await);
        }
        self.stop.cancel();
        let fleet = self.fleet.await.unwrap();
        self.broker.close().await;
        while let Some(message) = self.reports.recv().await {
            reports.push(DeviceReport::decode(&message.body, &message.routing_key).unwrap());
        }
        (reports, fleet)
    }
}

fn uuid(number: u32) -> String {
    format!("sim-t-{number:06}")
}

fn options() -> FleetOptions {
    FleetOptions { prefix: "sim-t-".into(), devices: DEVICES as usize, ..FleetOptions::default() }
}

fn by_status(reports: &[DeviceReport]) -> HashMap<ReportStatus, usize> {
    let mut counts = HashMap::new();
    for report in reports {
        *counts.entry(report.status).or_default() += 1;
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn every_share_of_the_fleet_does_what_it_is_told() {
    let mut scene = Scene::begin(FleetOptions {
        failure_rate: 0.05,
        silence_rate: 0.05,
        duplicate_rate: 0.05,
        late_rate: 0.02,
        refusal_rate: 0.01,
        latency_max: Duration::from_secs(5),
        ..options()
    })
    .await;
    let started = Instant::now();
    for number in 1..=DEVICES {
        scene.upgrade(number, 1).await;
    }
    // 50 devices are silent, and 50 are heard twice.
    let (reports, fleet) = scene.end(1000).await;
    let counts = by_status(&reports);
    assert_eq!(counts[&ReportStatus::Succeeded], 820 + 2 * 50 + 20);
    assert_eq!((counts[&ReportStatus::Failed], counts[&ReportStatus::Refused]), (50, 10));
    assert_eq!((fleet.received, fleet.unanswered, fleet.abandoned), (1000, 50, 0));
    assert_eq!((fleet.sent.total(), fleet.sent.repeated, fleet.sent.late, fleet.sent.failures), (1000, 50, 20, 0));
    for report in &reports {
        let says_version = report.firmware_version.as_deref() == Some("2.0");
        assert_eq!(report.status == ReportStatus::Succeeded, says_version, "{report:?}");
    }
    // The last to answer are the late ones, after their attempt's time.
    assert!(started.elapsed() > Duration::from_secs(TIMEOUT_S.unsigned_abs()));
}

#[tokio::test(start_paused = true)]
async fn the_same_attempt_is_acted_on_once_and_answered_again() {
    let mut scene = Scene::begin(options()).await;
    scene.upgrade(1, 1).await;
    let first = scene.report().await;
    scene.upgrade(1, 1).await;
    let again = scene.report().await;
    assert_eq!(first, again);
    scene.upgrade(1, 2).await;
    assert_eq!(scene.report().await.attempt, 2);
    let (rest, fleet) = scene.end(0).await;
    assert_eq!((rest.len(), fleet.received, fleet.received_again, fleet.sent.repeated), (0, 2, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn progress_comes_before_the_end() {
    let latency = Duration::from_secs(2);
    let options = FleetOptions { progress: true, latency_min: latency, latency_max: latency, ..options() };
    let mut scene = Scene::begin(options).await;
    scene.upgrade(7, 1).await;
    let (reports, _) = scene.end(3).await;
    let statuses: Vec<_> = reports.iter().map(|report| report.status).collect();
    assert_eq!(statuses, [ReportStatus::Downloading, ReportStatus::Installing, ReportStatus::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn a_device_stops_when_asked_to_unless_it_is_through_or_cannot() {
    let latency = Duration::from_mins(1);
    let options = FleetOptions {
        cancel_refusal_rate: 0.5,
        latency_min: latency,
        latency_max: latency,
        progress: true,
        devices: 10,
        ..options()
    };
    let mut scene = Scene::begin(options).await;
    for number in 1..=10 {
        scene.upgrade(number, 1).await;
    }
    for _ in 1..=10 {
        assert_eq!(scene.report().await.status, ReportStatus::Downloading);
    }
    for number in 1..=10 {
        scene.cancel(number).await;
    }
    // Five stop; five say that they cannot, and go on.
    let mut reports = Vec::new();
    while reports.len() < 5 + 5 + 2 * 5 {
        reports.push(scene.report().await);
    }
    let counts = by_status(&reports);
    assert_eq!((counts[&ReportStatus::Cancelled], counts[&ReportStatus::CancelRefused]), (5, 5));
    assert_eq!((counts[&ReportStatus::Installing], counts[&ReportStatus::Succeeded]), (5, 5));
    let through = reports.iter().find(|report| report.status == ReportStatus::Succeeded).unwrap();
    scene.cancel(u32::try_from(through.command_id).unwrap()).await;
    assert_eq!(&scene.report().await, through);
    let (rest, fleet) = scene.end(0).await;
    assert_eq!((rest.len(), fleet.cancels), (0, 11));
}

#[tokio::test(start_paused = true)]
async fn a_delayed_cancel_of_an_old_attempt_stops_nothing() {
    let latency = Duration::from_mins(1);
    // Whether they can stop or not: there is nothing to stop, and nothing to refuse.
    for cancel_refusal_rate in [0.0, 1.0] {
        let options = FleetOptions {
            cancel_refusal_rate,
            latency_min: latency,
            latency_max: latency,
            progress: true,
            ..options()
        };
        let mut scene = Scene::begin(options).await;
        for attempt in [1, 2] {
            scene.upgrade(1, attempt).await;
            assert_eq!((scene.report().await.status, attempt), (ReportStatus::Downloading, attempt));
        }
        scene.cancel(1).await;
        let (reports, _) = scene.end(3).await;
        let said: Vec<_> = reports.iter().map(|report| (report.attempt, report.status)).collect();
        let expected = [(1, ReportStatus::Cancelled), (2, ReportStatus::Installing), (2, ReportStatus::Succeeded)];
        assert_eq!(said, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_heals_succeeds_in_a_later_attempt() {
    let mut scene = Scene::begin(FleetOptions { failure_rate: 1.0, heal_after: Some(3), ..options() }).await;
    for (attempt, status) in [(1, ReportStatus::Failed), (2, ReportStatus::Failed), (3, ReportStatus::Succeeded)] {
        scene.upgrade(5, attempt).await;
        assert_eq!(scene.report().await.status, status);
    }
}

#[tokio::test(start_paused = true)]
async fn applications_and_lists_go_on_beside_each_other() {
    let mut scene = Scene::begin(FleetOptions { progress: false, download_sample: 1.0, ..options() }).await;
    let (v, attempt, timeout_s) = (1, 1, TIMEOUT_S);
    let file = PackageFile {
        url: "http://127.0.0.1:1/file".into(),
        file_name: "a.apk".into(),
        size_bytes: 3,
        sha256: String::new(),
        md5: String::new(),
    };
    let install = |command_id, application_id, file| DeviceCommand::InstallApplication {
        v,
        command_id,
        attempt,
        application: ApplicationFile {
            application_id,
            name: "An application".into(),
            package_name: "com.example".into(),
            version_name: "1.0".into(),
            version_code: "1".into(),
            min_os_version: String::new(),
            file,
            store: None,
        },
        options: InstallOptions::default(),
        timeout_s,
    };
    let restriction = RestrictionList {
        restriction_id: 7,
        name: "No games".into(),
        list: ListKind::Black,
        revision: 1,
        applications: vec![],
    };
    let (application_id, package_name) = (7, "com.example".into());
    for command in [
        install(1, 5, Some(file)),
        install(2, 6, None),
        DeviceCommand::UninstallApplication { v, command_id: 3, attempt, application_id, package_name, timeout_s },
        DeviceCommand::ApplyRestriction { v, command_id: 4, attempt, restriction, timeout_s },
        DeviceCommand::RemoveRestriction { v, command_id: 5, attempt, restriction_id: 8, timeout_s },
    ] {
        scene.send(&uuid(1), serde_json::to_vec(&command).unwrap()).await;
    }
    let (reports, fleet) = scene.end(5).await;
    let said: HashMap<i64, ReportStatus> = reports.iter().map(|report| (report.command_id, report.status)).collect();
    assert_eq!((said[&1], fleet.downloads_failed), (ReportStatus::Failed, 1), "nobody serves its file");
    assert!((2..=5).all(|command| said[&command] == ReportStatus::Succeeded), "{said:?}");
    assert!(reports.iter().all(|report| report.firmware_version.is_none()));
    assert_eq!((reports.len(), fleet.received, fleet.malformed), (5, 5, 0));
}

#[tokio::test(start_paused = true)]
async fn others_are_left_alone_and_rubbish_is_counted() {
    let mut scene = Scene::begin(options()).await;
    scene.send("someone-else", b"{}".to_vec()).await;
    scene.send(&uuid(1), b"{}".to_vec()).await;
    scene.send(&uuid(1), br#"{"type":"cancel","v":2,"command_id":5,"attempt":1}"#.to_vec()).await;
    scene.upgrade(2, 1).await;
    let (reports, fleet) = scene.end(1).await;
    assert_eq!((reports.len(), fleet.malformed, fleet.received, fleet.cancels), (1, 2, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_due_later_are_given_while_the_fleet_drains() {
    for (drain_s, given) in [(0, 0), (9, 0), (11, 1)] {
        let latency = Duration::from_secs(10);
        let drain = Duration::from_secs(drain_s);
        let options = FleetOptions { progress: true, latency_min: latency, latency_max: latency, drain, ..options() };
        let mut scene = Scene::begin(options).await;
        scene.upgrade(1, 1).await;
        let (reports, fleet) = scene.end(1).await;
        assert_eq!(by_status(&reports).get(&ReportStatus::Succeeded).copied().unwrap_or(0), given, "{drain_s}");
        assert_eq!(fleet.abandoned == 0, given == 1);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_downloaded_is_a_failure() {
    let mut scene = Scene::begin(FleetOptions { download_sample: 1.0, ..options() }).await;
    scene.upgrade(1, 1).await;
    let (reports, fleet) = scene.end(1).await;
    assert_eq!((reports[0].status, reports[0].code.as_deref()), (ReportStatus::Failed, Some("download_broke_off")));
    assert_eq!((fleet.downloads_ok, fleet.downloads_failed), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_fleet_ends_with_its_broker() {
    let scene = Scene::begin(options()).await;
    scene.broker.close().await;
    assert_eq!(scene.fleet.await.unwrap(), FleetReport::default());
}
