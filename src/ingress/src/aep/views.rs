//! The answers of the document, field by field as it samples them.

use chrono::{DateTime, Utc};
use drover_domain::Protocol;
use drover_service::{CommandCase, CommandRecord, DeviceRecord, Firmware, FirmwareJob, Paged, Product};
use serde::{Serialize, Serializer};

use super::projection;

const SECONDS_PER_HOUR: i32 = 3600;
/// The document samples `deviceStatus: 1` beside a task and does not explain it; of devices it means "activated".
const ACTIVATED: u8 = 1;

/// The envelope of every answer.
#[derive(Debug, Serialize)]
pub(super) struct Envelope<T> {
    code: u8,
    msg: &'static str,
    result: T,
}

impl<T> Envelope<T> {
    pub(super) const fn of(result: T) -> Self {
        Self { code: 0, msg: "ok", result }
    }
}

/// The result of a call that only does something.
pub(super) const SUCCESS: &str = "SUCCESS";

/// A value, or "" where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OrEmpty<T>(pub Option<T>);

impl<T: Serialize> Serialize for OrEmpty<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(value) => value.serialize(serializer),
            None => serializer.serialize_str(""),
        }
    }
}

/// A time in milliseconds, or "".
fn millis(time: Option<DateTime<Utc>>) -> OrEmpty<i64> {
    OrEmpty(time.map(|time| time.timestamp_millis()))
}

/// One page of a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct List<T> {
    page_num: u32,
    page_size: u32,
    total: i64,
    #[serde(rename = "list")]
    items: Vec<T>,
}

impl<T> List<T> {
    pub(super) fn of<R>(paged: Paged<R>, view: impl FnMut(R) -> T) -> Self {
        Self {
            page_num: paged.page.number,
            page_size: paged.page.size,
            total: paged.total,
            items: paged.items.into_iter().map(view).collect(),
        }
    }
}

/// A task as D1, D2 and D6 show it; each samples some fields that the others do not.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskView {
    job_id: i64,
    product_id: i64,
    tenant_id: String,
    job_name: String,
    job_status: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_status: Option<u8>,
    firmware_name: String,
    out_time: i32,
    firmware_id: i64,
    firmware_url: String,
    file_name: String,
    firmware_version: String,
    job_desc: String,
    take_time: String,
    create_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    upgrade_plan: Option<i16>,
    retry_times: i16,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    all_num: Option<i64>,
}

impl TaskView {
    /// D1: with the number of its devices. `firmware_url` is a signed link.
    pub(super) fn detail(job: FirmwareJob, firmware_url: String, now: DateTime<Utc>) -> Self {
        let all_num = Some(job.device_count);
        Self { all_num, ..Self::of(job, firmware_url, now) }
    }

    /// D2: with its product and `deviceStatus`.
    pub(super) fn task(job: FirmwareJob, firmware_url: String, now: DateTime<Utc>) -> Self {
        Self { device_status: Some(ACTIVATED), ..Self::listed(job, firmware_url, now) }
    }

    /// D6: with its product.
    pub(super) fn listed(job: FirmwareJob, firmware_url: String, now: DateTime<Utc>) -> Self {
        let (upgrade_plan, product_name) = (Some(job.firmware.upgrade_plan), Some(job.product.name.clone()));
        Self { upgrade_plan, product_name, ..Self::of(job, firmware_url, now) }
    }

    fn of(job: FirmwareJob, firmware_url: String, now: DateTime<Utc>) -> Self {
        let FirmwareJob { job, product, firmware } = job;
        let protocol = product.protocol;
        Self {
            job_id: job.id.0,
            product_id: product.id.0,
            tenant_id: job.tenant.to_string(),
            job_name: job.name,
            job_status: projection::job_status(job.state),
            device_status: None,
            firmware_name: firmware.name,
            out_time: out_time(protocol, job.policy.attempt_timeout_s),
            firmware_id: firmware.id.0,
            firmware_url,
            file_name: firmware.file_name,
            firmware_version: firmware.version,
            job_desc: job.description,
            take_time: projection::take_time(job.started_at, job.finished_at, now),
            create_time: projection::text_time(job.created_at),
            upgrade_plan: None,
            retry_times: retry_times(protocol, job.policy.retry_limit),
            product_name: None,
            all_num: None,
        }
    }
}

/// `outTime` in hours, which only T-Link has.
const fn out_time(protocol: Protocol, attempt_timeout_s: i32) -> i32 {
    match protocol {
        Protocol::TLink => attempt_timeout_s / SECONDS_PER_HOUR,
        Protocol::Mqtt | Protocol::Lwm2m => 0,
    }
}

/// `retryTimes`, which only LwM2M has.
const fn retry_times(protocol: Protocol, retry_limit: i16) -> i16 {
    match protocol {
        Protocol::Lwm2m => retry_limit,
        Protocol::TLink | Protocol::Mqtt => 0,
    }
}

/// The answer of D8.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatedTask {
    job_id: i64,
    product_id: i64,
    tenant_id: String,
    job_name: String,
    job_desc: String,
    firmware_id: i64,
    create_by: String,
    product_protocol: u8,
    upgrade_plan: i16,
    retry_times: i16,
    /// The sample is an LwM2M task, which has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    out_time: Option<i32>,
}

