//! Messages as Drover and the devices write them.

use drover_messages::{
    ApplicationFile, ClientFile, DeviceCommand, DeviceCommands, DeviceInventory, DeviceReport, DeviceSet,
    DispatchAction, DispatchCommands, FirmwareFile, InstallOptions, InstalledApp, ListKind, ListedApplication,
    PackageFile, PlanJob, ReportResult, ReportResults, ReportStatus, RestrictionList, StoreApplication,
};
use proptest::{option, prelude::*, sample::select, string::string_regex};
use serde_json::Map;

use crate::{changes::any_json, support::DEVICE};

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

prop_compose! {
    fn packages()(file in firmwares(), file_name in any::<String>()) -> PackageFile {
        let FirmwareFile { url, size_bytes, sha256, md5, .. } = file;
        PackageFile { url, file_name, size_bytes, sha256, md5 }
    }
}

prop_compose! {
    fn applications()(
        application_id in ids(),
        texts in prop::array::uniform5(any::<String>()),
        file in option::of(packages()),
        store in option::of((ids(), firmwares())),
    ) -> ApplicationFile {
        let [name, package_name, version_name, version_code, min_os_version] = texts;
        let store = store.map(|(itunes_store_id, file)| StoreApplication { itunes_store_id, url: file.url });
        ApplicationFile { application_id, name, package_name, version_name, version_code, min_os_version, file, store }
    }
}

prop_compose! {
    fn install_options()(flags in any::<[bool; 7]>(), policy in option::of(any_json())) -> InstallOptions {
        let [required, notify, essential, remove_on_exit, wifi_only, into_knox, prevent_backup] = flags;
        let policy = policy.map(|setting| Map::from_iter([("setting".to_owned(), setting)]));
        InstallOptions { required, notify, essential, remove_on_exit, wifi_only, into_knox, prevent_backup, policy }
    }
}

prop_compose! {
    fn restriction_lists()(
        restriction_id in ids(),
        name in any::<String>(),
        list in select(vec![ListKind::White, ListKind::Black]),
        revision in amounts(),
        listed in prop::collection::vec(any::<(String, String)>(), 0..4),
        // Long lists are made of short names.
        more in prop_oneof![3 => Just(0), 1 => Just(496)],
    ) -> RestrictionList {
        let mut applications: Vec<_> =
            listed.into_iter().map(|(package_name, name)| ListedApplication { package_name, name }).collect();
        applications.extend((0..more).map(|n| ListedApplication { package_name: format!("p{n}"), name: String::new() }));
        RestrictionList { restriction_id, name, list, revision, applications }
    }
}

fn upgrades() -> impl Strategy<Value = DeviceCommand> {
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
    ]
}

fn pushes() -> impl Strategy<Value = DeviceCommand> {
    let v = DeviceCommand::VERSION;
    let what = || (ids(), attempts(), times());
    prop_oneof![
        (what(), applications(), install_options()).prop_map(
            move |((command_id, attempt, timeout_s), application, options)| {
                DeviceCommand::InstallApplication { v, command_id, attempt, application, options, timeout_s }
            }
        ),
        (what(), ids(), any::<String>()).prop_map(
            move |((command_id, attempt, timeout_s), application_id, package_name)| {
                DeviceCommand::UninstallApplication { v, command_id, attempt, application_id, package_name, timeout_s }
            }
        ),
        (what(), restriction_lists()).prop_map(move |((command_id, attempt, timeout_s), restriction)| {
            DeviceCommand::ApplyRestriction { v, command_id, attempt, restriction, timeout_s }
        }),
        (what(), ids()).prop_map(move |((command_id, attempt, timeout_s), restriction_id)| {
            DeviceCommand::RemoveRestriction { v, command_id, attempt, restriction_id, timeout_s }
        }),
    ]
}

pub(crate) fn commands() -> impl Strategy<Value = DeviceCommand> {
    let v = DeviceCommand::VERSION;
    let cancels =
        (ids(), attempts()).prop_map(move |(command_id, attempt)| DeviceCommand::Cancel { v, command_id, attempt });
    prop_oneof![upgrades(), pushes(), cancels]
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

prop_compose! {
    fn installed_apps()(
        package_name in "[a-z]{1,20}(\\.[a-z]{1,20}){0,3}",
        name in texts(256),
        version_name in texts(256),
        version_code in option::of(times()),
        size_bytes in option::of(times()),
    ) -> InstalledApp {
        InstalledApp { package_name, name, version_name, version_code, size_bytes }
    }
}

pub(crate) fn inventories() -> impl Strategy<Value = DeviceInventory> {
    (texts(64), prop::collection::vec(installed_apps(), 0..6))
        .prop_map(|(os_version, apps)| DeviceInventory { os_version, apps })
}
