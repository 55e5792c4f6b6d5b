//! Our groups and versions in the document's words.

use drover_service::{ClientGroup, ClientVersion, GroupUpdates, Offer, Service};

use super::{
    time,
    wire::{GroupVersions, GroupView, VersionView},
};

/// What an absent text is: the document knows no null.
fn or_empty<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A group, in a tenant's time.
pub(super) fn group(service: &Service, group: &ClientGroup, utc_offset_minutes: i16) -> GroupView {
    GroupView {
        id: group.id.to_string(),
        name: group.name.clone(),
        group_code: group.group_code.clone(),
        terminal_class: group.terminal_class.as_str(),
        ui_family: group.ui_family.to_string(),
        os: group.os.code(),
        create_time: time::text(group.created_at, utc_offset_minutes),
        update_time: time::text(group.updated_at, utc_offset_minutes),
        app_version_id: or_empty(group.qr_version),
        qr_code_url: or_empty(service.client_qr_url(group)),
    }
}

/// A version, in a tenant's time. Nothing is forced outside of a device's check.
pub(super) fn version(version: ClientVersion, utc_offset_minutes: i16) -> VersionView {
    VersionView {
        id: version.id.to_string(),
        app_file_uuid: version.file.to_string(),
        package_name: version.package_name,
        app_name: version.app_name,
        app_icon_uuid: or_empty(version.icon),
        os: version.os.code(),
        app_version_code: version.version_code,
        app_version_name: version.version_name,
        app_size: version.size_bytes,
        update_time: time::text(version.updated_at, utc_offset_minutes),
        update_info: version.update_info,
        app_ui_family: version.ui_family.to_string(),
        org_code: version.organisation_code,
        tenant_id: version.tenant.to_string(),
        remark: version.remark,
        default: false,
        force_update: false,
        status: if version.is_void { "0" } else { "1" },
        group_id: version.group.to_string(),
    }
}

/// A version that a device is offered.
pub(super) fn offer(offer: Offer, utc_offset_minutes: i16) -> VersionView {
    VersionView { force_update: offer.forced, ..version(offer.version, utc_offset_minutes) }
}

/// What a device is offered of a group.
pub(super) fn updates(service: &Service, updates: GroupUpdates) -> GroupVersions {
    let offset = updates.utc_offset_minutes;
    GroupVersions {
        mdm_client_app_group: updates.group.map(|found| group(service, &found, offset)),
        mdm_client_app_infos: updates.offers.into_iter().map(|found| offer(found, offset)).collect(),
    }
}
