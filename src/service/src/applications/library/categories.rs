//! Categories of applications.

use std::collections::BTreeSet;

use drover_domain::{CategoryId, OrganisationPath};
use drover_store::{
    StoreError, Tx,
    applications::categories::{self, Category, FilledCategory},
};

use super::ApplicationRefusal as R;
use crate::{
    Operator, Service, ServiceError, Window, Windowed,
    clients::{check_long, check_name},
};

/// The most applications that one call puts into a category.
const APPLICATIONS_MAX: usize = 1000;
/// The most categories that one call removes.
const REMOVED_MAX: usize = 100;

/// What is said of a category; in a change, what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct NewCategory {
    /// Its name.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// All applications that are to be in it.
    pub applications: Option<Vec<i64>>,
}

impl Service {
    /// Makes a category.
    pub async fn add_category(&self, operator: &Operator, new: &NewCategory) -> Result<CategoryId, ServiceError> {
        operator.require_write()?;
        let name = new.name.as_deref().unwrap_or_default().trim();
        check_name("name", name)?;
        check(new)?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let texts = (name, new.description.as_deref().unwrap_or_default());
        let (organisation, by) = (operator.organisation.id, operator.login_id.as_str());
        let added = categories::insert(&tx, operator.tenant, organisation, texts, by).await;
        let id = added.map_err(|error| taken(error, name))?;
        fill(&tx, operator, id, new.applications.as_deref()).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(by = %operator.id, category = %id, "category added");
        Ok(id)
    }

    /// Categories that the operator sees and whose name has `search` in it, the newest first.
    pub async fn categories(
        &self,
        operator: &Operator,
        search: Option<&str>,
        window: Window,
    ) -> Result<Windowed<FilledCategory>, ServiceError> {
        let client = self.store().client().await?;
        Ok(categories::page(&client, operator.tenant, &operator.organisation.path, search, window).await?)
    }

    /// Changes a category.
    pub async fn change_category(
        &self,
        operator: &Operator,
        id: CategoryId,
        change: &NewCategory,
    ) -> Result<(), ServiceError> {
        operator.require_write()?;
        let name = change.name.as_deref().map(str::trim);
        name.map_or(Ok(()), |name| check_name("name", name))?;
        check(change)?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        changeable(&tx, operator, &[id]).await?;
        let changed = categories::update(&tx, id, name, change.description.as_deref()).await;
        changed.map_err(|error| taken(error, name.unwrap_or_default()))?;
        fill(&tx, operator, id, change.applications.as_deref()).await?;
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }

    /// Removes categories: all of them, or none when one has an application.
    pub async fn delete_categories(&self, operator: &Operator, ids: &[CategoryId]) -> Result<(), ServiceError> {
        operator.require_write()?;
        if ids.len() > REMOVED_MAX {
            return Err(ServiceError::invalid("appCategoryIds", format!("names more than {REMOVED_MAX} categories")));
        }
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        changeable(&tx, operator, ids).await?;
        if let Some(used) = categories::first_in_use(&tx, ids).await? {
            return Err(R::CategoryInUse(used.to_string()).into());
        }
        categories::delete(&tx, ids).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(by = %operator.id, ?ids, "categories removed");
        Ok(())
    }
}

fn check(said: &NewCategory) -> Result<(), ServiceError> {
    said.description.as_deref().map_or(Ok(()), |description| check_long("description", description))?;
    let applications = said.applications.as_deref().unwrap_or_default();
    if applications.len() > APPLICATIONS_MAX {
        return Err(ServiceError::invalid("appIds", format!("names more than {APPLICATIONS_MAX} applications")));
    }
    let mut named = BTreeSet::new();
    match applications.iter().find(|id| !named.insert(**id)) {
        Some(twice) => Err(R::AlreadyLinked(twice.to_string()).into()),
        None => Ok(()),
    }
}

/// Categories that the operator may change, and nobody else until the transaction ends.
async fn changeable(tx: &Tx<'_>, operator: &Operator, ids: &[CategoryId]) -> Result<(), ServiceError> {
    let found = categories::lock(tx, operator.tenant, ids).await?;
    let seen: Vec<&Category> = found.iter().filter(|category| operator.sees(&category.owner)).collect();
    if let Some(unknown) = ids.iter().find(|id| !seen.iter().any(|category| category.id == **id)) {
        return Err(R::NoSuchCategory(unknown.to_string()).into());
    }
    seen.iter().try_for_each(|category| operator.require_reach(&category.owner))
}

/// Says which applications are in a category, if that was said.
async fn fill(tx: &Tx<'_>, operator: &Operator, id: CategoryId, named: Option<&[i64]>) -> Result<(), ServiceError> {
    let Some(named) = named else { return Ok(()) };
    let seen_from: &OrganisationPath = &operator.organisation.path;
    let seen = categories::seen_applications(tx, operator.tenant, seen_from, named).await?;
    if let Some(unknown) = named.iter().find(|id| !seen.contains(id)) {
        return Err(R::NoSuchApplication(unknown.to_string()).into());
    }
    Ok(categories::set_applications(tx, id, seen_from, named).await?)
}

fn taken(error: StoreError, name: &str) -> ServiceError {
    if error.unique_violation().is_some() {
        R::CategoryNameTaken(name.to_owned()).into()
    } else {
        ServiceError::of_naming(error)
    }
}
