//! Devices of organisations: enrolled, changed, given tokens and deregistered by operators.

mod tokens;
mod values;

use drover_domain::{ProductId, UserId};
use drover_store::{
    Client, GenericClient, StoreError, Tx,
    devices::managed::{self, DeviceColumns, DeviceSearch},
    tenants,
};

use crate::{
    DeviceValues, List, ListFrom, ManagedDevice, Operator, Service, ServiceError,
    people::reach::{named_organisation, named_user},
};

pub(crate) use values::check_values;
pub use values::{DeviceChange, NewManagedDevice};

/// Which devices to list.
#[derive(Debug, Clone, Default)]
pub struct ManagedDeviceFilter {
    /// Those of the organisation of this code and below it.
    pub organisation: Option<String>,
    /// Those of the user of this account.
    pub user: Option<String>,
    /// Those whose names begin so.
    pub name_prefix: Option<String>,
    /// The one that calls itself so.
    pub uuid: Option<String>,
}

impl ManagedDeviceFilter {
    /// What the list searches for: one thing at a time, since each has its own way through the rows.
    async fn search(&self, client: &Client, caller: &Operator) -> Result<DeviceSearch, ServiceError> {
        let given = [&self.user, &self.name_prefix, &self.uuid].into_iter().flatten();
        if given.clone().any(|text| text.contains('\0')) {
            return Err(ServiceError::invalid("filter", "holds a NUL character"));
        }
        if given.count() > 1 {
            return Err(ServiceError::invalid("filter", "only one of user, namePrefix and uuid may be given"));
        }
        Ok(match (&self.user, &self.name_prefix, &self.uuid) {
            (Some(account), _, _) => DeviceSearch::User(named_user(client, &caller.scope(), account).await?),
            (_, Some(prefix), _) => DeviceSearch::NamePrefix(prefix.clone()),
            (_, _, Some(uuid)) => DeviceSearch::Uuid(uuid.clone()),
            _ => DeviceSearch::All,
        })
    }
}

impl Service {
    /// Enrols a device; one that was deregistered is enrolled again. An administrator of the whole tenant may also take in a
    /// device that was enrolled for its firmware alone.
    pub async fn enrol_device(&self, caller: &Operator, new: &NewManagedDevice) -> Result<ManagedDevice, ServiceError> {
        caller.require_write()?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let values = DeviceValues {
            uuid: new.uuid.clone(),
            name: new.name.clone(),
            organisation: caller.named_or_own(&tx, new.organisation.as_deref()).await?,
            user: user_of_device(&tx, caller, new.user.as_deref()).await?,
            product: product_of_device(&tx, caller, new.product.as_deref()).await?,
            os: new.os,
            device_type: new.device_type,
            relationship: new.relationship,
            device_number: new.device_number.clone(),
            imei: new.imei.clone(),
            sn: new.sn.clone(),
            channel: new.channel.clone(),
        };
        check_values(&values)?;
        let uuid = &values.uuid;
        let scope = caller.scope();
        let enrolled = managed::upsert(&tx, &scope, DeviceColumns::ALL, true, std::slice::from_ref(&values)).await;
        let enrolled = enrolled.map_err(ServiceError::of_naming)?;
        if enrolled.is_empty() {
            return Err(ServiceError::conflict(format!("uuid: there is a device {uuid} already")));
        }
        let enrolled = managed::get(&tx, &scope, uuid).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(device = uuid, by = %caller.id, "device enrolled");
        enrolled.ok_or_else(|| ServiceError::not_found("device", uuid))
    }

    /// A device within the caller's reach.
    pub async fn managed_device(&self, caller: &Operator, uuid: &str) -> Result<ManagedDevice, ServiceError> {
        let unknown = || ServiceError::not_found("device", uuid);
        if uuid.contains('\0') {
            return Err(unknown());
        }
        managed::get(&self.store().client().await?, &caller.scope(), uuid).await?.ok_or_else(unknown)
    }

