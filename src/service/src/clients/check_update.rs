//! Devices ask what there is for them, and say by that what they run.

use drover_domain::{ClientVersionId, offer::PackageQuery};
use drover_store::clients::{
    device_apps, groups,
    offers::{self, AskingDevice},
    versions,
};

use super::{ClientGroup, Offer};
use crate::{DeviceIdentity, Service, ServiceError};

/// What a device is offered of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupUpdates {
    /// The group; `None` when there is none, or none for this device.
    pub group: Option<ClientGroup>,
    /// The versions, newest first.
    pub offers: Vec<Offer>,
    /// The tenant's time, in minutes east of UTC.
    pub utc_offset_minutes: i16,
}

/// What a device is offered of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageUpdate {
    /// The version, if there is a newer one.
    pub offer: Option<Offer>,
    /// The tenant's time, in minutes east of UTC.
    pub utc_offset_minutes: i16,
}

impl Service {
    /// What there is for a device that runs a version of a group's program. A code that no group has, and one of a group
    /// that is not for this device, are answered alike: with nothing.
    pub async fn check_group_update(
        &self,
        device: &DeviceIdentity,
        group_code: &str,
        installed_code: i32,
    ) -> Result<GroupUpdates, ServiceError> {
        let client = self.store().client().await?;
        let asking = asking(offers::asking_device(&client, device.device).await?, device)?;
        let Some(group) = groups::by_code(&client, device.tenant, group_code).await? else {
            return Ok(updates(&asking, None, Vec::new()));
        };
        let package = versions::package_on_devices(&client, group.id).await?;
        let offers = offers::of_group(&client, &asking, group.id, installed_code).await?;
        drop(client);
        if let Some(package) = package {
            self.note_installed(device, &package, installed_code).await?;
        }
        Ok(updates(&asking, Some(group), offers))
    }

    /// What there is for a device that runs a version of a package.
    pub async fn check_package_update(
        &self,
        device: &DeviceIdentity,
        query: &PackageQuery<'_>,
    ) -> Result<PackageUpdate, ServiceError> {
        let client = self.store().client().await?;
        let asking = asking(offers::asking_device(&client, device.device).await?, device)?;
        let offer = offers::of_package(&client, &asking, query).await?;
        drop(client);
        self.note_installed(device, query.package, query.installed_code).await?;
        Ok(PackageUpdate { offer, utc_offset_minutes: asking.utc_offset_minutes })
    }

    /// What there is for terminals that hang on a device: all versions of the group for extended terminals of its operating
    /// system whose offered version was uploaded last.
    pub async fn extended_clients(&self, device: &DeviceIdentity) -> Result<GroupUpdates, ServiceError> {
        let client = self.store().client().await?;
        let asking = asking(offers::asking_device(&client, device.device).await?, device)?;
        let Some(id) = offers::extended_group(&client, &asking).await? else {
            return Ok(updates(&asking, None, Vec::new()));
        };
        let group = groups::get(&client, device.tenant, id).await?;
        let offers = offers::of_group(&client, &asking, id, 0).await?;
        Ok(updates(&asking, group, offers))
    }

    /// One version for terminals that hang on a device, if the device is offered it.
    pub async fn extended_client(
        &self,
        device: &DeviceIdentity,
        version: ClientVersionId,
    ) -> Result<GroupUpdates, ServiceError> {
        let client = self.store().client().await?;
        let asking = asking(offers::asking_device(&client, device.device).await?, device)?;
        let offer = offers::extended_version(&client, &asking, version).await?;
        let offer = offer.ok_or_else(|| ServiceError::not_found("version", version))?;
        let group = groups::get(&client, device.tenant, offer.version.group).await?;
        Ok(updates(&asking, group, vec![offer]))
    }

    /// Notes what a device runs, which may prove that it has done what a command asks for, or that it has not. A device that has nothing yet
    /// says a number that no version has.
    async fn note_installed(&self, device: &DeviceIdentity, package: &str, code: i32) -> Result<(), ServiceError> {
        if code > 0 {
            let note = || async {
                let client = self.store().client().await?;
                device_apps::note(&client, device.tenant, device.device, package, code.into()).await
            };
            self.store().retrying("note_installed", note).await?;
            self.judge_check_in(device.device, package, code.into()).await?;
        }
        Ok(())
    }
}

fn asking(found: Option<AskingDevice>, device: &DeviceIdentity) -> Result<AskingDevice, ServiceError> {
    // Devices are never deleted, and this one has just proved that it is there.
    found.ok_or_else(|| ServiceError::not_found("device", device.device))
}

/// A group is shown to those who are offered something of it, and in the organisation that administers it and below.
fn updates(asking: &AskingDevice, group: Option<ClientGroup>, offers: Vec<Offer>) -> GroupUpdates {
    let group = group.filter(|group| {
        let is_near = |path| group.organisation_path.contains(path);
        !offers.is_empty() || asking.organisation.as_ref().is_some_and(is_near)
    });
    GroupUpdates { group, offers, utc_offset_minutes: asking.utc_offset_minutes }
}
