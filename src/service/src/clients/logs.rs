//! What became of a version: its publications, its distributions, and every device's upgrade, as far as an operator sees.

use drover_domain::ClientVersionId;
use drover_store::clients::{
    logs::{self, DistributeKey, DistributeLog, LogPage, PublishKey, PublishLog, UpgradeKey, UpgradeLog},
    publications,
};

use crate::{Operator, Paged, Service, ServiceError};

impl Service {
    /// The publications of a version that reach the operator's organisation or something below it.
    pub async fn publish_logs(
        &self,
        operator: &Operator,
        version: ClientVersionId,
        log: &LogPage<'_, PublishKey>,
    ) -> Result<Paged<PublishLog>, ServiceError> {
        let client = self.store().client().await?;
        self.require_visible(&client, operator, version).await?;
        Ok(logs::publications(&client, version, &operator.organisation.path, log).await?)
    }

    /// The distributions of a version to the operator's organisation or something below it.
    pub async fn distribute_logs(
        &self,
        operator: &Operator,
        version: ClientVersionId,
        log: &LogPage<'_, DistributeKey>,
    ) -> Result<Paged<DistributeLog>, ServiceError> {
        let client = self.store().client().await?;
        self.require_visible(&client, operator, version).await?;
        Ok(logs::distributions(&client, version, &operator.organisation.path, log).await?)
    }

    /// The upgrades to a version of the devices of the operator's organisation and of those below it.
    pub async fn upgrade_logs(
        &self,
        operator: &Operator,
        version: ClientVersionId,
        log: &LogPage<'_, UpgradeKey>,
    ) -> Result<Paged<UpgradeLog>, ServiceError> {
        let client = self.store().client().await?;
        self.require_visible(&client, operator, version).await?;
        Ok(logs::upgrades(&client, version, &operator.organisation.path, log).await?)
    }

    async fn require_visible(
        &self,
        client: &drover_store::Client,
        operator: &Operator,
        version: ClientVersionId,
    ) -> Result<(), ServiceError> {
        let owner = publications::owner(client, operator.tenant, version).await?;
        if owner.is_some_and(|owner| operator.sees(&owner)) {
            Ok(())
        } else {
            Err(ServiceError::not_found("version", version))
        }
    }
}