    /// The next devices within the caller's reach, in the order of the tree. A search by name looks at some thousands of
    /// devices a page, and a page may hold none of them while there are more.
    pub async fn managed_devices(
        &self,
        caller: &Operator,
        filter: &ManagedDeviceFilter,
        from: &ListFrom,
    ) -> Result<List<ManagedDevice>, ServiceError> {
        let limit = from.limit()?;
        let client = self.store().client().await?;
        let scope = caller.narrowed(&client, filter.organisation.as_deref()).await?;
        let search = filter.search(&client, caller).await?;
        let after = from.after_place(&client, &scope).await?;
        let listed = managed::page(&client, &scope, &search, after.as_ref(), limit).await?;
        let next = listed.next.map(|(organisation, device)| crate::people::place(organisation, device.0));
        Ok(List { items: listed.devices, next })
    }

    /// Changes a device.
    pub async fn change_device(
        &self,
        caller: &Operator,
        uuid: &str,
        change: &DeviceChange,
    ) -> Result<ManagedDevice, ServiceError> {
        self.with_device(caller, uuid, async |tx, known| {
            let mut values = known.values.clone();
            if let Some(code) = &change.organisation {
                values.organisation = named_organisation(tx, &caller.scope(), code).await?.id;
            }
            if let Some(account) = &change.user {
                values.user = user_of_device(tx, caller, account.as_deref()).await?;
            }
            if let Some(name) = &change.product {
                let product = product_of_device(tx, caller, Some(name)).await?;
                if values.product.is_some() && values.product != product {
                    return Err(ServiceError::conflict("product: a device keeps the product that it has"));
                }
                values.product = product;
            }
            change.apply(&mut values);
            check_values(&values)?;
            managed::update(tx, known.id, &values).await.map_err(ServiceError::of_naming)
        })
        .await
    }

    /// Ends a device's enrolment: its token is taken back and its connections end. One with applications that are removed when it
    /// leaves is told so first, for which it may log in for some days more. Deregistering it once more changes nothing.
    pub async fn deregister_device(&self, caller: &Operator, uuid: &str) -> Result<(), ServiceError> {
        let deregistered = self.with_device(caller, uuid, async |tx, known| {
            managed::deregister(tx, known.id).await?;
            Ok(self.let_go(tx, known.id, uuid, known.status != "deregistered").await?)
        });
        deregistered.await?;
        tracing::info!(device = uuid, by = %caller.id, "device deregistered");
        Ok(())
    }

    /// Changes a device within the caller's reach.
    async fn with_device(
        &self,
        caller: &Operator,
        uuid: &str,
        change: impl AsyncFnOnce(&Tx<'_>, &ManagedDevice) -> Result<(), ServiceError>,
    ) -> Result<ManagedDevice, ServiceError> {
        caller.require_write()?;
        let unknown = || ServiceError::not_found("device", uuid);
        if uuid.contains('\0') {
            return Err(unknown());
        }
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let known = managed::lock(&tx, &caller.scope(), uuid).await?.ok_or_else(unknown)?;
        change(&tx, &known).await?;
        let changed = managed::get(&tx, &caller.scope(), uuid).await?.ok_or_else(unknown)?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(changed)
    }
}

/// The user of that account, which a caller put into the field `user`.
async fn user_of_device(
    client: &impl GenericClient,
    caller: &Operator,
    account: Option<&str>,
) -> Result<Option<UserId>, ServiceError> {
    match account {
        Some(account) => Ok(Some(named_user(client, &caller.scope(), account).await?)),
        None => Ok(None),
    }
}

/// The product of that name, which a caller put into the field `product`.
async fn product_of_device(
    client: &impl GenericClient,
    caller: &Operator,
    name: Option<&str>,
) -> Result<Option<ProductId>, ServiceError> {
    let Some(name) = name else { return Ok(None) };
    let found = if name.contains('\0') { None } else { tenants::product_by_name(client, caller.tenant, name).await? };
    let unknown = || ServiceError::invalid("product", "there is no product of this name");
    Ok(Some(found.ok_or_else(unknown)?.id))
}
