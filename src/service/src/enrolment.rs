//! Tenants, products and devices come to be.

use std::pin::pin;

use drover_domain::{ChannelKind, DeviceUuid, ProductId, Protocol, TenantId};
use drover_store::{StoreError, devices, devices::NewDevice, people::organisations, tenants};
use futures_util::{Stream, StreamExt, stream};
use subtle::ConstantTimeEq;

use crate::{
    Caller, Product, Secret, Service, ServiceError,
    secrets::{fingerprint, hex},
};

/// The longest name of anything, in characters.
const NAME_MAX_CHARS: usize = 128;

/// A new product; its master key is shown this once.
#[derive(Debug, Clone)]
pub struct IssuedProduct {
    /// The product.
    pub id: ProductId,
    /// What callers may show beside their signature.
    pub master_key: Secret,
}

impl Service {
    /// Adds a tenant, and the root of its tree of organisations.
    pub async fn add_tenant(&self, name: &str) -> Result<TenantId, ServiceError> {
        check_name(name)?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let added = match tenants::insert_tenant(&tx, name).await {
            Err(error) if error.unique_violation().is_some() => {
                return Err(ServiceError::conflict(format!("there is a tenant {name} already")));
            }
            added => added?,
        };
        organisations::ensure_root(&tx, added).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(added)
    }

    /// Adds a product to a tenant.
    pub async fn add_product(
        &self,
        tenant_name: &str,
        name: &str,
        protocol: Protocol,
    ) -> Result<IssuedProduct, ServiceError> {
        check_name(name)?;
        let client = self.store().client().await?;
        let tenant = self.tenant(&client, tenant_name).await?;
        let master_key = Secret::new(hex(&self.random::<16>()));
        match tenants::insert_product(&client, tenant, name, protocol, &fingerprint(master_key.expose())).await {
            Err(error) if error.unique_violation().is_some() => {
                Err(ServiceError::conflict(format!("{tenant_name} has a product {name} already")))
            }
            added => Ok(IssuedProduct { id: added?, master_key }),
        }
    }

    /// A tenant's product by name: for the command line, whose user owns the database.
    pub async fn product_by_name(&self, tenant_name: &str, name: &str) -> Result<Product, ServiceError> {
        let client = self.store().client().await?;
        let tenant = self.tenant(&client, tenant_name).await?;
        tenants::product_by_name(&client, tenant, name).await?.ok_or_else(|| ServiceError::not_found("product", name))
    }

    /// A product that the caller may act on. Another tenant's, an unknown one and a wrong master key look alike, so that
    /// nobody learns which products there are. No master key, or an empty one, means the signature alone has to do.
    pub async fn product(
        &self,
        caller: &Caller,
        id: ProductId,
        master_key: Option<&str>,
    ) -> Result<Product, ServiceError> {
        let client = self.store().client().await?;
        let found = tenants::product(&client, id).await?.filter(|(product, key_sha256)| {
            let key_fits = match master_key {
                None | Some("") => true,
                Some(key) => bool::from(fingerprint(key).ct_eq(key_sha256)),
            };
            key_fits && product.tenant == caller.tenant
        });
        let forbidden = || ServiceError::Forbidden {
            reason: format!("product {id} is not this caller's, or the MasterKey is wrong"),
        };
        Ok(found.ok_or_else(forbidden)?.0)
    }

    /// Enrols devices of one product, or brings those it has up to date: all of them, or none when one is refused.
    pub async fn enrol(&self, product: &Product, new: &[NewDevice]) -> Result<(), ServiceError> {
        self.enrol_all(product, stream::iter([new.to_vec()])).await.map(drop)
    }

    /// Enrols batches of devices in one transaction: all of them, or none when one is refused. Returns how many.
    pub async fn enrol_all<S>(&self, product: &Product, batches: S) -> Result<usize, ServiceError>
    where
        S: Stream<Item = Vec<NewDevice>>,
    {
        let mut batches = pin!(batches);
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let mut enrolled = 0;
        while let Some(batch) = batches.next().await {
            batch.iter().try_for_each(check_device)?;
            if let Some(uuid) = devices::upsert(&tx, product.tenant, product.id, &batch).await?.first() {
                return Err(ServiceError::conflict(format!("device {uuid} belongs to another product")));
            }
            enrolled += batch.len();
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(enrolled)
    }

    /// Enrols those of a batch that this product may have. Returns the uuids of the others, which another product has.
    pub async fn enrol_what_fits(&self, product: &Product, batch: &[NewDevice]) -> Result<Vec<String>, ServiceError> {
        batch.iter().try_for_each(check_device)?;
        Ok(devices::upsert(&self.store().client().await?, product.tenant, product.id, batch).await?)
    }
}

/// Checks a device before it is enrolled.
pub fn check_device(device: &NewDevice) -> Result<(), ServiceError> {
    DeviceUuid::parse(&device.uuid).map_err(|error| ServiceError::invalid("uuid", error.to_string()))?;
    let texts = [
        ("name", &device.name),
        ("sn", &device.sn),
        ("imei", &device.imei),
        ("group", &device.group_uuid),
        ("firmware_version", &device.firmware_version),
    ];
    for (field, text) in texts {
        check_text(field, text)?;
    }
    if ChannelKind::parse(&device.channel).is_none() {
        return Err(ServiceError::invalid("channel", "is mqtt, poll or simulated"));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    if name.trim().is_empty() {
        return Err(ServiceError::invalid("name", "must not be empty"));
    }
    check_text("name", name)
}

/// Checks a text that goes into a row.
pub(crate) fn check_text(field: &'static str, text: &str) -> Result<(), ServiceError> {
    if text.chars().count() > NAME_MAX_CHARS {
        return Err(ServiceError::invalid(field, format!("is longer than {NAME_MAX_CHARS} characters")));
    }
    if text.contains('\0') {
        return Err(ServiceError::invalid(field, "holds a NUL character"));
    }
    Ok(())
}
