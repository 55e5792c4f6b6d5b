//! The tree of organisations grows and changes. Everything is bounded by the caller's own organisation: what is neither it nor
//! below it does not exist.

use drover_domain::{OrganisationId, OrganisationPath, TenantId};
use drover_store::{GenericClient, StoreError, Tx, people::organisations};

use super::{Operator, Organisation};
use crate::{Service, ServiceError, enrolment::check_text};

/// Organisations in one page.
const PAGE_MAX: u32 = 1000;
/// The longest code, in characters.
const CODE_MAX_CHARS: usize = 64;
/// How deep a tree may be. A path of so many ids still fits into an index.
pub(crate) const DEPTH_MAX: usize = 32;

impl Service {
    /// An organisation within the caller's reach.
    pub async fn organisation(&self, caller: &Operator, id: OrganisationId) -> Result<Organisation, ServiceError> {
        find(&self.store().client().await?, caller, id).await
    }

    /// An organisation within the caller's reach, by its code.
    pub async fn organisation_by_code(&self, caller: &Operator, code: &str) -> Result<Organisation, ServiceError> {
        let unknown = || ServiceError::not_found("organisation", code);
        if code.contains('\0') {
            return Err(unknown());
        }
        let client = self.store().client().await?;
        let found = organisations::by_code(&client, caller.tenant, &caller.organisation.path, code).await?;
        found.ok_or_else(unknown)
    }

    /// The organisations from the caller's own to this one, in this order.
    pub async fn line_of_organisation(
        &self,
        caller: &Operator,
        id: OrganisationId,
    ) -> Result<Vec<Organisation>, ServiceError> {
        let client = self.store().client().await?;
        let found = find(&client, caller, id).await?;
        let mut line = organisations::line_of(&client, caller.tenant, &found.path).await?;
        line.retain(|organisation| caller.reaches(&organisation.path));
        Ok(line)
    }

    /// Organisations within the caller's reach after `after`, `limit` at most, each before those below it: below `top` and
    /// itself, or all of them.
    pub async fn organisations(
        &self,
        caller: &Operator,
        top: Option<OrganisationId>,
        after: Option<&OrganisationPath>,
        limit: u32,
    ) -> Result<Vec<Organisation>, ServiceError> {
        let client = self.store().client().await?;
        let top = match top {
            Some(id) => find(&client, caller, id).await?,
            None => caller.organisation.clone(),
        };
        Ok(organisations::below(&client, caller.tenant, &top.path, after, i64::from(limit.min(PAGE_MAX))).await?)
    }

    /// Adds an organisation below another, or else below the caller's own.
    pub async fn add_organisation(
        &self,
        caller: &Operator,
        parent: Option<OrganisationId>,
        code: &str,
        name: &str,
    ) -> Result<Organisation, ServiceError> {
        check_code(code)?;
        check_name(name)?;
        let added = self.change_tree(caller, async |tx| {
            let parent = find(tx, caller, parent.unwrap_or(caller.organisation.id)).await?;
            if parent.path.ids().count() >= DEPTH_MAX {
                return Err(too_deep());
            }
            match organisations::insert(tx, &parent, code, name).await {
                Err(error) if error.unique_violation().is_some() => {
                    Err(ServiceError::conflict(format!("code: {code} is taken")))
                }
                added => Ok(added?),
            }
        });
        let added = added.await?;
        tracing::info!(organisation = %added.id, by = %caller.id, "organisation added");
        Ok(added)
    }

    /// Gives an organisation another name, or puts it below another with everything below it, or both at once.
    pub async fn change_organisation(
        &self,
        caller: &Operator,
        id: OrganisationId,
        name: Option<&str>,
        parent: Option<OrganisationId>,
    ) -> Result<Organisation, ServiceError> {
        name.map_or(Ok(()), check_name)?;
        let changed = self.change_tree(caller, async |tx| {
            let top = find(tx, caller, id).await?;
            if let Some(parent) = parent.filter(|parent| top.parent != Some(*parent)) {
                relocate(tx, &top, &find(tx, caller, parent).await?).await?;
            }
            if let Some(name) = name {
                organisations::rename(tx, id, name).await?;
            }
            find(tx, caller, id).await
        });
        let changed = changed.await?;
        tracing::info!(organisation = %id, parent = ?changed.parent, by = %caller.id, "organisation changed");
        Ok(changed)
    }

