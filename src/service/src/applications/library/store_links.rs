//! Applications of Apple's store, which are kept by their address.

use drover_domain::{ApplicationId, ApplicationType, DomainType, Platform};
use drover_store::{
    StoreError,
    applications::{self as rows, NewApplication, NewRelease, uploads::ApplicationValues},
};

use super::{ApplicationRefusal as R, changing::categorise, store_link::StoreLink, values};
use crate::{Operator, Service, ServiceError};

/// What the document's samples say of the price.
const PRICE: &str = "0.0";

impl Service {
    /// Keeps an application of the store by its address, which is not called. A tenant has each once.
    pub async fn add_store_application(
        &self,
        operator: &Operator,
        url: &str,
        said: &ApplicationValues,
    ) -> Result<ApplicationId, ServiceError> {
        operator.require_write()?;
        values::check(said)?;
        let StoreLink { store_id, name } = StoreLink::parse(url)?;
        let package_name = format!("id{store_id}");
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let package = rows::lock_package(&tx, operator.tenant, Platform::Ios, &package_name).await?;
        if !rows::of_package(&tx, operator.tenant, Platform::Ios, &package_name).await?.is_empty() {
            return Err(R::SameVersion { package: package_name, version: "of the store".into() }.into());
        }
        let new = NewApplication {
            tenant: operator.tenant,
            organisation: operator.organisation.id,
            package,
            kind: ApplicationType::Public,
            domain_type: DomainType::Normal,
            name: &name,
            company: said.company.as_deref().unwrap_or_default(),
            description: said.description.as_deref().unwrap_or_default(),
            price: Some(PRICE),
            itunes_store_id: Some(store_id),
            os_version: said.os_version.as_deref().unwrap_or(Platform::Ios.lowest_os_version()),
            model_types: &values::model_types(Platform::Ios, said.model_types.as_deref()),
            created_by: &operator.login_id,
        };
        let id = rows::insert(&tx, &new).await?;
        let release = NewRelease { source_url: Some(url), created_by: &operator.login_id, ..NewRelease::default() };
        let release = rows::insert_release(&tx, id, &release).await?;
        rows::set_release(&tx, id, release, DomainType::Normal).await?;
        categorise(&tx, operator, id, said.categories.as_deref()).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(by = %operator.id, application = %id, "application of the store added");
        Ok(id)
    }
}
