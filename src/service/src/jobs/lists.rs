//! Lists of commands and devices.

use drover_domain::JobId;
use drover_store::{
    commands::{self, list::CommandFilter},
    devices::{self, list::DeviceFilter},
    jobs,
};

use crate::{CommandRecord, DeviceRecord, Page, Paged, Product, Service, ServiceError};

impl Service {
    /// One page of a job's commands, by device.
    pub async fn commands(
        &self,
        product: &Product,
        job: JobId,
        filter: CommandFilter,
        page: Page,
    ) -> Result<Paged<CommandRecord>, ServiceError> {
        let client = self.store().client().await?;
        jobs::get(&client, product.id, job).await?.ok_or_else(|| ServiceError::not_found("job", job))?;
        Ok(commands::list::page(&client, job, &filter, page).await?)
    }

    /// One page of a product's devices: those that joined a job, or those that can.
    pub async fn devices(
        &self,
        product: &Product,
        filter: DeviceFilter,
        page: Page,
    ) -> Result<Paged<DeviceRecord>, ServiceError> {
        let client = self.store().client().await?;
        if let Some(job) = filter.joined {
            jobs::get(&client, product.id, job).await?.ok_or_else(|| ServiceError::not_found("job", job))?;
        }
        Ok(devices::list::page(&client, product.id, &filter, page).await?)
    }
}
