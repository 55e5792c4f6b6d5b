//! The rows of the logs as the document has them: ids are texts, times are texts in the tenant's time but for A18's, which are
//! milliseconds.

use drover_domain::{CommandState, JobState};
use drover_service::{DistributeLog, PublishLog, UpgradeLog};
use serde::Serialize;
use utoipa::ToSchema;

use crate::mdm::{offer::ORGANISATION, time};

/// A distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DistributeRow {
    /// The distribution.
    id: String,
    /// The version.
    app_id: String,
    /// The tenant.
    com_id: i64,
    /// The code of the organisation that it goes to.
    target_id: String,
    /// Always 57215, an organisation.
    #[schema(example = 57215)]
    target_type: i64,
    /// The organisation's name.
    target_name: String,
    /// `yyyy-MM-dd HH:mm:ss` in the tenant's time.
    #[schema(example = "2023-06-25 18:30:01")]
    update_time: String,
    /// The version's number.
    app_version_code: i32,
    /// The code of the organisation that the operator acted for.
    org_code: String,
    /// Its name.
    org_name: String,
    /// Who distributed it.
    operator_id: String,
    /// The operator's name.
    operator_name: String,
    /// Whether users may not put it off.
    force_update: bool,
    /// 1 normal, 0 cancelled.
    #[schema(example = "1")]
    status: &'static str,
    /// Devices that are told.
    resource_device_count: i64,
    /// Devices that upgraded.
    upgrade_device_count: i64,
}

impl DistributeRow {
    pub(super) fn of(log: DistributeLog, utc_offset_minutes: i16) -> Self {
        Self {
            id: log.id.to_string(),
            app_id: log.version.to_string(),
            com_id: log.tenant.0,
            target_id: log.target_code,
            target_type: ORGANISATION,
            target_name: log.target_name,
            update_time: time::text(log.updated_at, utc_offset_minutes),
            app_version_code: log.version_code,
            org_code: log.operator_organisation_code,
            org_name: log.operator_organisation,
            operator_id: log.operator.to_string(),
            operator_name: log.operator_name,
            force_update: log.force,
            status: job_status(log.state),
            resource_device_count: log.targeted,
            upgrade_device_count: log.upgraded,
        }
    }
}

/// A publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PublishRow {
    /// The publication.
    id: String,
    /// The tenant.
    tenant_id: String,
    /// The version.
    app_id: String,
    /// The version's group.
    group_id: String,
    /// `yyyy-MM-dd HH:mm:ss` in the tenant's time.
    #[schema(example = "2023-06-25 18:30:01")]
    create_time: String,
    /// `yyyy-MM-dd HH:mm:ss` in the tenant's time.
    #[schema(example = "2023-06-25 18:30:01")]
    update_time: String,
    /// 1 published, 0 cancelled; one whose time is over was published.
    #[schema(example = "1")]
    status: &'static str,
    /// Who published it.
    operator_name: String,
    /// The tenant's name.
    tenant_name: String,
    /// The organisation that the operator acted for.
    operator_org_name: String,
}

impl PublishRow {
    pub(super) fn of(log: PublishLog, utc_offset_minutes: i16) -> Self {
        Self {
            id: log.id.to_string(),
            tenant_id: log.tenant.to_string(),
            app_id: log.version.to_string(),
            group_id: log.group.to_string(),
            create_time: time::text(log.created_at, utc_offset_minutes),
            update_time: time::text(log.updated_at, utc_offset_minutes),
            status: job_status(log.state),
            operator_name: log.operator_name,
            tenant_name: log.tenant_name,
            operator_org_name: log.operator_organisation,
        }
    }
}

const fn job_status(state: JobState) -> &'static str {
    match state {
        JobState::Cancelled | JobState::Aborted => "0",
        JobState::Draft | JobState::Scheduled | JobState::Running | JobState::Paused | JobState::Completed => "1",
    }
}

/// One device's upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpgradeRow {
    /// The command.
    id: String,
    /// The tenant.
    tenant_id: String,
    /// The version.
    client_app_id: String,
    /// The device.
    device_id: String,
    /// The code of the organisation that was targeted.
    target_id: String,
    /// The organisation's name.
    target_name: String,
    /// Always 57215, an organisation.
    #[schema(example = 57215)]
    target_type: i64,
    /// 0 waiting, 1 sent, 2 under way, 3 succeeded, 4 failed, 5 cancelled.
    #[schema(example = "3")]
    status: &'static str,
    /// Why it ended so; empty when there is nothing to say.
    description: String,
    /// Milliseconds since 1970.
    create_time: i64,
    /// Milliseconds since 1970.
    update_time: i64,
    /// The version's number.
    client_app_version_code: i32,
    /// The account of the device's user; empty when it has none.
    account: String,
    /// The user's name; empty when it has none.
    user_name: String,
    /// The device's name.
    device_name: String,
    /// The version that the device ran before.
    device_client_version: String,
    /// The code of the device's organisation.
    org_code: String,
}

impl UpgradeRow {
    pub(super) fn of(log: UpgradeLog) -> Self {
        Self {
            id: log.id.to_string(),
            tenant_id: log.tenant.to_string(),
            client_app_id: log.version.to_string(),
            device_id: log.id.device.to_string(),
            target_id: log.target_code,
            target_name: log.target_name,
            target_type: ORGANISATION,
            status: command_status(log.state),
            description: description(log.state, log.result_message, log.result_code),
            create_time: log.created_at.timestamp_millis(),
            update_time: log.updated_at.timestamp_millis(),
            client_app_version_code: log.version_code,
            account: log.account,
            user_name: log.user_name,
            device_name: log.device_name,
            device_client_version: log.version_before,
            org_code: log.organisation_code,
        }
    }
}

/// A command's state in the log's numbers. A device that was asked to stop has not said yet whether it does.
const fn command_status(state: CommandState) -> &'static str {
    match state {
        CommandState::Planned | CommandState::Queued => "0",
        CommandState::Sent => "1",
        CommandState::Downloading
        | CommandState::Downloaded
        | CommandState::Installing
        | CommandState::Verifying
        | CommandState::Cancelling => "2",
        CommandState::Succeeded => "3",
        CommandState::Failed | CommandState::TimedOut | CommandState::Rejected => "4",
        CommandState::Cancelled | CommandState::Superseded => "5",
    }
}

/// The device's own words, or its code; else the state's name, where that says more than the number.
fn description(state: CommandState, message: Option<String>, code: Option<String>) -> String {
    let said = message.filter(|text| !text.is_empty()).or(code).filter(|text| !text.is_empty());
    said.unwrap_or_else(|| match state {
        CommandState::TimedOut | CommandState::Rejected | CommandState::Superseded => state.as_str().replace('_', " "),
        _ => String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_number_and_the_end_never_looks_open() {
        for state in CommandState::ALL {
            let number: u8 = command_status(state).parse().unwrap();
            assert_eq!(state.is_terminal(), number >= 3, "{state:?}");
        }
    }

    #[test]
    fn a_reason_is_the_devices_or_else_the_states() {
        let text = |state, message: &str, code: &str| description(state, Some(message.into()), Some(code.into()));
        assert_eq!(text(CommandState::Failed, "no space", "17"), "no space");
        assert_eq!(text(CommandState::Failed, "", "17"), "17");
        assert_eq!(text(CommandState::TimedOut, "", ""), "timed out");
        assert_eq!(description(CommandState::Succeeded, None, None), "");
    }
}
