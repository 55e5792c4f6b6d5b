//! Reads rows into records.

use drover_domain::{
    CommandId, CommandState, DeviceId, FirmwareId, JobId, JobKind, JobState, Policy, ProductId, Protocol, TenantId,
};
use tokio_postgres::Row;

use crate::{
    StoreError,
    records::{CommandRecord, DeviceCommandRecord, DeviceRecord, Firmware, FirmwareJob, Job, Product, UnknownWord},
};

/// Reads a word of a closed vocabulary.
pub(crate) fn word<T>(row: &Row, column: &'static str, parse: fn(&str) -> Option<T>) -> Result<T, UnknownWord> {
    let text: &str = row.get(column);
    parse(text).ok_or_else(|| UnknownWord { column, word: text.to_owned() })
}

/// Reads such a word where there may be none.
pub(crate) fn optional_word<T>(
    row: &Row,
    column: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, UnknownWord> {
    let read = |text: &str| parse(text).ok_or_else(|| UnknownWord { column, word: text.to_owned() });
    row.get::<_, Option<&str>>(column).map(read).transpose()
}

pub(crate) fn state(row: &Row, column: &'static str) -> Result<CommandState, UnknownWord> {
    word(row, column, CommandState::parse)
}

/// Columns of [`product`], for a query in which products is `p`.
macro_rules! product_columns {
    () => {
        "p.id AS product_id, p.tenant_id, p.name AS product_name, p.protocol"
    };
}
pub(crate) use product_columns;

pub(crate) fn product(row: &Row) -> Result<Product, StoreError> {
    Ok(Product {
        id: ProductId(row.get("product_id")),
        tenant: TenantId(row.get("tenant_id")),
        name: row.get("product_name"),
        protocol: word(row, "protocol", Protocol::parse)?,
    })
}

/// Columns of [`firmware`], for a query in which firmwares is `f`.
macro_rules! firmware_columns {
    () => {
        "f.id AS firmware_id, f.product_id AS firmware_product_id, f.name AS firmware_name, f.version, \
         f.description AS firmware_description, f.file_name, f.object_path, f.size_bytes, f.sha256, f.md5, \
         f.upgrade_plan, f.created_by AS firmware_created_by, f.updated_by AS firmware_updated_by, \
         f.created_at AS firmware_created_at, f.updated_at AS firmware_updated_at"
    };
}
pub(crate) use firmware_columns;

pub(crate) fn firmware(row: &Row) -> Firmware {
    Firmware {
        id: FirmwareId(row.get("firmware_id")),
        product: ProductId(row.get("firmware_product_id")),
        name: row.get("firmware_name"),
        version: row.get("version"),
        description: row.get("firmware_description"),
        file_name: row.get("file_name"),
        object_path: row.get("object_path"),
        size_bytes: row.get("size_bytes"),
        sha256: row.get("sha256"),
        md5: row.get("md5"),
        upgrade_plan: row.get("upgrade_plan"),
        created_by: row.get("firmware_created_by"),
        updated_by: row.get("firmware_updated_by"),
        created_at: row.get("firmware_created_at"),
        updated_at: row.get("firmware_updated_at"),
    }
}

pub(crate) fn job(row: &Row) -> Result<Job, StoreError> {
    Ok(Job {
        id: JobId(row.get("job_id")),
        tenant: TenantId(row.get("job_tenant_id")),
        kind: word(row, "kind", JobKind::parse)?,
        name: row.get("job_name"),
        description: row.get("description"),
        state: word(row, "state", JobState::parse)?,
        policy: Policy {
            retry_limit: row.get("retry_limit"),
            attempt_timeout_s: row.get("attempt_timeout_s"),
            job_timeout_s: row.get("job_timeout_s"),
        },
        proof_required: row.get("proof_required"),
        created_by: row.get("created_by"),
        trace_context: row.get("trace_context"),
        created_at: row.get("created_at"),
        started_at: row.get("started_at"),
        resumed_at: row.get("resumed_at"),
        expires_at: row.get("expires_at"),
        is_expired: row.get("is_expired"),
        finished_at: row.get("finished_at"),
        device_count: row.get("device_count"),
    })
}

pub(crate) fn firmware_job(row: &Row) -> Result<FirmwareJob, StoreError> {
    Ok(FirmwareJob { job: job(row)?, product: product(row)?, firmware: firmware(row) })
}

pub(crate) fn command(row: &Row) -> Result<CommandRecord, StoreError> {
    Ok(CommandRecord {
        id: CommandId { job: JobId(row.get("job_id")), device: DeviceId(row.get("device_id")) },
        device_uuid: row.get("uuid"),
        device_name: row.get("name"),
        device_sn: row.get("sn"),
        imei: row.get("imei"),
        state: state(row, "state")?,
        prior_state: state(row, "prior_state")?,
        cancel_refused: row.get("cancel_refused"),
        attempt: row.get("attempt"),
        result_code: row.get("code"),
        result_message: row.get("message"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
        finished_at: row.get("finished_at"),
        version_before: row.get("version_before"),
        version_after: row.get("version_after"),
    })
}

pub(crate) fn device(row: &Row) -> Result<DeviceRecord, StoreError> {
    let id = DeviceId(row.get("id"));
    let command = match row.get::<_, Option<i64>>("job_id") {
        None => None,
        Some(job) => Some(DeviceCommandRecord {
            id: CommandId { job: JobId(job), device: id },
            state: state(row, "state")?,
            prior_state: state(row, "prior_state")?,
            attempt: row.get("attempt"),
            cancel_refused: row.get("cancel_refused"),
            result_code: row.get("code"),
        }),
    };
    let status_word = |text: &str| match text {
        "registered" => Some(0),
        "activated" => Some(1),
        "deregistered" => Some(2),
        _ => None,
    };
    let (online_at, offline_at) = (row.get("online_at"), row.get("offline_at"));
    Ok(DeviceRecord {
        id,
        uuid: row.get("uuid"),
        name: row.get("name"),
        sn: row.get("sn"),
        imei: row.get("imei"),
        group_uuid: row.get("group_uuid"),
        status: word(row, "status", status_word)?,
        online: online_at > offline_at,
        online_at,
        offline_at,
        firmware_version: row.get("firmware_version"),
        created_at: row.get("created_at"),
        command,
    })
}
