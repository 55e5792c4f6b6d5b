//! What a device says that it has installed: kept, and held beside what was pushed to it.

use std::collections::HashSet;

use drover_domain::DeviceId;
use drover_messages::{DeviceInventory, InstalledApp};
use drover_store::{
    StoreError, Tx,
    devices::inventories::{self, InstallChange, Inventory, ReportedApp},
    pushing::reviews,
    tallies::Tally,
};

use crate::{Service, ServiceError};

impl Service {
    /// Keeps what a device says that it has installed, in place of what it said before. A device that says the same again
    /// costs one read. Where something is gone that was pushed to it, the device is reviewed.
    pub async fn record_inventory(&self, device: DeviceId, said: DeviceInventory) -> Result<(), ServiceError> {
        let inventory = checked(said)?;
        let record = || self.record_inventory_once(device, &inventory);
        let result = if self.store().retrying("record_inventory", record).await? { "changed" } else { "known" };
        metrics::counter!("drover_inventories_total", "result" => result).increment(1);
        Ok(())
    }

    /// Returns whether anything was written.
    async fn record_inventory_once(&self, device: DeviceId, inventory: &Inventory) -> Result<bool, StoreError> {
        let mut client = self.store().client().await?;
        if inventories::is_known(&client, device, inventory).await? {
            return Ok(false);
        }
        let tx = client.transaction().await?;
        inventories::write(&tx, device, inventory).await?;
        let mut tally = Tally::default();
        let changes = reconcile(&tx, device, inventory, &mut tally).await?;
        if changes.iter().any(|change| change.is_removed) {
            reviews::ask(&tx, device).await?;
        }
        tally.write(&tx, self.store().tally_shard()).await?;
        tx.commit().await?;
        for change in changes.iter().filter(|change| change.is_removed) {
            tracing::debug!(%device, application = %change.application, "an application was removed from its device");
        }
        Ok(true)
    }
}

/// Brings what is known to be installed of the applications that were pushed to a device in line with what it says, and returns
/// what changed.
pub(crate) async fn reconcile(
    tx: &Tx<'_>,
    device: DeviceId,
    inventory: &Inventory,
    tally: &mut Tally,
) -> Result<Vec<InstallChange>, StoreError> {
    let changes = inventories::reconcile(tx, device, inventory).await?;
    for change in &changes {
        tally.note_installed(change.application, i64::from(change.is_installed) - i64::from(change.was_installed));
    }
    Ok(changes)
}

/// Each package once: two versions of one cannot both be there.
fn checked(said: DeviceInventory) -> Result<Inventory, ServiceError> {
    let mut known = HashSet::with_capacity(said.apps.len());
    if let Some(index) = said.apps.iter().position(|app| !known.insert(app.package_name.as_str())) {
        return Err(ServiceError::invalid("apps", format!("[{index}]: this package_name is there already")));
    }
    let reported = |app: InstalledApp| ReportedApp {
        package: app.package_name,
        name: app.name.unwrap_or_default(),
        version_name: app.version_name,
        version_code: app.version_code,
        size_bytes: app.size_bytes,
    };
    Ok(Inventory { is_whole: true, os_version: said.os_version, apps: said.apps.into_iter().map(reported).collect() })
}