    /// Gives an organisation another name.
    pub async fn rename_organisation(
        &self,
        caller: &Operator,
        id: OrganisationId,
        name: &str,
    ) -> Result<Organisation, ServiceError> {
        self.change_organisation(caller, id, Some(name), None).await
    }

    /// Puts an organisation, with everything below it, below another.
    pub async fn move_organisation(
        &self,
        caller: &Operator,
        id: OrganisationId,
        parent: OrganisationId,
    ) -> Result<Organisation, ServiceError> {
        self.change_organisation(caller, id, None, Some(parent)).await
    }

    /// Removes an organisation to which nothing belongs.
    pub async fn delete_organisation(&self, caller: &Operator, id: OrganisationId) -> Result<(), ServiceError> {
        let deleted = self.change_tree(caller, async |tx| {
            if find(tx, caller, id).await?.parent.is_none() {
                return Err(ServiceError::conflict("the root of a tenant stays"));
            }
            match organisations::delete(tx, id).await {
                Err(error) if error.foreign_key_violation().is_some() => {
                    let what = error.foreign_key_violation().unwrap_or_default().replace('_', " ");
                    Err(ServiceError::conflict(format!("the organisation still has {what}")))
                }
                deleted => Ok(deleted?),
            }
        });
        deleted.await?;
        tracing::info!(organisation = %id, by = %caller.id, "organisation deleted");
        Ok(())
    }

    /// The root of a tenant; made when an older program added the tenant without one.
    pub(crate) async fn root_of(
        &self,
        client: &impl GenericClient,
        tenant: TenantId,
    ) -> Result<Organisation, ServiceError> {
        if let Some(root) = organisations::root(client, tenant).await? {
            return Ok(root);
        }
        organisations::ensure_root(client, tenant).await?;
        let root = organisations::root(client, tenant).await?;
        root.ok_or_else(|| ServiceError::not_found("tenant", tenant))
    }

    /// Changes the tenant's tree, one change at a time.
    async fn change_tree<T>(
        &self,
        caller: &Operator,
        change: impl AsyncFnOnce(&Tx<'_>) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        caller.require_write()?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        organisations::lock_tree(&tx, caller.tenant).await?;
        let changed = change(&tx).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(changed)
    }
}

async fn relocate(tx: &Tx<'_>, top: &Organisation, parent: &Organisation) -> Result<(), ServiceError> {
    if top.path.contains(&parent.path) {
        return Err(ServiceError::conflict("parent: an organisation cannot stand below itself"));
    }
    if depth_below(tx, top, parent).await? > DEPTH_MAX {
        return Err(too_deep());
    }
    Ok(organisations::relocate(tx, top, parent).await?)
}

/// How deep the deepest organisation of a subtree would stand below another parent.
pub(crate) async fn depth_below(tx: &Tx<'_>, top: &Organisation, parent: &Organisation) -> Result<usize, ServiceError> {
    let levels = organisations::depth(tx, top.tenant, &top.path).await? + 1 - top.path.ids().count();
    Ok(parent.path.ids().count() + levels)
}

async fn find(
    client: &impl GenericClient,
    caller: &Operator,
    id: OrganisationId,
) -> Result<Organisation, ServiceError> {
    let found = organisations::get(client, caller.tenant, &caller.organisation.path, id).await?;
    found.ok_or_else(|| ServiceError::not_found("organisation", id))
}

pub(crate) fn check_name(name: &str) -> Result<(), ServiceError> {
    if name.trim().is_empty() {
        return Err(ServiceError::invalid("name", "must not be empty"));
    }
    check_text("name", name)
}

pub(crate) fn check_code(code: &str) -> Result<(), ServiceError> {
    let fits = (1..=CODE_MAX_CHARS).contains(&code.chars().count());
    if fits && code.trim() == code && !code.contains(char::is_control) {
        Ok(())
    } else {
        Err(ServiceError::invalid("code", format!("is 1 to {CODE_MAX_CHARS} characters, none at its ends a space")))
    }
}

fn too_deep() -> ServiceError {
    ServiceError::conflict(format!("parent: a tree has at most {DEPTH_MAX} levels"))
}
