//! Messages as Drover and the devices write them.

use drover_messages::{
    ClientFile, DeviceCommand, DeviceCommands, DeviceReport, DeviceSet, DispatchAction, DispatchCommands, FirmwareFile,
    PlanJob, ReportResult, ReportResults, ReportStatus,
};
use proptest::{option, prelude::*, sample::select, string::string_regex};

use crate::support::DEVICE;

fn ids() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), Just(i64::MAX), 0..=i64::MAX]
}

fn attempts() -> impl Strategy<Value = i16> {
    prop_oneof![Just(1), Just(i16::MAX), 1..=i16::MAX]
}

fn amounts() -> impl Strategy<Value = i64> {
    prop_oneof![Just(1), Just(i64::MAX), 1..=i64::MAX]
}

fn times() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), 0..=i64::MAX]
}

/// Any characters but NUL.
fn texts(max: usize) -> impl Strategy<Value = Option<String>> {
    let text = |length: String| string_regex(&format!("[^\\x00]{length}")).unwrap();
    option::of(prop_oneof![text(format!("{{0,{max}}}")), text(format!("{{{max}}}"))])
}

prop_compose! {
    pub(crate) fn plan_jobs()(job_id in ids()) -> PlanJob {
        PlanJob { job_id }
    }
}

pub(crate) fn dispatches() -> impl Strategy<Value = DispatchCommands> {
    let actions =
        prop_oneof![attempts().prop_map(|attempt| DispatchAction::Send { attempt }), Just(DispatchAction::Cancel)];
    let devices = prop_oneof![
        (ids(), ids()).prop_map(|(first, last)| DeviceSet::Range { first, last }),
        prop::collection::vec(ids(), 0..20).prop_map(|ids| DeviceSet::List { ids }),
    ];
    (ids(), actions, devices).prop_map(|(job_id, action, devices)| DispatchCommands { job_id, action, devices })
}

prop_compose! {
    fn firmwares()(
        host in "[a-z]{1,20}",
        path in "[a-zA-Z0-9%/._-]{0,40}".prop_map(|path| path.replace('%', "%E5")),
        version in any::<String>(),
        size_bytes in amounts(),
        sha256 in "[0-9a-f]{64}",
        md5 in "[0-9a-f]{32}",
    ) -> FirmwareFile {
        FirmwareFile { url: format!("https://{host}.example/{path}?signature=00ff"), version, size_bytes, sha256, md5 }
    }
}

prop_compose! {
    fn clients()(
        file in firmwares(),
        package_name in any::<String>(),
        version_code in amounts(),
    ) -> ClientFile {
        let FirmwareFile { url, version: version_name, size_bytes, sha256, md5 } = file;
        ClientFile { url, package_name, version_code, version_name, size_bytes, sha256, md5 }
    }
}

pub(crate) fn commands() -> impl Strategy<Value = DeviceCommand> {
    let v = DeviceCommand::VERSION;
    prop_oneof![
        (ids(), attempts(), firmwares(), times()).prop_map(move |(command_id, attempt, firmware, timeout_s)| {
            DeviceCommand::Upgrade { v, command_id, attempt, firmware, timeout_s }
        }),
        (ids(), attempts(), clients(), any::<bool>(), times()).prop_map(
            move |(command_id, attempt, client, force, timeout_s)| {
                DeviceCommand::UpgradeClient { v, command_id, attempt, client, force, timeout_s }
            }
        ),
        (ids(), attempts()).prop_map(move |(command_id, attempt)| DeviceCommand::Cancel { v, command_id, attempt }),
    ]
}

prop_compose! {
    pub(crate) fn reports()(
        command_id in ids(),
        attempt in attempts(),
        status in select(vec![
            ReportStatus::Downloading,
            ReportStatus::Downloaded,
            ReportStatus::Installing,
            ReportStatus::Succeeded,
            ReportStatus::Failed,
            ReportStatus::Refused,
            ReportStatus::Cancelled,
            ReportStatus::CancelRefused,
        ]),
        code in texts(64),
        message in texts(1024),
        firmware_version in texts(64),
    ) -> DeviceReport {
        let device_uuid = DEVICE.to_owned();
        DeviceReport { v: 1, command_id, attempt, status, code, message, firmware_version, device_uuid }
    }
}

pub(crate) fn command_lists() -> impl Strategy<Value = DeviceCommands> {
    prop::collection::vec(commands(), 0..5).prop_map(|commands| DeviceCommands { commands })
}

pub(crate) fn result_lists() -> impl Strategy<Value = ReportResults> {
    let results = select(vec![
        ReportResult::Applied,
        ReportResult::Stale,
        ReportResult::Duplicate,
        ReportResult::Late,
        ReportResult::Premature,
        ReportResult::Unknown,
    ]);
    prop::collection::vec(results, 0..10).prop_map(|results| ReportResults { results })
}
