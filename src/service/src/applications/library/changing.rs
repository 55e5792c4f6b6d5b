//! Applications as operators see and change them.

use drover_domain::ApplicationId;
use drover_store::{
    StoreError, Tx,
    applications::{
        self as rows, Application, ApplicationChange, ApplicationFilter, ApplicationRecord, uploads::ApplicationValues,
    },
};

use super::{ApplicationRefusal as R, values};
use crate::{Operator, Service, ServiceError, Window, Windowed};

impl Service {
    /// An application that the operator sees.
    pub async fn application(&self, operator: &Operator, id: ApplicationId) -> Result<ApplicationRecord, ServiceError> {
        let client = self.store().client().await?;
        let found = rows::get(&client, operator.tenant, &operator.organisation.path, id).await?;
        found.ok_or_else(|| R::NoSuchApplication(id.to_string()).into())
    }

    /// Applications that the operator sees, the newest first.
    pub async fn applications(
        &self,
        operator: &Operator,
        filter: &ApplicationFilter,
        window: Window,
    ) -> Result<Windowed<ApplicationRecord>, ServiceError> {
        let client = self.store().client().await?;
        Ok(rows::page(&client, operator.tenant, &operator.organisation.path, filter, window).await?)
    }

    /// Changes what is said of an application.
    pub async fn change_application(
        &self,
        operator: &Operator,
        id: ApplicationId,
        said: &ApplicationValues,
    ) -> Result<(), ServiceError> {
        operator.require_write()?;
        values::check(said)?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let application = changeable(&tx, operator, id).await?;
        let named = said.model_types.as_deref();
        let model_types = named.map(|named| values::model_types(application.platform, Some(named)));
        let change = ApplicationChange {
            name: said.name.as_deref().map(str::trim),
            kind: None,
            company: said.company.as_deref(),
            description: said.description.as_deref(),
            os_version: said.os_version.as_deref(),
            model_types: model_types.as_deref(),
        };
        rows::change(&tx, id, &change).await?;
        categorise(&tx, operator, id, said.categories.as_deref()).await?;
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }
}

/// An application that the operator may change, and nobody else until the transaction ends.
pub(crate) async fn changeable(
    tx: &Tx<'_>,
    operator: &Operator,
    id: ApplicationId,
) -> Result<Application, ServiceError> {
    let found = rows::lock(tx, operator.tenant, id).await?.filter(|application| operator.sees(&application.owner));
    let application = found.ok_or_else(|| R::NoSuchApplication(id.to_string()))?;
    operator.require_reach(&application.owner)?;
    if application.is_removing {
        return Err(R::BeingRemoved(id.to_string()).into());
    }
    Ok(application)
}

/// Puts an application into the categories that are named, if any are.
pub(super) async fn categorise(
    tx: &Tx<'_>,
    operator: &Operator,
    id: ApplicationId,
    named: Option<&[i64]>,
) -> Result<(), ServiceError> {
    let Some(named) = named else { return Ok(()) };
    let categories = values::known_categories(tx, operator, named).await?;
    Ok(rows::link_categories(tx, id, &categories).await?)
}