impl CreatedTask {
    pub(super) fn of(job: FirmwareJob) -> Self {
        let FirmwareJob { job, product, firmware } = job;
        let protocol = product.protocol;
        let out_time = out_time(protocol, job.policy.attempt_timeout_s);
        Self {
            job_id: job.id.0,
            product_id: product.id.0,
            tenant_id: job.tenant.to_string(),
            job_name: job.name,
            job_desc: job.description,
            firmware_id: firmware.id.0,
            create_by: job.created_by,
            product_protocol: projection::product_protocol(protocol),
            upgrade_plan: firmware.upgrade_plan,
            retry_times: retry_times(protocol, job.policy.retry_limit),
            out_time: (protocol == Protocol::TLink).then_some(out_time),
        }
    }
}

/// A device as D4 shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeviceView {
    device_name: String,
    device_id: String,
    device_sn: String,
    imei: String,
    task_id: OrEmpty<i64>,
    create_time: i64,
    device_status: i16,
    firmware_version: String,
    task_state: String,
    result_code: String,
    /// Always empty; the document says nothing of it.
    flag: &'static str,
    net_status: u8,
    online_at: OrEmpty<i64>,
    offline_at: OrEmpty<i64>,
    device_group_id: String,
}

impl DeviceView {
    pub(super) fn of(protocol: Protocol, device: DeviceRecord) -> Self {
        let command = device.command.as_ref();
        let task_state = command.map(|command| {
            let (state, prior_state, cancel_refused) = (command.state, command.prior_state, command.cancel_refused);
            projection::task_state(protocol, CommandCase { state, prior_state, cancel_refused }).to_string()
        });
        let result_code = command
            .map(|command| projection::result_code(command.state, command.attempt, command.result_code.as_deref()));
        Self {
            device_name: device.name,
            device_id: device.uuid,
            device_sn: device.sn,
            imei: device.imei,
            task_id: OrEmpty(command.map(|command| command.id.to_i64())),
            create_time: device.created_at.timestamp_millis(),
            device_status: device.status,
            firmware_version: device.firmware_version,
            task_state: task_state.unwrap_or_default(),
            result_code: result_code.unwrap_or_default(),
            flag: "",
            net_status: if device.online { 1 } else { 2 },
            online_at: millis(device.online_at),
            offline_at: millis(device.offline_at),
            device_group_id: device.group_uuid,
        }
    }
}

/// A subtask as D10 shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubtaskView {
    job_id: i64,
    task_id: i64,
    product_id: i64,
    tenant_id: String,
    device_name: String,
    device_id: String,
    device_sn: String,
    imei: String,
    product_name: String,
    update_time: OrEmpty<i64>,
    task_state: String,
    result_code: String,
    finish_time: OrEmpty<i64>,
    pre_upgrade_version: String,
    upgraded_version: String,
}

impl SubtaskView {
    pub(super) fn of(product: &Product, command: CommandRecord) -> Self {
        let CommandRecord { state, prior_state, cancel_refused, attempt, .. } = command;
        let case = CommandCase { state, prior_state, cancel_refused };
        // The sample of a subtask that nothing happened to yet has no time of change.
        let changed = (command.updated_at != command.created_at).then_some(command.updated_at);
        Self {
            job_id: command.id.job.0,
            task_id: command.id.to_i64(),
            product_id: product.id.0,
            tenant_id: product.tenant.to_string(),
            device_name: command.device_name,
            device_id: command.device_uuid,
            device_sn: command.device_sn,
            imei: command.imei,
            product_name: product.name.clone(),
            update_time: millis(changed),
            task_state: projection::task_state(product.protocol, case).to_string(),
            result_code: projection::result_code(state, attempt, command.result_code.as_deref()),
            finish_time: millis(command.finished_at),
            pre_upgrade_version: command.version_before,
            upgraded_version: command.version_after,
        }
    }
}

/// A firmware, in the words that the document has for it and ours for the rest.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FirmwareView {
    firmware_id: i64,
    product_id: i64,
    tenant_id: String,
    firmware_name: String,
    firmware_version: String,
    firmware_desc: String,
    firmware_url: String,
    file_name: String,
    file_size: i64,
    file_sha256: String,
    file_md5: String,
    upgrade_plan: i16,
    create_by: String,
    update_by: String,
    create_time: String,
    update_time: String,
}

impl FirmwareView {
    pub(super) fn of(product: &Product, firmware: Firmware, firmware_url: String) -> Self {
        Self {
            firmware_id: firmware.id.0,
            product_id: product.id.0,
            tenant_id: product.tenant.to_string(),
            firmware_name: firmware.name,
            firmware_version: firmware.version,
            firmware_desc: firmware.description,
            firmware_url,
            file_name: firmware.file_name,
            file_size: firmware.size_bytes,
            file_sha256: firmware.sha256,
            file_md5: firmware.md5,
            upgrade_plan: firmware.upgrade_plan,
            create_by: firmware.created_by,
            update_by: firmware.updated_by,
            create_time: projection::text_time(firmware.created_at),
            update_time: projection::text_time(firmware.updated_at),
        }
    }
}
