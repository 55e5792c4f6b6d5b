//! `wdk.rex.software.list.check`: what a device should run and does not.

mod claims;
mod entry;

use chrono::SubsecRound as _;
use drover_service::SoftwareCheck;

use super::{Call, Method, Parameter};
use crate::top::{
    errors::TopError,
    params::TENANT_ID,
    wire::{Field, Value},
};

const DEVICE_ID: &str = "device_id";
const DEVICE_TYPE: &str = "device_type";
const OLD_VERSIONS: &str = "old_versions";
const ORG_INFOS: &str = "org_infos";
const ATTRIBUTES: &str = "attributes";

/// The longest id of a device, in characters.
const DEVICE_ID_MAX_CHARS: usize = 128;
/// The longest type of a device, in characters.
const DEVICE_TYPE_MAX_CHARS: usize = 64;

/// As its document declares it.
pub(super) const METHOD: Method = Method {
    name: "wdk.rex.software.list.check",
    parameters: &[
        Parameter::required(DEVICE_ID),
        Parameter::optional(DEVICE_TYPE),
        Parameter::optional(OLD_VERSIONS),
        Parameter::optional(ORG_INFOS),
        Parameter::optional(ATTRIBUTES),
        Parameter::required(TENANT_ID),
    ],
    needs_session: false,
    answer: |call| Box::pin(answer(call)),
};

async fn answer(call: Call) -> Result<Vec<Field>, TopError> {
    let check = read(&call)?;
    let software = call.service.check_software(&call.caller, &check).await?;
    let items = software.into_iter().map(entry::view).collect();
    Ok(vec![
        ("data", Value::List { item: "object", items }),
        ("succeed", Value::Bool(true)),
        ("msg_info", Value::text("")),
        ("msg_code", Value::text("")),
    ])
}

/// What the call says of its device. What is 41 comes before what is 50: of the parameters that hold JSON, only `org_infos` has
/// both.
fn read(call: &Call) -> Result<SoftwareCheck, TopError> {
    let params = &call.params;
    // Which tenant it is was checked; that it is a number was not.
    params.number::<i64>(TENANT_ID)?;
    let device = params.text(DEVICE_ID, DEVICE_ID_MAX_CHARS)?.ok_or(TopError::MissingParameter(DEVICE_ID))?;
    let device_type = params.text(DEVICE_TYPE, DEVICE_TYPE_MAX_CHARS)?;
    let organisation = params.get(ORG_INFOS).map(claims::organisation).transpose()?.flatten();
    let installed = params.get(OLD_VERSIONS).map(claims::installed).transpose()?.unwrap_or_default();
    let attributes = params.get(ATTRIBUTES).map(claims::attributes).transpose()?.unwrap_or_default();
    Ok(SoftwareCheck {
        device: device.to_owned(),
        device_type: device_type.map(str::to_owned),
        os: attributes.os,
        labels: attributes.labels,
        organisation,
        installed,
        // Times as text are whole seconds. Were others finer, the one would count as older than the other of the same second.
        said_at: call.sent_at.trunc_subsecs(0),
    })
}
